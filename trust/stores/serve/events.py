"""Server-sent events (WHATWG HTML, section 9.2): each version, for as long as somebody listens."""

import asyncio
import json
from functools import lru_cache
from typing import Any

from trust.stores.serve.asking import Asker, Send
from trust.stores.serve.finding import Finder
from trust.stores.serve.protocol import Line
from trust.stores.serve.repeats import Given
from trust.stores.serve.waiting import Receive, Told, Waiter, Wakers

KEEP_ALIVE = 20  # seconds between comments on a stream, so that proxies keep it
LONGEST = 3600  # seconds of one stream
_BEGINNING: dict[str, Any] = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream"), (b"cache-control", b"private, no-store")],
}
_END: dict[str, Any] = {"type": "http.response.body", "body": b"", "more_body": False}
_NOTHING_NEW = b": still here\n\n"


class Stream(Waiter):
    """Somebody who is told of each version. Who is told of a version has not taken it yet."""

    __slots__ = ("asker", "ends", "finder", "line", "told")

    def __init__(self, finder: Finder, asker: Asker, line: Line | None) -> None:
        super().__init__(finder.slot(asker), KEEP_ALIVE)
        self.finder, self.asker, self.line = finder, asker, line
        self.ends, self.told = asyncio.get_running_loop().time() + LONGEST, ""
        if line is not None:
            line.when_ending(self.end)

    def is_over(self) -> bool:
        """Say whether the asker has to come again."""
        return self.ended or asyncio.get_running_loop().time() >= self.ends

    async def look_up(self) -> None:
        """Have memory know the version that there is."""
        await self.finder.look_up(self.asker)

    def news(self, given: Given) -> bytes:
        """Return what to send of an answer, which is told with it."""
        values = dict(given.headers)
        number = values["Trust-Store-Version"]
        if number == self.told:
            return _NOTHING_NEW
        self.told = number
        return _event(number, values["ETag"], values["Content-Location"])

    def tell(self) -> Told:
        """Send what is new, or that nothing is."""
        line = self.line
        if line is None or self.is_over() or not line.is_open():
            return Told.NOT_YET
        given = self.finder.peek(self.asker, takes=False)
        if given is None:
            return Told.NOT_YET
        line.say(self.news(given))
        self.begin(KEEP_ALIVE)
        return Told.WAITS_ON


async def stream(
    asker: Asker, receive: Receive, send: Send, *, finder: Finder, wakers: Wakers, line: Line | None
) -> None:
    """Tell of each new version until the asker leaves, the token ends, or an hour has passed."""
    await send(_BEGINNING)
    waiter = Stream(finder, asker, line)
    while not (waiter.is_over() or waiter.gone):
        waiter.begin(KEEP_ALIVE)
        wakers.join(waiter)
        try:
            current = finder.peek(asker, takes=False) or await finder.find(asker, takes=False)
            if current is None:
                break
            await send({"type": "http.response.body", "body": waiter.news(current), "more_body": True})
            del current  # thousands wait here
            await waiter.until_woken(receive)
        finally:
            wakers.leave(waiter)
    await send(_END)


@lru_cache(maxsize=1024)
def _event(number: str, etag: str, location: str) -> bytes:
    data = json.dumps({"version": int(number), "etag": etag, "location": location})
    return f"id: {number}\nevent: version\ndata: {data}\n\n".encode("ascii")
