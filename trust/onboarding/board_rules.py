"""Where both sides are with each item of the checklist, and what stands between them and going live. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from trust.onboarding.rules import Item

NUDGE_EVERY = timedelta(days=1)


class Status(StrEnum):
    """Where one side is with one item; the values are those of ``portal.states``."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    WAITING_FOR_PARTNER = "waiting_for_partner"
    COMPLETED = "completed"
    CANNOT_START_YET = "cannot_start_yet"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the portal itself sees about an item on one side.

    ``since`` is when it came to be so, if that is known. ``sentence`` says what was seen or what is missing. ``problem`` is
    set when something is wrong, not only missing; ``theirs`` when the other side is the one to act.
    """

    done: bool
    sentence: str
    since: datetime | None = None
    problem: bool = False
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What people wrote about an item on one side."""

    owner: str = ""
    due_on: date | None = None
    done_at: datetime | None = None
    done_by: str = ""
    nudged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One side of one item. ``side`` is the organization's slug."""

    side: str
    status: Status
    sentence: str
    since: datetime | None = None
    said: Said = field(default_factory=Said)
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One item with its two sides."""

    item: Item
    required: bool
    cells: tuple[Cell, Cell]

    @property
    def completed(self) -> bool:
        """Whether both sides completed it."""
        return all(cell.status is Status.COMPLETED for cell in self.cells)

    def cell(self, side: str) -> Cell:
        """Return one side's cell. Raises StopIteration for a stranger."""
        return next(cell for cell in self.cells if cell.side == side)


@dataclass(frozen=True, slots=True)
class Missing:
    """A required item that one side has not completed."""

    key: str
    title: str
    side: str
    sentence: str
    since: datetime | None


def board(
    *,
    items: Sequence[Item],
    required: frozenset[str],
    sides: tuple[str, str],
    seen: Mapping[tuple[str, str], Seen],
    said: Mapping[tuple[str, str], Said],
) -> tuple[Line, ...]:
    """Return the checklist: each item with the status of both sides.

    ``seen`` and ``said`` are by (item key, side). An item whose check has no sighting is one that people complete.
    """
    done = {
        (item.key, side): _is_done(seen.get((item.key, side)), said.get((item.key, side)))
        for item in items
        for side in sides
    }
    titles = {item.key: item.title for item in items}

    def cell(item: Item, side: str) -> Cell:
        blocked = [titles[key] for key in item.after if key in titles and not done[(key, side)]]
        return _cell(item, side, seen.get((item.key, side)), said.get((item.key, side), Said()), blocked, done, sides)

    return tuple(Line(item, item.key in required, (cell(item, sides[0]), cell(item, sides[1]))) for item in items)


def _is_done(seen: Seen | None, said: Said | None) -> bool:
    if seen is not None:
        return seen.done
    return said is not None and said.done_at is not None


def _cell(
    item: Item,
    side: str,
    seen: Seen | None,
    said: Said,
    blocked: list[str],
    done: Mapping[tuple[str, str], bool],
    sides: tuple[str, str],
) -> Cell:
    machine = seen is not None
    if done[(item.key, side)]:
        since = seen.since if seen else said.done_at
        sentence = seen.sentence if seen else f"Completed, says {said.done_by}."
        return Cell(side, Status.COMPLETED, sentence, since, said, machine)
    if seen and seen.problem:
        return Cell(side, Status.PROBLEM, seen.sentence, seen.since, said, machine)
    if blocked:
        return Cell(
            side, Status.CANNOT_START_YET, f"Cannot start yet because of: {', '.join(blocked)}.", None, said, machine
        )
    if seen and seen.theirs:
        return Cell(side, Status.WAITING_FOR_PARTNER, seen.sentence, seen.since, said, machine)
    started = bool(said.owner or said.due_on)
    sentence = seen.sentence if seen else "Somebody of this side says when it is done."
    return Cell(side, Status.IN_PROGRESS if started else Status.NOT_STARTED, sentence, None, said, machine)


def missing(lines: Iterable[Line]) -> tuple[Missing, ...]:
    """Return what stands between the partnership and going live, in the order of the checklist."""
    return tuple(
        Missing(line.item.key, line.item.title, cell.side, cell.sentence, cell.since)
        for line in lines
        if line.required
        for cell in line.cells
        if cell.status is not Status.COMPLETED
    )


def progress_sentence(lines: Iterable[Line], names: Mapping[str, str]) -> str:
    """Say in words how far both sides are: "Alder 12 of 12, Birch 9 of 12 of what is needed to go live."."""
    needed = [line for line in lines if line.required]
    parts = []
    for side, name in names.items():
        completed = sum(1 for line in needed if line.cell(side).status is Status.COMPLETED)
        parts.append(f"{name} {completed} of {len(needed)}")
    return f"{', '.join(parts)} of what is needed to go live."


def may_nudge(said: Said, now: datetime) -> bool:
    """Say whether the other side may be reminded again: once a day."""
    return said.nudged_at is None or now - said.nudged_at >= NUDGE_EVERY
