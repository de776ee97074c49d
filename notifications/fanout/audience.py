"""Who can be told, by which channels, and the shape of one rule. Plain Python."""

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
EVERYBODY = frozenset(role.value for role in Role)
RESPONDERS = frozenset({Role.OFFICER.value, Role.VERIFIER.value, RESPONDER})

INBOX = "inbox"
PEOPLE: frozenset[str] = frozenset({INBOX, Channel.MAIL})
EVERYWHERE: frozenset[str] = PEOPLE | {Channel.WEBHOOK}
INBOX_ONLY: frozenset[str] = frozenset({INBOX})
INBOX_AND_WEBHOOK: frozenset[str] = frozenset({INBOX, Channel.WEBHOOK})


@dataclass(frozen=True)
class Rule:
    """Who hears of one kind of event.

    ``subject`` is what a mail's subject, an inbox row and a pager say. ``facts`` are lines of the mail, a label and a
    template each; lines that come out empty are left away. ``next`` says what the reader does now. ``path`` is the page
    where it is done. ``roles`` picks the people (``RESPONDER`` stands for the flag); whoever caused the event is told only
    if ``actor_too``. ``urgent`` retries fast and marks the mail. ``contacts`` are those of the directory who have no login:
    they get the mail too.
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
    contacts: bool = False
    # Only the members whose ids the event's data has in "memberships": a step of an escalation, whatever their role.
    named: bool = False
