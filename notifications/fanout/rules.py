"""Who hears of what, by which channel, in which words: one table. Plain Python.

To tell people of a new kind of event, add one entry to the part of its noun, ``about_…``. What stands in braces is filled from the
recorded event as ``portal.audit.sentences`` says, besides ``{partnership}``, the slug of the partnership, for ``path``.
"""

from notifications.fanout.about_agreements import AGREEMENTS
from notifications.fanout.about_inventory import INVENTORY
from notifications.fanout.about_keys import KEYS
from notifications.fanout.about_notices import ENDPOINTS, FEED, NOTICES
from notifications.fanout.about_onboarding import ONBOARDING
from notifications.fanout.about_organizations import ORGANIZATIONS
from notifications.fanout.about_revocations import REVOCATIONS
from notifications.fanout.about_stores import STORES
from notifications.fanout.about_submissions import SUBMISSIONS
from notifications.fanout.about_verifications import VERIFICATIONS
from notifications.fanout.audience import (
    ADMINS,
    CALLERS,
    DELIVERY_KEEPERS,
    EVERYWHERE,
    INBOX,
    INBOX_ONLY,
    PEOPLE,
    RESPONDERS,
    Audience,
    Rule,
)

__all__ = ["ADMINS", "CALLERS", "EVENTS", "INBOX", "TABLE", "Audience", "Rule"]

TABLE: dict[str, Rule] = {
    **ORGANIZATIONS,
    **KEYS,
    **INVENTORY,
    **ONBOARDING,
    **AGREEMENTS,
    **SUBMISSIONS,
    **VERIFICATIONS,
    **STORES,
    **NOTICES,
    **FEED,
    **ENDPOINTS,
    **REVOCATIONS,
    "event.untold": Rule(
        Audience.BOTH,
        ADMINS | RESPONDERS,
        PEOPLE,
        subject="Something happened that the portal could not put into words: event {event}",
        next="Read it in the log, and tell whoever operates the portal: it made a mistake.",
        path="/audit/",
        facts=(("Kind", "{of_kind}"),),
        urgent=True,
    ),
    # A dead letter is told by another channel than the one that failed, or telling would fail again for ever.
    "mail.bounced": Rule(
        Audience.ACTING,
        ADMINS | RESPONDERS,
        EVERYWHERE,
        subject="A mail to {recipient} came back: {answer}",
        next="Reach them another way, and have the address looked at.",
        path="/members/",
        facts=(("It told of", "{about}"),),
    ),
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
    "event.untold": "Event {event} ({of_kind}) could not be told in its own words: the portal made a mistake",
    "mail.undeliverable": "A mail to {recipient} about event {event} was given up after {tries} tries: {answer}",
    "webhook.undeliverable": "A webhook to {recipient} about event {event} was given up after {tries} tries: {answer}",
}
