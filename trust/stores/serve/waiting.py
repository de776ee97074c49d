"""Waiting for the next version, without a thread or a timer for each waiter.

One task looks at the shared counters and wakes whoever waits for what changed; a waiter that joins looks at the counter before it
looks at the store, so that no version falls between.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from trust.stores.serve import generation

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LONGEST = 300  # seconds; proxies in between give up sooner or later
LOOK_EVERY = 0.02  # seconds
CLOCKS_EVERY = 0.2  # seconds; so much longer than asked may somebody be kept
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


def seconds_asked(prefer: str) -> int:
    """Return for how long a ``Prefer`` header asks to wait, at most ``LONGEST``; 0 when it does not."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), LONGEST) if found else 0


class Waiter:
    """A task that waits for a change, for the end of its time (``until``, of the loop's clock), or for its asker to hang up."""

    __slots__ = ("after", "gone", "parked", "slot", "task", "until", "woken")

    def __init__(self, slot: int, seconds: float) -> None:
        self.slot, self.until = slot, asyncio.get_running_loop().time() + seconds
        self.task = asyncio.current_task()
        self.woken = self.parked = self.gone = False
        # Those who are woken once this one knows what changed: they find in memory what it looked up.
        self.after: list[Waiter] = []

    def wake(self) -> None:
        """Have it go on."""
        self.woken = True
        if self.parked and self.task:
            self.task.cancel()

    def wake_those_after(self) -> None:
        """Have those go on that were left for later."""
        after, self.after = self.after, []
        for each in after:
            each.wake()

    async def until_woken(self, receive: Receive) -> None:
        """Wait; ``gone`` says whether the asker hung up. No timer and no task of its own: thousands do this."""
        if self.woken:
            return
        self.parked = True
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone = True
        except asyncio.CancelledError:
            # Raised anew if somebody else ends the task as well.
            if not self.woken or self.task is None or self.task.uncancel():
                raise
        finally:
            self.parked = False


class Wakers:
    """Whoever waits, by slot of shared memory, and the one task that wakes them."""

    def __init__(self, counters: generation.SharedCounters) -> None:
        self.counters = counters
        self._waiting: dict[int, set[Waiter]] = {}
        self._seen: dict[int, tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None

    def waiting(self) -> int:
        """Return how many wait."""
        return sum(len(each) for each in self._waiting.values())

    def join(self, waiter: Waiter) -> None:
        """Wake it at the next change behind its slot, counted from when the first joined, or when its time is over."""
        slot = waiter.slot
        if slot not in self._waiting:
            self._waiting[slot] = set()
            self._seen[slot] = self._now(slot)
        self._waiting[slot].add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())

    def leave(self, waiter: Waiter) -> None:
        """Wake it no more."""
        held = self._waiting.get(waiter.slot, set())
        held.discard(waiter)
        if not held:
            self._waiting.pop(waiter.slot, None)

    def _now(self, slot: int) -> tuple[int, int]:
        return self.counters.at(slot), self.counters.everything

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        clocks_at = 0.0
        while self._waiting:
            for slot in list(self._waiting):
                if self._seen[slot] != self._now(slot):
                    # Whoever joins from now on waits for the change after this one.
                    first, *others = self._waiting.pop(slot)
                    first.after = others
                    first.wake()
            if loop.time() >= clocks_at:
                clocks_at = loop.time() + CLOCKS_EVERY
                self._wake_those_whose_time_is_over(loop.time())
            await asyncio.sleep(LOOK_EVERY)

    def _wake_those_whose_time_is_over(self, now: float) -> None:
        for waiters in list(self._waiting.values()):
            for waiter in [each for each in waiters if each.until <= now]:
                self.leave(waiter)
                waiter.wake()
