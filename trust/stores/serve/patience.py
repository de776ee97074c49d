"""Pulls that wait for the next version: ``Prefer: wait=N`` (RFC 7240, section 4.3)."""

import asyncio

from portal.counting import durations
from trust.stores.serve.asking import Asked
from trust.stores.serve.finding import SAME, Finder
from trust.stores.serve.protocol import Line
from trust.stores.serve.repeats import Given
from trust.stores.serve.waiting import Receive, Told, Waiter, Wakers

# What a pull comes to whose asker hung up, or has its answer.
GONE = Given("", [], [], durations.Quick("pull", 0))


class PatientPull(Waiter):
    """Somebody who is answered once: with what is new, or that nothing is when the time is over."""

    __slots__ = ("asked", "finder", "line")

    def __init__(self, finder: Finder, asked: Asked, line: Line | None, seconds: float) -> None:
        super().__init__(finder.slot(asked.asker), seconds)
        self.finder, self.asked, self.line = finder, asked, line
        if line is not None:
            line.when_ending(self.end)

    async def look_up(self) -> None:
        """Have memory know the version that there is."""
        await self.finder.look_up(self.asked.asker)

    def tell(self) -> Told:
        """Answer."""
        given = self.finder.peek(self.asked.asker) if self.line else None
        if self.line is None or given is None or (given.status == SAME and not self.is_over()):
            return Told.NOT_YET
        self.line.give(given, applied(self.asked))
        return Told.WHOLE


def applied(asked: Asked) -> bytes:
    """Return the line of headers that says which preference was met (RFC 7240, section 3)."""
    return b"preference-applied: wait=%d\r\n" % asked.wait


async def wait(
    asked: Asked, found: Given | None, receive: Receive, *, finder: Finder, wakers: Wakers, line: Line | None
) -> Given | None:
    """Return the first answer that is news after ``found``, or the last one when the time is over; ``GONE`` for nobody.

    None when Django must answer.
    """
    asker, current = asked.asker, found
    waiter = PatientPull(finder, asked, line, asked.wait)
    while current is not None and current.status == SAME and not waiter.is_over():
        waiter.begin(waiter.until - asyncio.get_running_loop().time())
        wakers.join(waiter)
        try:
            # Asked again after joining: a version that came in between is not slept over.
            current = finder.peek(asker) or await finder.find(asker)
            if current is None or current.status != SAME:
                break
            await waiter.until_woken(receive)
            if waiter.gone:
                return GONE
            wakers.leave(waiter)
            current = finder.peek(asker) or await finder.find(asker)
        finally:
            wakers.leave(waiter)
    return current
