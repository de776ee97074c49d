"""The threads that keep a process's memory honest: one listens for messages, one counts changes in case a message was lost."""

import logging
import os
import threading
import time

from django.conf import settings
from django.db import connection

from trust.stores.serve import generation

logger = logging.getLogger(__name__)
POLL_EVERY = 0.5  # seconds


class Outage:
    """Something that fails again and again for one reason, which the log says once, and once that it is over."""

    def __init__(self, sentence: str) -> None:
        self.sentence, self._lasts = sentence, False

    def goes_on(self) -> None:
        """Say the sentence, with the error that is being handled, unless it was said."""
        if not self._lasts:
            logger.exception("%s. It is tried again twice a second", self.sentence)
        self._lasts = True

    def over(self) -> None:
        """Say that it works again, if it did not."""
        if self._lasts:
            logger.warning("Over: %s", self.sentence)
        self._lasts = False


class Watcher:
    """Says until when this process may answer from memory. Starts its threads at the first question in each process."""

    def __init__(self) -> None:
        # In seconds of the monotonic clock. Only ``is_fresh`` starts the threads that move it.
        self.fresh_until = 0.0
        self._started = False
        self._behind_at: int | None = None
        # Threads do not survive a fork.
        os.register_at_fork(after_in_child=self._forget)

    def is_fresh(self) -> bool:
        """Say whether the count of changes was read recently enough to trust memory."""
        if not self._started:
            self._start()
        return time.monotonic() < self.fresh_until

    def poll(self) -> None:
        """Read the count of changes once. When a message seems lost twice in a row, everything is looked up again."""
        number = generation.current_number()
        counters = generation.counters()
        if number == counters.applied:
            self._behind_at = None
        elif self._behind_at is None:
            # The message is probably on its way; the next poll decides.
            self._behind_at = number
        else:
            counters.catch_up(number)
            self._behind_at = None
        self.fresh_until = time.monotonic() + settings.SERVE_MAX_STALENESS

    def _forget(self) -> None:
        self._started, self.fresh_until = False, 0.0

    def _start(self) -> None:
        self._started = True
        if not settings.SERVE_THREADS:
            return
        threading.Thread(target=self._run, name="serve-poll", daemon=True).start()
        if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
            threading.Thread(target=self._listen, name="serve-listen", daemon=True).start()

    def _run(self) -> None:
        outage = Outage("The count of changes could not be read; nothing is served from memory until it can")
        while True:
            try:
                # The connection of this thread is kept: to open one costs ten times what the question does.
                self.poll()
                outage.over()
            except Exception:
                outage.goes_on()
                connection.close()
            time.sleep(POLL_EVERY)

    def _listen(self) -> None:
        outage = Outage("Listening for changes stopped; they are counted meanwhile")
        while True:
            try:
                connection.ensure_connection()
                raw = connection.connection
                raw.autocommit = True
                raw.execute(f"LISTEN {generation.CHANNEL}")
                outage.over()
                for notice in raw.notifies():
                    number, _, key = notice.payload.partition(" ")
                    generation.counters().apply(key, int(number))
            except Exception:
                outage.goes_on()
            finally:
                connection.close()
            time.sleep(POLL_EVERY)
