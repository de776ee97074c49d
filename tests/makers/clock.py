"""A wall clock for real processes that can be set while they run.

time-machine stands below Python's own reading of the time, in every thread and for every library, and leaves the steady clock
alone: what a process sees when the clock of its machine is set. (libfaketime 0.9.10, which would stand below the C library, makes
``time.sleep`` of Python 3.11 fail.)
"""

import threading
import time
from pathlib import Path

import time_machine

LOOK_EVERY = 0.2  # seconds
EXACT = 0.05  # seconds


class Clock:
    """The clock of every process started with ``environment``."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.environment = {"TEST_CLOCK_FILE": str(self._file)}
        self.set(hours=0)

    def set(self, *, hours: float) -> None:
        """Set the clock to differ from the true one by ``hours``."""
        aside = self._file.with_suffix(".new")
        aside.write_text(str(hours * 3600))
        aside.rename(self._file)


def follow(path: str) -> None:
    """Let this process, from now on, have the clock that ``path`` sets."""
    traveller = time_machine.travel(time.time(), tick=True).start()

    def look() -> None:
        # Against the true clock each time: what a start took on a busy machine would else stay as a difference for ever.
        wrong = time_machine.escape_hatch.time.time() + float(Path(path).read_text()) - time.time()
        if abs(wrong) > EXACT:
            traveller.shift(wrong)

    def look_on() -> None:
        while True:
            time.sleep(LOOK_EVERY)
            look()

    look()
    threading.Thread(target=look_on, name="clock", daemon=True).start()
