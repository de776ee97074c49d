"""Who hears of notices, their acknowledgements, their feed, and webhook endpoints in trouble, in which words. Plain Python."""

from notifications.fanout.audience import (
    ADMINS,
    DELIVERY_KEEPERS,
    EVERYWHERE,
    INBOX_AND_WEBHOOK,
    INBOX_ONLY,
    OFFICERS,
    PEOPLE,
    RESPONDERS,
    Audience,
    Rule,
)

_NOTICE = "/n/{label}/"
_ABOUT = (
    ("Certificate", "{certificate}"),
    ("SHA-256", "{fingerprint}"),
    ("Serial", "{serial}"),
    ("Reason", "{reason}"),
    ("Takes effect", "{takes_effect}"),
    ("Acknowledge", "by {act_by}"),
    ("Signed by", "{organization}'s key {signer}"),
)
NOTICES: dict[str, Rule] = {
    "notice.received": Rule(
        Audience.PARTNER,
        RESPONDERS,
        EVERYWHERE,
        subject="{headline}",
        next="Press Acknowledge, then: {todo}",
        path=_NOTICE,
        facts=_ABOUT,
    ),
    "notice.unverified": Rule(
        Audience.PARTNER,
        RESPONDERS,
        EVERYWHERE,
        subject="We cannot tell who sent notice {label}: its key is not verified",
        next="Do not act on it alone: call {organization} on a number from the directory.",
        path=_NOTICE,
        facts=(("It says", "{title}"), ("Signed by", "key {signer}, which nobody of yours verified by phone")),
        urgent=True,
    ),
    "notice.executed": Rule(
        Audience.BOTH,
        RESPONDERS,
        EVERYWHERE,
        subject="Notice {label} took effect: {effect}",
        next="See which services have moved.",
        path=_NOTICE,
        facts=(("Notice", "{title}"),),
    ),
    "notice.apply_failed": Rule(
        Audience.ACTING,
        RESPONDERS,
        EVERYWHERE,
        subject="Notice {label} could not take effect: {reason}",
        next="Remove the certificate yourself from the notice's page.",
        path=_NOTICE,
        urgent=True,
    ),
    "notice.superseded": Rule(
        Audience.PARTNER, RESPONDERS, EVERYWHERE, subject="Notice {label} was corrected by {by}", path="/n/{by}/"
    ),
    "notice.withdrawn": Rule(
        Audience.PARTNER, RESPONDERS, EVERYWHERE, subject="Notice {label} was withdrawn by {by}", path=_NOTICE
    ),
    "notice.message_id_reused": Rule(
        Audience.BOTH,
        OFFICERS,
        EVERYWHERE,
        subject="{organization} signed two different notices with one message id",
        next="Find out who else signs with this key.",
        path=_NOTICE,
        facts=(("Message id", "{message_id}"), ("First notice", "{label}")),
        urgent=True,
    ),
    "notice.adopted": Rule(
        Audience.BOTH,
        RESPONDERS,
        INBOX_AND_WEBHOOK,
        subject="No service has to move any more after notice {label}",
        path=_NOTICE,
    ),
    "notice.closed": Rule(
        Audience.BOTH, RESPONDERS, INBOX_AND_WEBHOOK, subject="Notice {label} is closed", path=_NOTICE
    ),
    "acknowledgement.acknowledged": Rule(
        Audience.BOTH,
        RESPONDERS,
        EVERYWHERE,
        subject="{person} of {organization} has notice {label}",
        path=_NOTICE,
        facts=(("Notice", "{title}"), ("Message", "{message}")),
    ),
    "acknowledgement.done": Rule(
        Audience.BOTH,
        RESPONDERS,
        EVERYWHERE,
        subject="{organization} has done what notice {label} asks",
        path=_NOTICE,
        facts=(("Notice", "{title}"), ("How", "{message}")),
    ),
    "acknowledgement.cannot_act": Rule(
        Audience.BOTH,
        RESPONDERS,
        EVERYWHERE,
        subject="{organization} cannot act on notice {label} by the deadline",
        next="Call them on their directory number.",
        path=_NOTICE,
        facts=(("Notice", "{title}"), ("Reason", "{message}")),
        urgent=True,
    ),
    "acknowledgement.reminded": Rule(
        Audience.ACTING,
        ADMINS | RESPONDERS,
        EVERYWHERE,
        subject="Reminder: {headline}",
        next="Press Acknowledge, then: {todo}",
        path=_NOTICE,
        facts=(("Acknowledge", "by {act_by}"),),
        named=True,
    ),
    "acknowledgement.escalated": Rule(
        Audience.ACTING,
        ADMINS | RESPONDERS,
        EVERYWHERE,
        subject="Nobody has acknowledged yet: {headline}",
        next="Press Acknowledge, then: {todo}",
        path=_NOTICE,
        facts=(("Level", "{level}"), ("Told", "{because}"), ("Acknowledge", "by {act_by}")),
        named=True,
    ),
    "acknowledgement.sender_told": Rule(
        Audience.PARTNER,
        RESPONDERS,
        EVERYWHERE,
        subject="{organization} has not acknowledged notice {label} after {waited}",
        next="Call them on their directory number.",
        path=_NOTICE,
        facts=(("Notice", "{title}"),),
    ),
    "acknowledgement.overdue": Rule(
        Audience.BOTH,
        RESPONDERS,
        EVERYWHERE,
        subject="Overdue: notice {label} was not acknowledged by {act_by}",
        next="Acknowledge it, or call your partner.",
        path=_NOTICE,
        facts=(("Notice", "{title}"),),
        actor_too=True,
    ),
    "acknowledgement.unfinished": Rule(
        Audience.ACTING,
        RESPONDERS,
        EVERYWHERE,
        subject="Acknowledged and not done: {headline}",
        next="{todo}",
        path=_NOTICE,
        facts=(("Acknowledged", "by {person}"),),
    ),
}
_ENDPOINT = "/webhooks/{subject}/"


