"""Who may do what in a verification, told in words. Plain Python: people are told apart by the id of the *person*,
so a second membership, or one in the other organization, does not make a second person.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from portal import errors

Person = str  # a user's id


@dataclass(frozen=True)
class Missing:
    """Why somebody cannot do something: a stable code, a sentence, and who can."""

    code: str
    sentence: str
    fix: str = ""

    def refuse(self) -> errors.NotAllowed:
        return errors.NotAllowed(self.sentence, code=self.code, fix=self.fix)


@dataclass(frozen=True)
class Roles:
    """The people of one verification; each set may be empty."""

    uploaders: Collection[Person]
    verifier: Person | None = None
    reader: Person | None = None


def why_not_verify(person: Person, roles: Roles) -> Missing | None:
    """Return why ``person`` cannot make the call, or None when they can."""
    if person in roles.uploaders:
        return Missing(
            "uploader_cannot_verify", "You uploaded this, so you cannot make the call.", "Another verifier can."
        )
    if person == roles.reader:
        return Missing("reader_cannot_verify", "You read this fingerprint aloud, so you cannot type it.")
    return None


def why_not_read(person: Person, roles: Roles) -> Missing | None:
    """Return why ``person`` cannot read the fingerprint aloud, or None when they can."""
    if person in roles.uploaders:
        return Missing(
            "uploader_cannot_read",
            "You uploaded this, so you cannot read it aloud.",
            "Another contact of your organization must take the call.",
        )
    if person == roles.verifier:
        return Missing("verifier_cannot_read", "You type in this call, so you cannot read.")
    return None


def why_not_approve(person: Person, roles: Roles, *, others: Sequence[str] = ()) -> Missing | None:
    """Return why ``person`` cannot approve, or None when they can. ``others`` are the names of officers who can."""
    who = f"{_listed(others)} can." if others else "Your organization needs another security officer."
    if person == roles.verifier:
        return Missing("verifier_cannot_approve", "You made the call, so you cannot approve it.", who)
    if person in roles.uploaders:
        return Missing("uploader_cannot_approve", "You uploaded this, so you cannot approve it.", who)
    if person == roles.reader:
        return Missing("reader_cannot_approve", "You read this fingerprint aloud, so you cannot approve it.", who)
    return None


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
