"""Who hears of calls about fingerprints. Part of the table in ``rules``."""

from notifications.fanout.audience import (
    CALLERS,
    EVERYWHERE,
    INBOX_ONLY,
    OFFICERS,
    PEOPLE,
    Audience,
    Rule,
)

_VERIFICATIONS = "/p/{partnership}/verifications/"
VERIFICATIONS: dict[str, Rule] = {
    "verification.booked": Rule(
        Audience.PARTNER,
        CALLERS,
        PEOPLE,
        subject="{organization} proposes a time to verify {label} by phone",
        next="Confirm one of the times. Open the portal to get the number.",
        path=_VERIFICATIONS + "{number}/",
    ),
    "verification.booking_confirmed": Rule(
        Audience.PARTNER,
        CALLERS,
        PEOPLE,
        subject="{organization} confirmed the time of verification {number}",
        next="The calendar file is on its page.",
        path=_VERIFICATIONS + "{number}/",
    ),
    "verification.quarantined": Rule(
        Audience.BOTH,
        OFFICERS,
        EVERYWHERE,
        subject="Mismatch: {label} is quarantined",
        next="The fingerprint that was read is not the one in the portal. Call the other side on a number of the directory, "
        "and write what happened on the record. Do not use the portal to reply, and do not ask for another upload.",
        path=_VERIFICATIONS + "{number}/record/",
        facts=(("Verification", "{number}"), ("Reason", "{reason}")),
        urgent=True,
        actor_too=True,
    ),
    "verification.recorded": Rule(
        Audience.ACTING,
        OFFICERS,
        PEOPLE,
        subject="{label} of {partner} was verified by phone; a second person must approve",
        next="Read the record and decide. Whoever made the call cannot approve it.",
        path=_VERIFICATIONS + "{number}/record/",
    ),
    "verification.approved": Rule(
        Audience.PARTNER,
        CALLERS,
        EVERYWHERE,
        subject="{organization} verified your {label}",
        path=_VERIFICATIONS + "{number}/record/",
    ),
    "verification.declined": Rule(
        Audience.BOTH,
        CALLERS,
        PEOPLE,
        subject="{organization} declined verification {number} of {label}; another call is needed",
        path=_VERIFICATIONS + "{number}/record/",
        facts=(("Reason", "{reason}"),),
    ),
    "verification.unlocked": Rule(
        Audience.BOTH,
        OFFICERS,
        PEOPLE,
        subject="{actor} unlocked {label} after its mismatch",
        path=_VERIFICATIONS,
        facts=(("Reason", "{reason}"), ("Call with", "{contact}")),
        urgent=True,
    ),
    "verification.rehearsed": Rule(
        Audience.BOTH,
        OFFICERS,
        INBOX_ONLY,
        subject="REHEARSAL: verification {number} ended",
        path=_VERIFICATIONS + "{number}/record/",
        facts=(("Wrong group noticed", "{noticed}"), ("Seconds", "{seconds}")),
    ),
}
