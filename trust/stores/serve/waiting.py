"""Waiting for the next version, without a thread or a timer for each waiter.

One task looks at the shared counters and tells whoever waits for what changed; a waiter that joins looks at the counter before it
looks at the store, so that no version falls between.
"""

import asyncio
import enum
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from time import monotonic
from typing import Any

from trust.stores.serve import generation

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LONGEST = 300  # seconds; proxies in between give up sooner or later
LOOK_EVERY = 0.02  # seconds
CLOCKS_EVERY = 0.2  # seconds; so much longer than asked may somebody be kept
TURN = 0.005  # seconds of telling, before others on the loop have theirs
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


def seconds_asked(prefer: str) -> int:
    """Return for how long a ``Prefer`` header asks to wait, at most ``LONGEST``; 0 when it does not."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), LONGEST) if found else 0


class Told(enum.Enum):
    """What came of telling a waiter."""

    WHOLE = "it has its answer"
    WAITS_ON = "it has heard, and waits for what comes next"
    NOT_YET = "its task has to go on"


class Waiter:
    """A task that waits for a change, for the end of its time (``until``, of the loop's clock), or for its asker to hang up.

    Most of those who wait are told on the spot (``tell``), and their task sleeps on or finds itself done. The task of the others
    goes on.
    """

    __slots__ = ("ended", "gone", "parked", "slot", "task", "until", "woken")

    def __init__(self, slot: int, seconds: float) -> None:
        self.slot, self.task = slot, asyncio.current_task()
        self.ended = self.gone = self.parked = False
        self.begin(seconds)

    def begin(self, seconds: float) -> None:
        """Wait for so long from now, if anew: what woke it before is over."""
        self.until, self.woken = asyncio.get_running_loop().time() + seconds, False

    def is_over(self) -> bool:
        """Say whether it waited as long as it was going to, or as it may."""
        return self.ended or asyncio.get_running_loop().time() >= self.until

    def end(self) -> None:
        """Have it wait no longer: the server ends."""
        self.ended = True
        self.wake()

    async def look_up(self) -> None:
        """Have memory know what there is to tell to all who wait for the same."""

    def tell(self) -> Told:
        """Tell the asker what there is, as far as that takes no waiting."""
        return Told.NOT_YET

    def wake(self) -> None:
        """Have its task go on."""
        self.woken = True
        if self.parked and self.task:
            self.task.cancel()

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
    """Whoever waits, by slot of shared memory, and the one task that sees what changed."""

    def __init__(self, counters: generation.SharedCounters) -> None:
        self.counters = counters
        self._waiting: dict[int, set[Waiter]] = {}
        self._seen: dict[int, tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

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
        held = self._waiting.get(waiter.slot)
        if held is None:
            return
        held.discard(waiter)
        if not held:
            del self._waiting[waiter.slot]

    def _now(self, slot: int) -> tuple[int, int]:
        return self.counters.at(slot), self.counters.everything

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        clocks_at = 0.0
        while self._waiting:
            for slot in list(self._waiting):
                if self._seen[slot] != self._now(slot):
                    # Whoever joins from now on waits for the change after this one.
                    self._begin(self._tell_news(self._waiting.pop(slot)))
            if loop.time() >= clocks_at:
                clocks_at = loop.time() + CLOCKS_EVERY
                over = self._whose_time_is_over(loop.time())
                if over:
                    self._begin(self._tell(over))
            await asyncio.sleep(LOOK_EVERY)

    def _begin(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(telling)
        # The loop itself does not keep it.
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _whose_time_is_over(self, now: float) -> list[Waiter]:
        over = [waiter for waiters in self._waiting.values() for waiter in waiters if waiter.until <= now]
        for waiter in over:
            self.leave(waiter)
        return over

    async def _tell_news(self, waiters: set[Waiter]) -> None:
        try:
            # The first looks up what changed, for all.
            await next(iter(waiters)).look_up()
        finally:
            await self._tell(waiters)

    async def _tell(self, waiters: Iterable[Waiter]) -> None:
        # Not by the loop's clock, which may stand still between two of its rounds.
        turn_ends = monotonic() + TURN
        for waiter in waiters:
            if monotonic() >= turn_ends:
                await asyncio.sleep(0)
                turn_ends = monotonic() + TURN
            self._tell_one(waiter)

    def _tell_one(self, waiter: Waiter) -> None:
        if not waiter.parked:
            # Its task is about to look for itself, or is over.
            waiter.wake()
            return
        # It joins before it is told: a version that comes in between is not slept over.
        self.join(waiter)
        told = waiter.tell()
        if told is not Told.WAITS_ON:
            self.leave(waiter)
        if told is Told.NOT_YET:
            waiter.wake()
