"""The scheduler, made steady against a clock that is set back.

Celery's beat remembers by the wall clock when each entry ran. When the clock is set back by an hour, every entry "ran" an hour
from now, and nothing is started until then: no sweep, no retry, no effect of a notice. Here a step is noticed, and the entries
start anew.
"""

import logging
import time
from datetime import timedelta
from typing import Any

from celery.beat import PersistentScheduler, SchedulingError

logger = logging.getLogger(__name__)
STEP = 1.0  # seconds by which the wall clock must leave the steady one to count as set


class SteadyScheduler(PersistentScheduler):
    """Beat's scheduler, whose entries are due at once after the clock was set."""

    _difference: float | None = None  # of the wall clock to the steady one, when last looked at

    def tick(self, *args: Any, **options: Any) -> float:
        """Start what is due, and return how many seconds to sleep."""
        difference = time.time() - time.monotonic()
        if self._difference is None or abs(difference - self._difference) > STEP:
            self._begin_anew(noticed=self._difference is not None)
        self._difference = difference
        return super().tick(*args, **options)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Start one entry; a broker that is away is one line in the log and not a traceback several times a second."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            logger.error("%s", error)

    def _begin_anew(self, *, noticed: bool) -> None:
        # At the first look too: the file of the last run may have been written by a clock that ran ahead.
        if noticed:
            logger.warning("The clock was set; the schedule starts anew.")
        entry: Any
        for entry in self.schedule.values():
            now = entry.default_now()
            if entry.last_run_at > now:
                # What runs at a time of day has no interval, and is due when that time comes.
                entry.last_run_at = now - getattr(entry.schedule, "run_every", timedelta(0))
        self._heap: list | None = None
