"""Who pulled what, kept in memory and written down in batches: no pull waits for a write."""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections

from trust.stores.serve.access import Access
from trust.stores.serve.answer import Served

logger = logging.getLogger(__name__)
FLUSH_EVERY = 2.0  # seconds; what a killed process forgets of the last pulls
_MOST_CELLS = 200_000
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Pull:
    """The last pull of one store by one consumer since the last batch, and how many there were.

    ``number`` is 0 when it only asked whether there is something new: that it is there, and not what it runs.
    """

    consumer_id: UUID
    store_id: UUID
    token_id: UUID | None
    at: datetime
    number: int
    count: int
    user_agent: str


Sink = Callable[[Sequence[Pull]], None]


# The number of the version (0 for none), whose token it was, and the User-Agent.
Told = tuple[int, UUID | None, str]


class Cell:
    """What is not written down yet of one consumer's pulls of one store. Kept for as long as the process lives.

    ``at`` is when the last one came, in seconds since 1970.
    """

    __slots__ = ("at", "consumer_id", "count", "store_id", "told")

    def __init__(self, consumer_id: UUID, store_id: UUID) -> None:
        self.consumer_id, self.store_id = consumer_id, store_id
        self.at, self.count = 0.0, 0
        self.told: Told = (0, None, "")

    def take(self) -> Pull:
        """Return what was noted, and begin anew. A pull that is noted meanwhile is in this batch or in the next."""
        count, self.count = self.count, 0
        number, token_id, user_agent = self.told
        return Pull(
            consumer_id=self.consumer_id,
            store_id=self.store_id,
            token_id=token_id,
            at=datetime.fromtimestamp(self.at, UTC),
            number=number,
            count=count,
            user_agent=user_agent[:120],
        )


class Recorder:
    """Collects pulls, and hands them to the sink in batches from a thread of its own."""

    def __init__(self, sink: Sink | None = None) -> None:
        self.sink = sink
        self._cells: dict[tuple[UUID, UUID], Cell] = {}
        self._waiting: list[Cell] = []
        self._started = False
        self._flushing = threading.Lock()
        os.register_at_fork(after_in_child=self._begin_anew)

    def note(self, access: Access, served: Served, user_agent: str) -> None:
        """Remember a pull, if it is a consumer's."""
        self.note_number(access, served.store_id, served.number, user_agent)

    def note_number(self, access: Access, store_id: UUID, number: int, user_agent: str) -> None:
        """Remember a pull of one version of a store, if it is a consumer's."""
        cell = self.cell(access, store_id)
        if cell is not None:
            self.mark(cell, (number, access.token_id, user_agent), time.time())

    def note_asked(self, access: Access, store_id: UUID, user_agent: str) -> None:
        """Remember that a consumer asked whether there is something new, without taking a version."""
        cell = self.cell(access, store_id)
        if cell is not None:
            self.mark_asked(cell, (0, access.token_id, user_agent), time.time())

    def note_taken(self, access: Access, store_id: UUID, number: int, user_agent: str) -> None:
        """Remember that whoever just asked took this version: its question and what it took in answer are one pull."""
        cell = self.cell(access, store_id)
        if cell is not None:
            told, at = (number, access.token_id, user_agent), time.time()
            if cell.count:
                cell.at, cell.told = at, told
            else:
                self.mark(cell, told, at)

    def cell(self, access: Access, store_id: UUID) -> Cell | None:
        """Return where a consumer's pulls of a store are noted; None for who is no consumer."""
        if access.consumer_id is None:
            return None
        key = (access.consumer_id, store_id)
        found = self._cells.get(key)
        if found is None:
            if len(self._cells) >= _MOST_CELLS:
                return None
            found = self._cells[key] = Cell(*key)
        return found

    def mark(self, cell: Cell, told: Told, at: float) -> None:
        """Remember a pull in its cell, ``at`` in seconds since 1970: no look-up, no lock."""
        if not cell.count:
            self._waiting.append(cell)
            if not self._started:
                self._start()
        cell.count += 1
        cell.at, cell.told = at, told

    def mark_asked(self, cell: Cell, told: Told, at: float) -> None:
        """Remember a question in its cell. A version that was taken since the last batch stays told."""
        self.mark(cell, (cell.told[0] if cell.count else 0, *told[1:]), at)

    def flush(self, *, gently: bool = False) -> int:
        """Hand over what was noted; return how many consumers and stores that were. Keeps it when the sink fails.

        ``gently`` leaves half of the time to the threads that answer: after a publish thousands pull at once.
        """
        with self._flushing:
            taken, self._waiting = self._waiting, []
            if self.sink is None:
                return 0
            for start in range(0, len(taken), _AT_ONCE):
                started = time.monotonic()
                if not self._hand_over(self.sink, taken[start : start + _AT_ONCE]):
                    # The others would most likely fail as well; they stay noted.
                    self._waiting += taken[start + _AT_ONCE :]
                    return start
                if gently and start + _AT_ONCE < len(taken):
                    time.sleep(min(time.monotonic() - started, 1.0))
            return len(taken)

    def _hand_over(self, sink: Sink, cells: list[Cell]) -> bool:
        pulls = [cell.take() for cell in cells]
        try:
            sink(pulls)
        except Exception:
            logger.exception("Pulls could not be written down; they are tried again")
            for cell, pull in zip(cells, pulls, strict=True):
                if not cell.count:
                    self._waiting.append(cell)
                cell.count += pull.count
            return False
        return True

    def _begin_anew(self) -> None:
        # Threads do not survive a fork, and what the parent noted is the parent's to write down.
        self._started, self._waiting, self._cells = False, [], {}

    def _start(self) -> None:
        self._started = True
        if not settings.SERVE_THREADS:
            return
        threading.Thread(target=self._run, name="pulls", daemon=True).start()
        atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_EVERY)
            close_old_connections()
            self.flush(gently=True)
            close_old_connections()


# One for the process: the fast path and the Django view note pulls in the same place.
recorder = Recorder()
