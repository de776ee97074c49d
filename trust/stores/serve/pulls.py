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
_MOST_WAITING = 200_000


@dataclass(frozen=True, slots=True)
class Pull:
    """The last pull of one store by one consumer since the last batch, and how many there were."""

    consumer_id: UUID
    store_id: UUID
    token_id: UUID | None
    at: datetime
    number: int
    count: int
    user_agent: str


Sink = Callable[[Sequence[Pull]], None]


class Recorder:
    """Collects pulls, and hands them to the sink in batches from a thread of its own."""

    def __init__(self, sink: Sink | None = None) -> None:
        self.sink = sink
        self._waiting: dict[tuple[UUID, UUID], list] = {}
        self._started_in = 0
        self._flushing = threading.Lock()

    def note(self, access: Access, served: Served, user_agent: str) -> None:
        """Remember a pull. Costs a look-up in a dictionary."""
        if access.consumer_id is None:
            return
        key = (access.consumer_id, served.store_id)
        noted = self._waiting.get(key)
        if noted is None:
            if len(self._waiting) >= _MOST_WAITING:
                return
            self._waiting[key] = [time.time(), served.number, 1, user_agent, access.token_id]
            if self._started_in != os.getpid():
                self._start()
        else:
            noted[0], noted[1], noted[2] = time.time(), served.number, noted[2] + 1
            noted[3], noted[4] = user_agent, access.token_id

    def flush(self) -> int:
        """Hand over what was noted; return how many consumers and stores that were. Keeps it when the sink fails."""
        with self._flushing:
            taken, self._waiting = self._waiting, {}
            if not taken or self.sink is None:
                return 0
            try:
                self.sink([_pull(key, noted) for key, noted in taken.items()])
            except Exception:
                logger.exception("Pulls could not be written down; they are tried again")
                self._waiting = taken | self._waiting
                return 0
            return len(taken)

    def _start(self) -> None:
        self._started_in = os.getpid()
        if not settings.SERVE_THREADS:
            return
        threading.Thread(target=self._run, name="pulls", daemon=True).start()
        atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_EVERY)
            close_old_connections()
            self.flush()
            close_old_connections()


def _pull(key: tuple[UUID, UUID], noted: list) -> Pull:
    at, number, count, user_agent, token_id = noted
    return Pull(
        consumer_id=key[0],
        store_id=key[1],
        token_id=token_id,
        at=datetime.fromtimestamp(at, UTC),
        number=number,
        count=count,
        user_agent=user_agent[:120],
    )


# One for the process: the fast path and the Django view note pulls in the same place.
recorder = Recorder()
