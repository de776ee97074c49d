"""The states of a submission, what moves it, and what is remembered of it. Plain Python."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from portal import errors


class State(StrEnum):
    """Where a submission stands."""

    CHECKING = "checking"
    REFUSED = "refused"
    WAITING_FOR_CALL = "waiting_for_call"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"


class Action(StrEnum):
    """What can happen to a submission."""

    REFUSE = "refuse"
    ASK_FOR_CALL = "ask_for_call"
    ASK_FOR_APPROVAL = "ask_for_approval"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    QUARANTINE = "quarantine"
    LOSE_KEY = "lose_key"


# (state, action) -> state. What is not here is refused.
TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.CHECKING, Action.REFUSE): State.REFUSED,
    (State.CHECKING, Action.ASK_FOR_CALL): State.WAITING_FOR_CALL,
    (State.CHECKING, Action.ASK_FOR_APPROVAL): State.WAITING_FOR_APPROVAL,
    (State.CHECKING, Action.QUARANTINE): State.QUARANTINED,
    (State.WAITING_FOR_CALL, Action.ASK_FOR_APPROVAL): State.WAITING_FOR_APPROVAL,
    (State.WAITING_FOR_CALL, Action.WITHDRAW): State.WITHDRAWN,
    (State.WAITING_FOR_CALL, Action.DECLINE): State.REFUSED,
    (State.WAITING_FOR_CALL, Action.QUARANTINE): State.QUARANTINED,
    (State.WAITING_FOR_CALL, Action.LOSE_KEY): State.REFUSED,
    (State.WAITING_FOR_APPROVAL, Action.ASK_FOR_CALL): State.WAITING_FOR_CALL,
    (State.WAITING_FOR_APPROVAL, Action.ACCEPT): State.ACCEPTED,
    (State.WAITING_FOR_APPROVAL, Action.WITHDRAW): State.WITHDRAWN,
    (State.WAITING_FOR_APPROVAL, Action.DECLINE): State.REFUSED,
    (State.WAITING_FOR_APPROVAL, Action.QUARANTINE): State.QUARANTINED,
    (State.WAITING_FOR_APPROVAL, Action.LOSE_KEY): State.REFUSED,
    # An officer unlocked the fingerprint after a new upload: that upload can be called about again.
    (State.QUARANTINED, Action.ASK_FOR_CALL): State.WAITING_FOR_CALL,
}
WAITING = frozenset({State.WAITING_FOR_CALL, State.WAITING_FOR_APPROVAL})
# In these states the relying organization has heard the fingerprints, so that they need no longer be hidden from it.
HEARD = frozenset({State.WAITING_FOR_APPROVAL, State.ACCEPTED})

MIN_REASON = 10  # characters; "ok" tells nobody anything later
MAX_REASON = 2000
# A partner who sends more is stuck in a loop or means harm.
UPLOADS_AN_HOUR = 120
HOUR = timedelta(hours=1)


def may(state: str, action: Action) -> bool:
    """Say whether ``action`` is possible in ``state``."""
    return (State(state), action) in TRANSITIONS


def after(state: str, action: Action) -> State:
    """Return the state after ``action``. Raises Conflict when it is not possible in ``state``."""
    found = TRANSITIONS.get((State(state), action))
    if found is None:
        raise errors.Conflict(
            f"The submission is {state.replace('_', ' ')}.",
            code=f"submission_{state}",
            fix="Reload the page to see how it stands.",
        )
    return found


class Standing(StrEnum):
    """How one fingerprint of a submission stands with the relying organization."""

    UNHEARD = "unheard"
    HEARD = "heard"  # the call matched; an officer's approval is still to come
    VERIFIED = "verified"
    QUARANTINED = "quarantined"


def next_step(key: Standing, anchors: Iterable[Standing]) -> Action:
    """Return what a checked submission waits for.

    The key that signed it must be verified, by an approval of its own. An anchor must have been heard: whoever approves the
    submission approves its anchors with it.
    """
    found = [key, *anchors]
    if Standing.QUARANTINED in found:
        return Action.QUARANTINE
    if key is Standing.VERIFIED and Standing.UNHEARD not in found:
        return Action.ASK_FOR_APPROVAL
    return Action.ASK_FOR_CALL


class Purpose(StrEnum):
    """What CAs are for, as their owner says it: whose service certificates hang below them."""

    BOTH = "both"
    SERVER = "server"
    CLIENT = "client"


ENVIRONMENT = re.compile(r"[a-z][a-z0-9]{0,19}")
PRODUCTION = "prod"


@dataclass(frozen=True)
class Scope:
    """Which of the partner's stores CAs are for. Empty is what was not said."""

    environment: str = ""
    purpose: str = ""


def scope(given: Scope, signed: Scope) -> Scope:
    """Return what a bundle is for: what its signed manifest says, else what came with it, else production and both purposes.

    Raises Invalid when the two contradict each other, or for what is no name of an environment and no purpose.
    """
    wrong = {}
    for name in ("environment", "purpose"):
        beside, inside = getattr(given, name), getattr(signed, name)
        if beside and inside and beside != inside:
            wrong[name] = [f"The signed manifest says {inside}. Leave this out, or sign another manifest."]
    if given.environment and not ENVIRONMENT.fullmatch(given.environment):
        wrong["environment"] = ["Use up to 20 lower-case letters and digits, beginning with a letter, like test."]
    if given.purpose and given.purpose not in list(Purpose):
        wrong["purpose"] = ["Say both, server or client."]
    if wrong:
        raise errors.Invalid(
            "It is not clear which trust store this is for.",
            code="scope_unclear",
            fix="Say it once: in the manifest, or beside the file.",
            fields=wrong,
        )
    return Scope(
        signed.environment or given.environment or PRODUCTION, signed.purpose or given.purpose or Purpose.BOTH.value
    )


_UNSAFE = re.compile(r"[^A-Za-z0-9._ +()@-]")


def file_name(given: str) -> str:
    """Return the file's own name out of what a browser sent, with every odd character replaced. Only ever shown."""
    base = re.split(r"[\\/]", given)[-1]
    return _UNSAFE.sub("_", base).strip(" .")[:120] or "upload"


def reason_given(text: str) -> str:
    """Return a reason that will still mean something later. Raises Invalid for less or for far too much."""
    cleaned = text.strip()
    if not MIN_REASON <= len(cleaned) <= MAX_REASON:
        sentence = f"Write the reason in {MIN_REASON} to {MAX_REASON} characters."
        raise errors.Invalid(sentence, code="reason_missing", fields={"reason": [sentence]})
    return cleaned


EVENTS: dict[str, str] = {
    "submission.received": "{actor} uploaded submission {number} with {certificates:certificate}; it waits for {waits_for}",
    "submission.refused": "Submission {number} of {actor} was refused: {reason}",
    "submission.private_key_refused": "{actor} uploaded a file with a secret in it: {kinds}. It was refused and not stored",
    "submission.call_needed": "Submission {number} waits for a call",
    "submission.approval_needed": "Every fingerprint of submission {number} was heard; a security officer must approve",
    "submission.quarantined": "Submission {number} was quarantined: a fingerprint is different",
    "submission.accepted": "{actor} accepted submission {number}: {reason}",
    "submission.declined": "{actor} declined submission {number}: {reason}",
    "submission.withdrawn": "{actor} withdrew submission {number}: {reason}",
    "submission.key_lost": "Submission {number} was refused: the OpenPGP key that signed it is no longer in force",
}
