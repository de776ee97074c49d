"""What state a consumer is in, and what its pulls looked like. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MIN_INTERVAL = timedelta(seconds=10)
MAX_INTERVAL = timedelta(days=31)
TOKEN_MAX_LIFETIME = timedelta(days=366)
TOKEN_LIFETIME = timedelta(days=90)
MAX_OVERLAP = timedelta(days=14)
OVERLAP = timedelta(days=1)
EXPIRES_SOON = timedelta(days=7)
# A consumer is silent after missing this many of its promised pulls.
MISSED_PULLS = 2


class State(StrEnum):
    """How a consumer stands with one store. Worst first."""

    SILENT = "silent"
    BEHIND = "behind"
    NEVER_PULLED = "never_pulled"
    CURRENT = "current"
    SWITCHED_OFF = "switched_off"


ORDER = list(State)


@dataclass(frozen=True)
class LastPull:
    """The last pull of one store by one consumer."""

    at: datetime
    number: int


def state(
    *, last: LastPull | None, current_number: int, interval: timedelta, now: datetime, switched_off: bool = False
) -> State:
    """Return how a consumer stands with one store.

    It is silent when it pulled nothing for more than two promised intervals, whatever it runs; behind when the version it last
    pulled is not the current one. A store without a version asks nothing of anybody.
    """
    if switched_off:
        return State.SWITCHED_OFF
    if last is None:
        return State.NEVER_PULLED
    if now - last.at > MISSED_PULLS * interval:
        return State.SILENT
    return State.CURRENT if last.number >= current_number else State.BEHIND


def share(total: int, percent: int) -> int:
    """Return how many of ``total`` are at least ``percent`` of them: 3 of 3 for 90, none of none."""
    return -(-total * percent // 100)


FETCHED = "fetched"


def runs(pulled: int, *, stage: str, reported: int | None) -> int:
    """Return the version that a consumer is believed to run.

    It is the last one it pulled, unless its agent said that it fetched that one and could not take it into use: then an earlier
    one, of which only this much is known.
    """
    if stage == FETCHED and reported is not None and reported >= pulled:
        return reported - 1
    return pulled


def worst(states: Iterable[State]) -> State:
    """Return the state that needs attention first; never pulled when there is none."""
    return min(states, key=ORDER.index, default=State.NEVER_PULLED)


def leftover(*, revoked: int, withdrawn: int) -> str:
    """Return what a service still trusts that left its store, in words: "a revoked CA", "3 revoked and 2 withdrawn CAs"."""
    if revoked + withdrawn == 1:
        return "a revoked CA" if revoked else "a withdrawn CA"
    counted = ((revoked, "revoked"), (withdrawn, "withdrawn"))
    said = " and ".join(f"{count} {how}" for count, how in counted if count)
    return f"{said} CAs" if said else ""


def next_expected_at(last: LastPull | None, interval: timedelta) -> datetime | None:
    """Return when the consumer promised to pull again, or None before its first pull."""
    return last.at + interval if last else None


QUARTER = timedelta(minutes=15)
QUARTERS = 7 * 24 * 4  # seven days
_BYTES = QUARTERS // 8


def quarter_of(at: datetime) -> int:
    """Return the number of the quarter of an hour, counted from 1970, in which ``at`` lies."""
    return int(at.timestamp()) // int(QUARTER.total_seconds())


@dataclass(frozen=True)
class PullHistory:
    """In which quarters of an hour of the last seven days there was a pull: one bit each, the newest last.

    ``until`` is the quarter of the last bit. 84 bytes a consumer and store, whatever it pulls.
    """

    bits: bytes = bytes(_BYTES)
    until: int = 0

    def mark(self, at: datetime) -> "PullHistory":
        """Return the history with a pull at ``at``; one that is older than seven days changes nothing."""
        quarter = quarter_of(at)
        value, until = int.from_bytes(self.bits, "big"), self.until
        if quarter > until:
            shift = min(quarter - until, QUARTERS)
            value = (value << shift) & ((1 << QUARTERS) - 1)
            until = quarter
        back = until - quarter
        if back < QUARTERS:
            value |= 1 << back
        return PullHistory(value.to_bytes(_BYTES, "big"), until)

    def ticks(self, now: datetime) -> list[int]:
        """Return how many quarters ago there were pulls, newest first, within the seven days before ``now``."""
        value, offset = int.from_bytes(self.bits, "big"), quarter_of(now) - self.until
        return [bit + offset for bit in range(QUARTERS) if value >> bit & 1 and 0 <= bit + offset < QUARTERS]