def _trouble(subject: str, next: str = "Mend the receiver, then send a test.", urgent: bool = False) -> Rule:
    """Return the rule of an endpoint in trouble: told by mail and inbox, never by the webhook that fails."""
    return Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS,
        PEOPLE,
        subject,
        next,
        _ENDPOINT,
        (("Last answer", "{reason}"),),
        urgent=urgent,
    )


ENDPOINTS: dict[str, Rule] = {
    "webhook_endpoint.failing": _trouble("{name} is failing. Notices go by mail meanwhile"),
    "webhook_endpoint.still_failing": _trouble("{name} is still failing. Notices go by mail meanwhile"),
    "webhook_endpoint.pausing_soon": _trouble("{name} will be paused in 24 hours"),
    "webhook_endpoint.paused": _trouble("{name} is paused. Nothing is sent to it any more", urgent=True),
    "webhook_endpoint.still_paused": _trouble(
        "{name} is still paused and missed {missed} events",
        "Mend the receiver, resume it, then redeliver what it missed.",
    ),
    "webhook_endpoint.recovered": Rule(
        Audience.ACTING, DELIVERY_KEEPERS, INBOX_ONLY, subject="{name} answers again", path=_ENDPOINT
    ),
}

FEED: dict[str, Rule] = {
    "notice_feed.silent": Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS | RESPONDERS,
        EVERYWHERE,
        subject="{programs} stopped reading the feed of notices with {partners}",
        next="Look whether it runs and its token is in force: until it reads, it hears of no revocation by this way. "
        "If nobody waits for it any more, say so on the page.",
        path="/notices/feed/",
        facts=(("Last read", "{last_read_at}"), ("Unread notices", "{unread}")),
    ),
    "notice_feed.read_again": Rule(
        Audience.ACTING,
        DELIVERY_KEEPERS | RESPONDERS,
        INBOX_ONLY,
        subject="{programs} reads the feed of notices with {partners} again",
        path="/notices/feed/",
    ),
}
