"""The call about a fingerprint: its states, steps and moments, as tables. Plain Python, no clock.

Two state machines: a *request* is a fingerprint that one relying organization must verify; a *call* is one try at it.
What is typed is judged in ``groups``, who may do what stands in ``people``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal import errors

# --- Limits, with their reasons -----------------------------------------------------------------------------------------------
CODE_TRIES = 3
CODE_DIGITS = 4
RESUME_WITHIN = timedelta(minutes=15)
# A call in which nobody did anything for so long is over; it must not lock others out of the fingerprint.
IDLE_AFTER = RESUME_WITHIN
# Verifying another fingerprint, or swapping roles, in the same phone call.
CONTINUE_WITHIN = timedelta(minutes=15)


# --- States -------------------------------------------------------------------------------------------------------------------
class RequestState(StrEnum):
    """Where a fingerprint stands with one relying organization."""

    WAITING = "waiting"
    RECORDED = "recorded"
    APPROVED = "approved"
    QUARANTINED = "quarantined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class RequestAction(StrEnum):
    """What can happen to a request."""

    RECORD = "record"
    APPROVE = "approve"
    DECLINE = "decline"
    QUARANTINE = "quarantine"
    UNLOCK = "unlock"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


class CallState(StrEnum):
    """Where a call stands."""

    BOOKED = "booked"
    IN_PROGRESS = "in_progress"
    RECORDED = "recorded"
    STOPPED = "stopped"
    MISMATCH = "mismatch"


class CallAction(StrEnum):
    """What can happen to a call as a whole."""

    START = "start"
    RECORD = "record"
    STOP = "stop"
    MISMATCH = "mismatch"


# A quarantined request cannot be withdrawn: a new upload of the same fingerprint must meet the quarantine again.
REQUEST_TRANSITIONS: dict[tuple[RequestState, RequestAction], RequestState] = {
    (RequestState.WAITING, RequestAction.RECORD): RequestState.RECORDED,
    (RequestState.WAITING, RequestAction.QUARANTINE): RequestState.QUARANTINED,
    (RequestState.WAITING, RequestAction.WITHDRAW): RequestState.WITHDRAWN,
    (RequestState.RECORDED, RequestAction.APPROVE): RequestState.APPROVED,
    (RequestState.RECORDED, RequestAction.DECLINE): RequestState.WAITING,
    (RequestState.RECORDED, RequestAction.WITHDRAW): RequestState.WITHDRAWN,
    (RequestState.QUARANTINED, RequestAction.UNLOCK): RequestState.WAITING,
    (RequestState.APPROVED, RequestAction.EXPIRE): RequestState.EXPIRED,
}
CALL_TRANSITIONS: dict[tuple[CallState, CallAction], CallState] = {
    (CallState.BOOKED, CallAction.START): CallState.IN_PROGRESS,
    (CallState.BOOKED, CallAction.STOP): CallState.STOPPED,
    (CallState.IN_PROGRESS, CallAction.RECORD): CallState.RECORDED,
    (CallState.IN_PROGRESS, CallAction.STOP): CallState.STOPPED,
    (CallState.IN_PROGRESS, CallAction.MISMATCH): CallState.MISMATCH,
}
REQUEST_LABELS = {
    RequestState.WAITING: "Waiting for call",
    RequestState.RECORDED: "Waiting for approval",
    RequestState.APPROVED: "Verified",
    RequestState.QUARANTINED: "Quarantined",
    RequestState.WITHDRAWN: "Withdrawn",
    RequestState.EXPIRED: "Too old",
}
CALL_LABELS = {
    CallState.BOOKED: "Booked",
    CallState.IN_PROGRESS: "In progress",
    CallState.RECORDED: "Recorded",
    CallState.STOPPED: "Stopped",
    CallState.MISMATCH: "Mismatch",
}


def next_request_state(state: str, action: RequestAction) -> RequestState:
    """Return the state after ``action``. Raises Conflict when the table does not have it."""
    try:
        return REQUEST_TRANSITIONS[RequestState(state), action]
    except KeyError:
        label = REQUEST_LABELS[RequestState(state)].lower()
        raise errors.Conflict(
            f"This fingerprint is {label}, so it cannot be {_PAST[action]}.", code=f"request_{state}"
        ) from None


_PAST = {
    RequestAction.RECORD: "recorded",
    RequestAction.APPROVE: "approved",
    RequestAction.DECLINE: "declined",
    RequestAction.QUARANTINE: "quarantined",
    RequestAction.UNLOCK: "unlocked",
    RequestAction.WITHDRAW: "withdrawn",
    RequestAction.EXPIRE: "expired",
}


def next_call_state(state: str, action: CallAction) -> CallState:
    """Return the state after ``action``. Raises Conflict when the table does not have it."""
    try:
        return CALL_TRANSITIONS[CallState(state), action]
    except KeyError:
        raise errors.Conflict(
            f"The call is {CALL_LABELS[CallState(state)].lower()}.", code=f"call_{state}", fix="See its record."
        ) from None


# --- Steps of a running call --------------------------------------------------------------------------------------------------
class Step(StrEnum):
    """What a running call waits for."""

    CODE = "code"
    SOURCE = "source"
    TYPE = "type"
    READ_BACK = "read_back"
    DONE = "done"


class Source(StrEnum):
    """Which record of their own the owner reads from."""

    CEREMONY = "ceremony"
    HSM_HOST = "hsm_host"
    PRINTED = "printed"
    OTHER = "other"


SOURCE_LABELS = {
    Source.CEREMONY: "Key ceremony record",
    Source.HSM_HOST: "HSM host",
    Source.PRINTED: "Printed sheet",
    Source.OTHER: "Another record of their own",
}


class StopReason(StrEnum):
    """Why somebody pressed Stop, or why the portal ended the call."""

    WRONG_PERSON = "wrong_person"
    UNEASY = "uneasy"
    VALUES_DIFFER = "values_differ"
    NO_ANSWER = "no_answer"
    OTHER = "other"
    CODE_WRONG = "code_wrong"
    TIMED_OUT = "timed_out"
    CONTACT_UNUSABLE = "contact_unusable"
    WITHDRAWN = "withdrawn"


STOP_LABELS = {
    StopReason.WRONG_PERSON: "It is not the person from the directory",
    StopReason.UNEASY: "Something feels wrong",
    StopReason.VALUES_DIFFER: "What they read differs from what is shown or typed",
    StopReason.OTHER: "Another reason: we ran out of time, the line is bad",
    StopReason.NO_ANSWER: "Nobody answered",
    StopReason.CODE_WRONG: "The call code was wrong three times",
    StopReason.TIMED_OUT: "Nobody went on within 15 minutes",
    StopReason.CONTACT_UNUSABLE: "The contact was retired or the number changed during the call",
    StopReason.WITHDRAWN: "What the call was about was withdrawn",
}
# The four that a person chooses from.
STOP_CHOICES = (StopReason.WRONG_PERSON, StopReason.UNEASY, StopReason.VALUES_DIFFER, StopReason.OTHER)


class CallType(StrEnum):
    """How the two people hear each other; the rules are the same."""

    PHONE = "phone"
    RELAY = "relay"


CALL_TYPE_LABELS = {CallType.PHONE: "Phone call", CallType.RELAY: "Real-time text or relay call"}


@dataclass(frozen=True)
class Progress:
    """What a running call has behind it."""

    code_matched: bool
    source_named: bool
    matched: int
    total: int
    read_back_by_verifier: bool
    read_back_by_reader: bool


def step(progress: Progress) -> Step:
    """Return what the call waits for. Steps cannot be skipped: each needs the one before."""
    if not progress.code_matched:
        return Step.CODE
    if not progress.source_named:
        return Step.SOURCE
    if progress.matched < progress.total:
        return Step.TYPE
    if not (progress.read_back_by_verifier and progress.read_back_by_reader):
        return Step.READ_BACK
    return Step.DONE


def require_step(progress: Progress, wanted: Step) -> None:
    """Raise Conflict unless the call waits for ``wanted``."""
    if step(progress) != wanted:
        raise errors.Conflict("The call is at another step.", code="wrong_step", fix="Reload the page.")


# --- Moments ------------------------------------------------------------------------------------------------------------------
def resume_until(paused_at: datetime) -> datetime:
    """Return the last moment at which a paused call can go on; that very moment still counts."""
    return paused_at + RESUME_WITHIN


def may_resume(paused_at: datetime, now: datetime) -> bool:
    """Say whether a call that was paused at ``paused_at`` can still go on."""
    return now <= resume_until(paused_at)


def is_idle(last_act_at: datetime, now: datetime) -> bool:
    """Say whether a running call was left alone for too long."""
    return now > last_act_at + IDLE_AFTER


def expires_at(approved_at: datetime, max_age_days: int | None) -> datetime | None:
    """Return when a verification becomes too old under the agreement's limit; None without a limit."""
    return approved_at + timedelta(days=max_age_days) if max_age_days is not None else None


