"""From when an owner can use the CAs of an accepted submission. Consumers stand above submissions, so they say it here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from portal import words
from portal.organizations.models import Organization
from trust.submissions.models import Submission
from trust.submissions.rules import State


@dataclass(frozen=True)
class Uptake:
    """How far the relying side's services are with the version that brought a submission's CAs, in numbers.

    ``total`` and ``taken`` are None for an owner with whom they are not shared. ``held`` says whether the store's current version
    still holds all that was sent; None where that is not shared. ``safe_from`` is when the owner can issue below these CAs without
    a service refusing it: now once every service took them, later when the last promised to pull; None when no moment can be said.
    """

    store: str
    version: int
    total: int | None = None
    taken: int | None = None
    held: bool | None = None
    safe_from: datetime | None = None

    @property
    def shared(self) -> bool:
        """Whether whoever asks sees numbers."""
        return self.total is not None

    @property
    def complete(self) -> bool:
        """Whether every service took them, there is one, and they are still there."""
        return bool(self.held and self.total and self.taken == self.total)


Source = Callable[[Submission, Organization, datetime], Uptake | None]


def _unknown(submission: Submission, reader: Organization, now: datetime) -> Uptake | None:
    return None


_source: Source = _unknown


def register(source: Source) -> None:
    """Let ``source`` say how far services are with a submission."""
    global _source
    _source = source


def of(submission: Submission, reader: Organization, now: datetime) -> Uptake | None:
    """Return how far services are with an accepted submission, as ``reader`` may know it; None when no version brought it."""
    return _source(submission, reader, now) if submission.state == State.ACCEPTED else None


def verdict(found: Uptake, relying: str) -> dict[str, str]:
    """Return the arguments of ``parts/verdict.html``: what that means to the owner."""
    version = f"{found.store} v{found.version}"
    counted = f"{found.taken} of {found.total} registered services of {relying} took {version} or a later one."
    if found.shared and not found.held:
        return _said(
            "warn",
            "alert-triangle",
            "Do not issue from these CAs before you have asked.",
            f"Not all of what you sent is in {found.store} any more. Ask {relying} which of it their services accept.",
        )
    if not found.total:
        why = f"no service of {relying} is registered for it, so nobody can be counted."
        return _said(
            "info",
            "info-circle",
            f"Ask {relying} before you issue from these CAs.",
            f"They are in {version}, but {why if found.shared else _NOT_SHARED}",
        )
    if found.complete:
        return _said("ok", "circle-check", "It is safe to issue from these CAs.", counted)
    if found.safe_from:
        until = "The others promised to pull by then. Until then issue from CAs that they have."
        heading = f"It is safe to issue from these CAs from {words.exact(found.safe_from)}."
        return _said("info", "hourglass", heading, f"{counted} {until}")
    ask = f"Some of the others are silent or never pulled, so no moment can be said. Ask {relying} about them."
    return _said("warn", "hourglass", "It is not safe yet to issue from these CAs.", f"{counted} {ask}")


_NOT_SHARED = (
    "how many services have taken it is not shared with you. An agreement whose clause 1.2 shares the numbers would let this "
    "page say from when it is safe."
)


def _said(tint: str, icon: str, heading: str, text: str) -> dict[str, str]:
    return {"tint": tint, "icon": icon, "heading": heading, "text": text}
