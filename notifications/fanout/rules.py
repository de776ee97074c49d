"""Who hears of what, by which channel, in which words: one table. Plain Python.

To tell people of a new kind of event, add one entry to ``TABLE``. What stands in braces is filled from the recorded event as
``portal.audit.sentences`` says, besides ``{partnership}``, the slug of the partnership, for ``path``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from notifications.deliveries.rules import Channel
from portal.organizations.rules import RESPONDER, Role


class Audience(StrEnum):
    """Which organizations are told: the one whose act or concern the event is, the other of the partnership, or both."""

    ACTING = "acting"
    PARTNER = "partner"
    BOTH = "both"


ADMINS = frozenset({Role.ADMIN.value})
OFFICERS = frozenset({Role.OFFICER.value})
CALLERS = frozenset({Role.OFFICER.value, Role.VERIFIER.value})
DELIVERY_KEEPERS = ADMINS | OFFICERS
RESPONDERS = frozenset({Role.OFFICER.value, Role.VERIFIER.value, RESPONDER})

INBOX = "inbox"
PEOPLE: frozenset[str] = frozenset({INBOX, Channel.MAIL})
EVERYWHERE: frozenset[str] = PEOPLE | {Channel.WEBHOOK}
INBOX_ONLY: frozenset[str] = frozenset({INBOX})


@dataclass(frozen=True)
class Rule:
    """Who hears of one kind of event.

    ``subject`` is what a mail's subject, an inbox row and a pager say. ``facts`` are lines of the mail, a label and a
    template each; lines that come out empty are left away. ``next`` says what the reader does now. ``path`` is the page
    where it is done. ``roles`` picks the people (``RESPONDER`` stands for the flag); whoever caused the event is told only
    if ``actor_too``. ``urgent`` retries fast and marks the mail.
    """

    audience: Audience
    roles: frozenset[str]
    channels: frozenset[str]
    subject: str
    next: str = ""
    path: str = "/inbox/"
    facts: tuple[tuple[str, str], ...] = field(default=())
    urgent: bool = False
    actor_too: bool = False


TABLE: dict[str, Rule] = {
    # A dead letter is told by another channel than the one that failed, or telling would fail again for ever.
    "mail.undeliverable": Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS,
        INBOX_ONLY,
        subject="A mail to {recipient} could not be delivered",
        next="Check the address, then send it again from the event's deliveries.",
        facts=(("Tried", "{tries} times"), ("Last answer", "{answer}")),
    ),
    "webhook.undeliverable": Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS,
        PEOPLE,
        subject="A webhook to {recipient} could not be delivered",
        next="Mend the endpoint, then redeliver from its page.",
        path="/webhooks/",
        facts=(("Tried", "{tries} times"), ("Last answer", "{answer}")),
    ),
}

# Declared here, since deliveries only record what the fan-out tells.
EVENTS = {
    "mail.undeliverable": "A mail to {recipient} about event {event} was given up after {tries} tries: {answer}",
    "webhook.undeliverable": "A webhook to {recipient} about event {event} was given up after {tries} tries: {answer}",
}
