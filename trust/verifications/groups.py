"""What is typed, group by group, and what each try leads to. Plain Python, no clock."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal import errors

GROUP_LENGTH = 4  # hexadecimal characters; what people can hold in their ear at once
ROW_LENGTH = 4  # groups in a row of the page and in one form when scripts are off
TRIES_PER_GROUP = 3  # a slip of the tongue is mended by the second; guessing 65 536 values is not helped by three
FIRST_MISSES_IN_A_ROW = 3  # three neighbors wrong at first try is another fingerprint, not a noisy line
MISMATCHES_PER_CALL = 8


def group_count(fingerprint: str) -> int:
    """Return how many groups of four a full fingerprint has: 16 for SHA-256 and v6 keys, 10 for v4 keys.

    Raises ValueError for anything else; a short key ID is never read out.
    """
    if len(fingerprint) not in (40, 64) or set(fingerprint) - set("0123456789abcdef"):
        raise ValueError("A fingerprint is 40 or 64 lower-case hexadecimal characters.")
    return len(fingerprint) // GROUP_LENGTH


def group_of(fingerprint: str, index: int) -> str:
    """Return group ``index``, counted from 1."""
    return fingerprint[(index - 1) * GROUP_LENGTH : index * GROUP_LENGTH]


def matches(typed: str, fingerprint: str, index: int) -> bool:
    """Compare one typed group (lower-case hex) in constant time, so that an answer's timing tells nothing more than it."""
    return hmac.compare_digest(typed.encode(), group_of(fingerprint, index).encode())


@dataclass(frozen=True)
class Group:
    """One group's story so far. ``misses`` counts the tries that did not match."""

    index: int
    misses: int = 0
    missed_first: bool = False
    matched: bool = False


class Verdict(StrEnum):
    """What one typed group led to."""

    MATCH = "match"
    AGAIN = "again"
    GROUP_LIMIT = "group_limit"
    NEIGHBORS_LIMIT = "neighbors_limit"
    CALL_LIMIT = "call_limit"

    @property
    def ends_the_call(self) -> bool:
        return self in (Verdict.GROUP_LIMIT, Verdict.NEIGHBORS_LIMIT, Verdict.CALL_LIMIT)


ENDED_BECAUSE = {
    Verdict.GROUP_LIMIT: f"The same group differed {TRIES_PER_GROUP} times.",
    Verdict.NEIGHBORS_LIMIT: f"{FIRST_MISSES_IN_A_ROW} groups in a row differed at the first try.",
    Verdict.CALL_LIMIT: f"{MISMATCHES_PER_CALL} groups differed in one call.",
}


def may_be_typed(groups: Sequence[Group], index: int) -> None:
    """Raise Conflict unless group ``index`` is open: not matched yet, and in the row of the first group that is not."""
    open_groups = [group.index for group in groups if not group.matched]
    if not 1 <= index <= len(groups):
        raise errors.NotFound()
    first = open_groups[0] if open_groups else 0
    if index not in open_groups or (index - 1) // ROW_LENGTH != (first - 1) // ROW_LENGTH:
        raise errors.Conflict(f"Group {first} is next.", code="not_this_group", fix="Reload the page.")


def after_try(groups: Sequence[Group], index: int, *, matched: bool) -> tuple[Group, ...]:
    """Return the groups after one more try at group ``index``."""

    def tried(group: Group) -> Group:
        if group.index != index:
            return group
        misses = group.misses + (not matched)
        return Group(index, misses, group.missed_first or (not matched and group.misses == 0), matched)

    return tuple(tried(group) for group in groups)


def verdict(groups: Sequence[Group], index: int) -> Verdict:
    """Return what the last try, at group ``index``, led to; ``groups`` is the story with that try in it."""
    group = groups[index - 1]
    if group.matched:
        return Verdict.MATCH
    if group.misses >= TRIES_PER_GROUP:
        return Verdict.GROUP_LIMIT
    if _longest_run(each.missed_first for each in groups) >= FIRST_MISSES_IN_A_ROW:
        return Verdict.NEIGHBORS_LIMIT
    if mismatches(groups) >= MISMATCHES_PER_CALL:
        return Verdict.CALL_LIMIT
    return Verdict.AGAIN


def _longest_run(flags: Iterable[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def mismatches(groups: Sequence[Group]) -> int:
    """Return how many tries of the call did not match."""
    return sum(group.misses for group in groups)


def clean(typed: str) -> str:
    """Return one typed group as four lower-case hexadecimal characters.

    Raises Invalid for anything else. That is no try: it cannot match whatever the fingerprint is, so it tells nothing.
    """
    compact = "".join(typed.split()).replace(":", "").replace("-", "").lower()
    if len(compact) != GROUP_LENGTH or set(compact) - set("0123456789abcdef"):
        raise errors.Invalid(
            "A group is 4 characters, each 0 to 9 or A to F.",
            code="not_a_group",
            fix="Type the 4 characters that you hear. There is no letter O: it is a zero.",
        )
    return compact