def counts_at(approved_at: datetime, max_age_days: int | None, now: datetime) -> bool:
    """Say whether an approved verification is young enough."""
    end = expires_at(approved_at, max_age_days)
    return end is None or now < end


# --- Events -------------------------------------------------------------------------------------------------------------------
EVENTS: dict[str, str] = {
    "verification.requested": "{source} brought {label}, whose fingerprint {partner} must verify by phone",
    "verification.withdrawn": "The verification of {label} was withdrawn",
    "verification.expired": "The verification of {label} became too old under the agreement",
    "verification.booked": "{actor} proposed a time to call {contact} about {label} (verification {number})",
    "verification.booking_confirmed": "{actor} confirmed the time of verification {number}",
    "verification.booking_cancelled": "{actor} cancelled the booked call, verification {number}",
    "verification.call_started": "{actor} called {contact} about {label} (verification {number})",
    "verification.joined": "{actor} joined the call, verification {number}",
    "verification.code_matched": "{actor} typed the right call code in verification {number}",
    "verification.code_wrong": "{actor} typed a wrong call code in verification {number}; {tries_left} tries were left",
    "verification.source_named": "{actor} noted what the fingerprint is read from in verification {number}",
    "verification.group_differs": "Group {group} differed in verification {number}, try {tries}",
    "verification.paused": "{actor} paused verification {number}",
    "verification.resumed": "{actor} went on with verification {number}",
    "verification.read_back": "{actor} pressed “Read back done” in verification {number}",
    "verification.stopped": "{actor} stopped verification {number}; nothing was verified",
    "verification.recorded": "Every group of {label} matched in verification {number}; a security officer must approve",
    "verification.quarantined": "The fingerprints of {label} are different: it was quarantined in verification {number}",
    "verification.approved": "{actor} approved verification {number} of {label}",
    "verification.declined": "{actor} declined verification {number} of {label}: {reason}",
    "verification.unlocked": "{actor} unlocked {label} after its mismatch: {reason}",
    "verification.statement_written": "{actor} wrote what happened at the mismatch of {label} in verification {number}",
    "verification.signed": "{actor} signed the record of verification {number}",
    "verification.rehearsed": "The rehearsal, verification {number}, ended after {seconds} s; wrong group noticed: {noticed}",
}
