"""What may become the next version of a trust store, and who must agree. Plain Python.

A store is composed, never edited: the certificates of the version before, plus what was accepted, minus what was withdrawn. Adding
trust takes two people, removing it takes one and is reviewed within 24 hours, and whatever is not said plainly is refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portal import errors

ANCHOR = "anchor"
INTERMEDIATE = "intermediate"
REVIEW_WITHIN = timedelta(hours=24)
# More is no trust store of one partner; the largest public root programs hold about 150.
MAX_CERTIFICATES = 1000


class DraftState(StrEnum):
    """Where a proposal stands."""

    WAITING = "waiting"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    OVER = "over"


class DraftAction(StrEnum):
    """What can happen to a proposal. It ends when the submission that it would publish is refused, withdrawn or quarantined."""

    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    END = "end"


# (state, action) -> state. What is not here is refused: a proposal is closed once.
DRAFTS: dict[tuple[DraftState, DraftAction], DraftState] = {
    (DraftState.WAITING, DraftAction.PUBLISH): DraftState.PUBLISHED,
    (DraftState.WAITING, DraftAction.WITHDRAW): DraftState.WITHDRAWN,
    (DraftState.WAITING, DraftAction.END): DraftState.OVER,
}


def draft_after(state: str, action: DraftAction) -> DraftState:
    """Return the state of a proposal after ``action``. Raises Conflict when it was closed before."""
    found = DRAFTS.get((DraftState(state), action))
    if found is None:
        raise errors.Conflict(
            "This proposal is no longer open.", code="draft_closed", fix="Reload the page to see what became of it."
        )
    return found


@dataclass(frozen=True)
class Entry:
    """A certificate in a version, and where the right to be there comes from.

    ``sha256`` and ``signer_fingerprint`` are lower-case hex. ``issued_by`` are the digests of the certificates whose key made
    this one's signature. ``verification_id`` is the call about an anchor; an intermediate has none of its own.
    """

    sha256: str
    role: str
    submission_id: str
    signer_fingerprint: str
    verification_id: str | None = None
    issued_by: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True)
class Composition:
    """What a next version would hold, and how that differs from the version before."""

    entries: tuple[Entry, ...]
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    # Asked for, and left out: withdrawn earlier, so bringing them back is an act of its own, or revoked by their owner.
    left_out: tuple[Entry, ...] = ()

    @property
    def changes(self) -> bool:
        """Say whether there is anything to publish."""
        return bool(self.added or self.removed)

    @property
    def adds(self) -> bool:
        """Say whether services would accept something that they do not accept now."""
        return bool(self.added)

    @property
    def empties(self) -> bool:
        """Say whether nothing would be left."""
        return not self.entries


def ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return each certificate once, anchors first and then by digest, so that equal contents give equal bytes.

    Of two entries for one certificate the anchor wins, and then the one that came first.
    """
    chosen: dict[str, Entry] = {}
    for entry in entries:
        held = chosen.get(entry.sha256)
        if held is None or (held.role != ANCHOR and entry.role == ANCHOR):
            chosen[entry.sha256] = entry
    return tuple(sorted(chosen.values(), key=lambda entry: (entry.role != ANCHOR, entry.sha256)))


def compose(
    current: Sequence[Entry], additions: Iterable[Entry], *, withdrawn: frozenset[str] = frozenset()
) -> Composition:
    """Return the current contents plus ``additions``.

    ``withdrawn`` are digests that were in an earlier version and are not in the current one, or that their owner revoked: a bundle
    that carries one does not bring it in. An intermediate that is now a verified anchor counts as added.

    Raises Invalid for an addition without its grounds (see ``require_grounds``), or that no anchor of the result stands above.
    """
    wanted = ordered(additions)
    for entry in wanted:
        require_grounds(entry)
    allowed = [entry for entry in wanted if entry.sha256 not in withdrawn]
    target = ordered([*current, *allowed])
    left_out = [entry for entry in wanted if entry.sha256 in withdrawn]
    if left_out:
        # What hangs below something that stays withdrawn stays out with it.
        held = {entry.sha256 for entry in _anchored(target)} | {entry.sha256 for entry in current}
        left_out += [entry for entry in target if entry.sha256 not in held]
        target = tuple(entry for entry in target if entry.sha256 in held)
    _require_anchored(target)
    return difference(current, target, left_out=left_out)


def withdraw(current: Sequence[Entry], digests: Iterable[str]) -> Composition:
    """Return the current contents without ``digests`` and without what is left hanging below them.

    An intermediate whose anchors are all gone goes too: Go and Java would take it for an anchor and the removal would be hidden.
    Raises Invalid when a digest is not in the current version.
    """
    gone = frozenset(digests)
    unknown = gone - {entry.sha256 for entry in current}
    if unknown or not gone:
        raise errors.Invalid(
            "Only certificates of the current version can be withdrawn.",
            code="not_in_store",
            fix="Pick certificates from the current version.",
        )
    kept = [entry for entry in current if entry.sha256 not in gone]
    return difference(current, ordered(_anchored(kept)))


