"""How a program stands that reads the feed of notices, and when its silence is told. Plain Python."""

from datetime import datetime, timedelta
from enum import StrEnum

# What a program promises until somebody says otherwise: few read more seldom than once a day, so nobody is woken for nothing.
PROMISED = timedelta(days=1)
MIN_PROMISE = timedelta(minutes=5)
MAX_PROMISE = timedelta(days=31)
# A reader is silent after missing this many of its promised reads.
MISSED_READS = 2
# Reads are written down at most this often, unless one reached further than the last.
NOTED_EVERY = timedelta(minutes=1)
# After the portal itself was away a reader has the time of its missed reads, at most this long, before it counts as silent.
AFTER_OUTAGE = timedelta(hours=1)


class State(StrEnum):
    """How a program stands with the feed of one partnership. Worst first."""

    SILENT = "silent"
    BEHIND = "behind"
    CURRENT = "current"
    NOT_AWAITED = "not_awaited"


def silent_from(read_at: datetime, promise: timedelta | None) -> datetime | None:
    """Return the moment from which the reader is silent unless it reads before; None when nobody waits for it."""
    return read_at + MISSED_READS * promise if promise is not None else None


def state(*, silent_from: datetime | None, unread: int, now: datetime) -> State:
    """Return how a reader stands that has ``unread`` notices before it."""
    if silent_from is None:
        return State.NOT_AWAITED
    if silent_from < now:
        return State.SILENT
    return State.BEHIND if unread else State.CURRENT


def reached(*, after: int, last_sent: int | None, latest: int) -> int:
    """Return how far a read reached: what it was sent last, else what it says it has, and never further than there are notices."""
    return min(last_sent if last_sent is not None else after, latest)
