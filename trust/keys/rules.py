"""The states of an organization's OpenPGP keys, and what moves one to the next. Plain Python.

What the owner has shown is stored: *uploaded*, *proven*, *revoked*, *replaced*. That a key has *expired* follows from its
date, and that it is *verified* belongs to each relying organization.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

CHALLENGE_LIFETIME = timedelta(hours=24)  # keys that sign CA bundles live offline, so the signing takes a walk
# Owner and partner are told when this many days are left, once for each step.
# Days before its end at which owner and partners are told: those of roots, and two more, since nothing can be said without a key.
EXPIRY_STEPS = (365, 180, 90, 30, 15, 7)
SHOWN_FROM_DAYS = 90  # from here on the key's page counts the days


class State(StrEnum):
    """What the owner has shown about a key."""

    UPLOADED = "uploaded"
    PROVEN = "proven"
    REVOKED = "revoked"
    REPLACED = "replaced"


class Action(StrEnum):
    """What can happen to a key."""

    PROVE = "prove"
    REVOKE = "revoke"
    RETIRE = "retire"
    DISCARD = "discard"


# (state, action) -> state; None: the key is gone. What is not here is refused.
TRANSITIONS: dict[tuple[State, Action], State | None] = {
    (State.UPLOADED, Action.PROVE): State.PROVEN,
    (State.UPLOADED, Action.DISCARD): None,
    (State.PROVEN, Action.REVOKE): State.REVOKED,
    (State.PROVEN, Action.RETIRE): State.REPLACED,
    # A key that was replaced can still turn out to be stolen.
    (State.REPLACED, Action.REVOKE): State.REVOKED,
}
# A key in one of these takes the place of the active or the next key.
HELD = frozenset({State.UPLOADED, State.PROVEN})


class Event(StrEnum):
    """Facts about keys that the log can hold; the strings are a public contract."""

    UPLOADED = "key.uploaded"
    UPDATED = "key.updated"
    DISCARDED = "key.discarded"
    PROVEN = "key.proven"
    VOUCHED = "key.vouched"
    REVOKED = "key.revoked"
    REPLACED = "key.replaced"
    EXPIRES_SOON = "key.expires_soon"
    PARTNERS_KEY_EXPIRES_SOON = "key.partners_key_expires_soon"
    PRIVATE_KEY_REFUSED = "key.private_key_refused"


EVENTS = {
    Event.UPLOADED: "{actor} uploaded OpenPGP key {fingerprint}",
    Event.UPDATED: "{actor} uploaded a newer form of OpenPGP key {fingerprint}",
    Event.DISCARDED: "{actor} discarded OpenPGP key {fingerprint}, which was never proven",
    Event.PROVEN: "{actor} proved that {organization} holds OpenPGP key {fingerprint}",
    Event.VOUCHED: "{organization} signed with its old OpenPGP key {old} that {fingerprint} follows it",
    Event.REVOKED: "{organization} revoked OpenPGP key {fingerprint}: {reason}",
    Event.REPLACED: "{organization} replaced OpenPGP key {old} by {fingerprint}",
    Event.EXPIRES_SOON: "Your OpenPGP key {fingerprint} expires in {days} days",
    Event.PARTNERS_KEY_EXPIRES_SOON: "OpenPGP key {fingerprint} of {organization} expires in {days} days",
    Event.PRIVATE_KEY_REFUSED: "{actor} sent a private key, which was refused and not stored",
}


def may(state: str, action: Action) -> bool:
    """Say whether ``action`` is possible for a key in ``state``."""
    return (State(state), action) in TRANSITIONS


def after(state: str, action: Action) -> State:
    """Return the state after ``action``. Raises KeyError when the table does not have it, or the key would be gone."""
    found = TRANSITIONS[State(state), action]
    if found is None:
        raise KeyError(action)
    return found


def shown_state(state: str, *, expires_at: datetime | None, verified: bool, now: datetime) -> str:
    """Return the one word that people see: the stored state, or *expired*, or *verified* for this relying organization."""
    if state == State.PROVEN:
        if expires_at is not None and expires_at <= now:
            return "expired"
        return "verified" if verified else "proven"
    return state


def is_in_force(state: str, *, expires_at: datetime | None, now: datetime) -> bool:
    """Say whether new signatures by the key can count: proven, neither revoked nor replaced, and not expired."""
    return state == State.PROVEN and (expires_at is None or expires_at > now)


def expiry_step(
    expires_at: datetime | None, *, told: int | None, now: datetime, begins_at: datetime | None = None
) -> int | None:
    """Return the step of days that is due to be told, or None: the smallest one reached that was not told yet.

    Steps that are no shorter than the key's life are left out: a new key of a year is no news.
    """
    if expires_at is None or expires_at <= now:
        return None
    steps = [step for step in EXPIRY_STEPS if begins_at is None or timedelta(days=step) < expires_at - begins_at]
    reached = [step for step in steps if expires_at - now <= timedelta(days=step)]
    step = min(reached, default=None)
    return step if step is not None and (told is None or step < told) else None


def fingerprint_digest(fingerprint: str) -> str:
    """Return what an exposed key is remembered by, so that the log does not show a fingerprint."""
    return hashlib.sha256(fingerprint.encode()).hexdigest()


_ADDRESS = re.compile(r"<([A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,100})>\Z")


def reading_command(claimed_user_ids: Iterable[str]) -> str:
    """Return what the owner runs on their own record to read the fingerprint from it.

    A user ID is self-chosen text, so nothing but a plain mail address of it gets into the command.
    """
    for user_id in claimed_user_ids:
        found = _ADDRESS.search(user_id)
        if found and not found[1].startswith("-"):
            return f"gpg --fingerprint {found[1]}"
    return "gpg --fingerprint"


def succession_text(*, organization: str, old: str, new: str) -> str:
    """Return the text that the old key signs to vouch for its successor. Fingerprints are full, lower-case hex."""
    return (
        "Change of the OpenPGP key for the partner trust-exchange portal\n"
        f"Organization: {organization}\n"
        f"Old OpenPGP key: {old}\n"
        f"New OpenPGP key: {new}\n"
        "The holder of the old key says that the new key follows it.\n"
    )