def replace_contents(current: Sequence[Entry], wanted: Iterable[Entry]) -> Composition:
    """Return exactly ``wanted``, for going back to the contents of an earlier version as a new one."""
    target = ordered(wanted)
    for entry in target:
        require_grounds(entry)
    _require_anchored(target)
    return difference(current, target)


def require_grounds(entry: Entry) -> None:
    """Refuse an entry that does not say why it may be there.

    Raises Invalid when there is no submission or signer, or when an anchor has no verification of its own.
    """
    if entry.role not in (ANCHOR, INTERMEDIATE):
        raise errors.Invalid("A certificate is either an anchor or an intermediate.", code="unknown_role")
    if not entry.submission_id or not entry.signer_fingerprint:
        raise errors.Invalid("A certificate needs the signed submission it came in.", code="no_provenance")
    if entry.role == ANCHOR and not entry.verification_id:
        raise errors.Invalid(
            "A trust anchor needs a verification of its own.",
            code="anchor_not_verified",
            fix="Call the partner and verify the anchor's fingerprint first.",
        )


def require_publishable(composition: Composition, *, withdrawal: bool) -> None:
    """Refuse a version that changes nothing, is too large, or is empty without an explicit withdrawal.

    Raises Conflict or Invalid.
    """
    if not composition.changes:
        raise errors.Conflict("The store already holds exactly this.", code="no_difference")
    if composition.empties and not withdrawal:
        raise errors.Conflict(
            "This would leave the store empty, and services would refuse every connection.",
            code="store_would_be_empty",
            fix="If that is meant, withdraw the whole store and say so.",
        )
    if withdrawal and not composition.empties:
        raise errors.Invalid("A withdrawal of the whole store leaves nothing in it.", code="withdrawal_not_empty")
    if len(composition.entries) > MAX_CERTIFICATES:
        raise errors.Invalid(f"A store holds at most {MAX_CERTIFICATES} certificates.", code="too_many_certificates")


def require_two_people(composition: Composition, *, first: Iterable[str], approver: str) -> None:
    """Refuse an addition that only one person of the relying organization stands behind.

    ``first`` are the people who did something for this addition before: verified an anchor that it adds, or proposed it.
    Raises NotAllowed.
    """
    if composition.adds and not set(first) - {approver, ""}:
        raise errors.NotAllowed(
            "Adding trust takes two people, and so far there is only you.",
            code="second_person_required",
            fix="Send it for approval: another security officer must publish it.",
        )


def next_number(current_number: int) -> int:
    """Return the number of the next version. Numbers only grow, whatever the contents."""
    return current_number + 1


def review_due_at(composition: Composition, now: datetime, *, people: int) -> datetime | None:
    """Return until when a second person must have looked at a removal that one person published alone."""
    return now + REVIEW_WITHIN if composition.removed and not composition.adds and people < 2 else None


def store_name(owner_slug: str, environment: str, purpose: str = "both") -> str:
    """Return the name of a partner's store: each environment and each purpose has one of its own."""
    return f"{owner_slug}-{environment}" + (f"-{purpose}" if purpose != "both" else "")


def difference(current: Sequence[Entry], target: Sequence[Entry], left_out: Sequence[Entry] = ()) -> Composition:
    """Return what going from ``current`` to ``target`` adds and removes."""
    before = {entry.sha256: entry.role for entry in current}
    after = {entry.sha256 for entry in target}
    added = tuple(
        entry
        for entry in target
        if entry.sha256 not in before or (entry.role == ANCHOR and before[entry.sha256] != ANCHOR)
    )
    removed = tuple(entry for entry in current if entry.sha256 not in after)
    return Composition(tuple(target), added, removed, ordered(left_out))


def _anchored(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that are anchors or are signed, step by step, by one that is here."""
    reached = [entry for entry in entries if entry.role == ANCHOR]
    waiting = [entry for entry in entries if entry.role != ANCHOR]
    while True:
        known = {entry.sha256 for entry in reached}
        below = [entry for entry in waiting if entry.issued_by & known]
        if not below:
            return reached
        reached += below
        waiting = [entry for entry in waiting if not entry.issued_by & known]


def _require_anchored(entries: Sequence[Entry]) -> None:
    loose = {entry.sha256 for entry in entries} - {entry.sha256 for entry in _anchored(entries)}
    if loose:
        raise errors.Invalid(
            "An intermediate has no trust anchor above it in this store.",
            code="not_anchored",
            fix="Submit it together with its root, and verify the root.",
            extra={"certificates": sorted(loose)},
        )
