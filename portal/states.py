"""Every state that people can see, in one table: its exact label, its icon and its tint.

Screens, mails, webhooks and the API take their words from here, so that they cannot drift. Tints: ``ok`` is a completed
check or what is current, ``warn`` is "not yet", ``bad`` is "act now, or trust is broken", ``info`` waits for somebody,
"" is quiet. A completed task is plain, because attention belongs to what is left to do.
"""

from typing import NamedTuple


class Label(NamedTuple):
    """How a state is shown. ``icon`` names a symbol of ``static/icons.svg``; ``tint`` is a CSS class or "" for none."""

    text: str
    icon: str
    tint: str


LABELS: dict[str, dict[str, Label]] = {
    "organization": {
        "invited": Label("Invited", "mail", "info"),
        "active": Label("Active", "circle-check", "ok"),
        "suspended": Label("Suspended", "player-pause", "bad"),
    },
    "member": {
        "invited": Label("Invited", "mail", "info"),
        "active": Label("Active", "circle-check", ""),
        "locked": Label("Locked", "lock", "bad"),
    },
    "partnership": {
        "invited": Label("Invited", "mail", "info"),
        "onboarding": Label("Onboarding", "circle-dashed", "info"),
        "active": Label("Active", "circle-check", "ok"),
        "suspended": Label("Suspended", "player-pause", "bad"),
        "ended": Label("Ended", "archive", ""),
    },
    "agreement": {
        "draft": Label("Draft", "pencil", ""),
        "waiting_for_partner": Label("Waiting for partner", "hourglass", "info"),
        "in_force": Label("In force", "signature", "ok"),
        "replaced": Label("Replaced", "history", ""),
    },
    "contact": {
        "unconfirmed": Label("Unconfirmed", "phone", "warn"),
        "confirmed": Label("Confirmed", "shield-check", "ok"),
        "cooling_off": Label("Cooling off", "clock", "warn"),
        "retired": Label("Retired", "archive", ""),
    },
    "key": {
        "uploaded": Label("Uploaded", "upload", ""),
        "proven": Label("Proven", "shield-half", "warn"),
        "verified": Label("Verified", "shield-check", "ok"),
        "expired": Label("Expired", "clock", "bad"),
        "revoked": Label("Revoked", "ban", "bad"),
        "replaced": Label("Replaced", "history", ""),
    },
    "signature": {
        "good": Label("Signature good", "signature", "ok"),
        "bad": Label("Signature bad", "circle-x", "bad"),
        "missing": Label("Signature missing", "circle-minus", "warn"),
    },
    "submission": {
        "checking": Label("Checking", "circle-dashed", "info"),
        "refused": Label("Refused", "circle-x", "bad"),
        "waiting_for_call": Label("Waiting for call", "phone-call", "warn"),
        "waiting_for_approval": Label("Waiting for approval", "hourglass", "info"),
        "accepted": Label("Accepted", "circle-check", "ok"),
        "withdrawn": Label("Withdrawn", "archive", ""),
        "quarantined": Label("Quarantined", "hand-stop", "bad"),
    },
    "certificate": {
        "pending": Label("Pending", "shield-half", "warn"),
        "trusted": Label("Trusted", "shield-check", "ok"),
        "revoked": Label("Revoked", "ban", "bad"),
        "expired": Label("Expired", "clock", "bad"),
        "rejected": Label("Rejected", "circle-x", ""),
    },
    "finding": {
        "passed": Label("Passed", "check", "ok"),
        "info": Label("Good to know", "info-circle", "info"),
        "notice": Label("Good to know", "info-circle", "info"),
        "warning": Label("Warning", "alert-triangle", "warn"),
        "error": Label("Must be fixed", "circle-x", "bad"),
        "waiting": Label("Waits for you", "hourglass", "info"),
    },
    "verification": {
        "booked": Label("Booked", "calendar", "info"),
        "in_progress": Label("In progress", "phone-call", "info"),
        "paused": Label("Paused", "player-pause", "warn"),
        "recorded": Label("Recorded", "file-check", "ok"),
        "stopped": Label("Stopped", "hand-stop", ""),
        "mismatch": Label("Mismatch", "alert-circle", "bad"),
        "approved": Label("Approved", "shield-check", "ok"),
        "declined": Label("Declined", "circle-x", "bad"),
    },
    "verification_request": {
        "waiting": Label("Waiting for call", "phone-call", "warn"),
        "recorded": Label("Waiting for approval", "hourglass", "info"),
        "approved": Label("Verified", "shield-check", "ok"),
        "quarantined": Label("Quarantined", "hand-stop", "bad"),
        "withdrawn": Label("Withdrawn", "archive", ""),
        "expired": Label("Too old", "clock", "warn"),
    },
    "version": {
        "draft": Label("Draft", "pencil", ""),
        "waiting_for_approval": Label("Waiting for approval", "hourglass", "info"),
        "current": Label("Current", "circle-check", "ok"),
        "superseded": Label("Superseded", "history", ""),
    },
    "consumer": {
        "current": Label("Current", "circle-check", "ok"),
        "behind": Label("Behind", "alert-triangle", "warn"),
        "silent": Label("Silent", "bell-off", "bad"),
        "never_pulled": Label("Never pulled", "circle", ""),
        "switched_off": Label("Switched off", "archive", ""),
    },
    "feed_reader": {
        "current": Label("Has all", "circle-check", "ok"),
        "behind": Label("Unread", "hourglass", "info"),
        "silent": Label("Silent", "bell-off", "bad"),
        "not_awaited": Label("Not awaited", "circle", ""),
    },
    "token": {
        "active": Label("Active", "circle-check", ""),
        "expiring": Label("Expiring", "clock", "warn"),
        "expired": Label("Expired", "clock", "bad"),
        "revoked": Label("Revoked", "ban", ""),
    },
    "notice": {
        "open": Label("Open", "bell-ringing", "bad"),
        "acknowledged": Label("Acknowledged", "check", "info"),
        "done": Label("Done", "circle-check", ""),
        "cannot_act": Label("Cannot act", "hand-stop", "bad"),
        "overdue": Label("Overdue", "clock-exclamation", "bad"),
        "withdrawn": Label("Withdrawn", "archive", ""),
        "superseded": Label("Corrected", "archive", ""),
        "unverified": Label("Sender not verified", "alert-triangle", "warn"),
    },
    "endpoint": {
        "unproven": Label("Waiting for its test", "hourglass", "warn"),
        "removed": Label("Removed", "archive", ""),
        "active": Label("Active", "circle-check", "ok"),
        "failing": Label("Failing", "alert-triangle", "bad"),
        "paused": Label("Paused", "player-pause", ""),
    },
    "delivery": {
        "pending": Label("Waiting", "hourglass", "info"),
        "delivered": Label("Delivered", "check", ""),
        "retrying": Label("Retrying", "repeat", "warn"),
        "failed": Label("Failed", "circle-x", "bad"),
    },
    "task": {
        "not_started": Label("Not started", "circle", ""),
        "in_progress": Label("In progress", "circle-dashed", "info"),
        "waiting_for_partner": Label("Waiting for partner", "hourglass", "info"),
        "completed": Label("Completed", "check", "plain"),
        "cannot_start_yet": Label("Cannot start yet", "lock", ""),
        "problem": Label("There is a problem", "alert-circle", "bad"),
    },
    "revocation_list": {
        "fresh": Label("Answers", "check", "ok"),
        "stale": Label("Out of date", "clock", "warn"),
        "unreachable": Label("Unreachable", "alert-triangle", "warn"),
        "wrong_signer": Label("Wrong signer", "alert-circle", "bad"),
        "unusable": Label("Cannot be used", "circle-x", "bad"),
        "unknown": Label("No answer yet", "circle", ""),
    },
}


def label(kind: str, state: object) -> Label:
    """Return how ``state`` of an object of this ``kind`` is shown.

    ``state`` may be an enum member or its value, in any case and with spaces, hyphens or underscores between words.
    A state that the table does not know is shown by its own words and without a tint: a missing line here must not
    take down the page that somebody needs at night. ``tests/promises`` compares the table with every feature's states.
    """
    key = str(getattr(state, "value", state)).strip().lower().replace(" ", "_").replace("-", "_")
    known = LABELS.get(kind, {}).get(key)
    return known or Label(key.replace("_", " ").capitalize(), "circle", "")
