"""Waiting for the next version: ``Prefer: wait=N`` (RFC 7240) and server-sent events, without a thread for each waiter.

A bare ASGI function in front of Django, for a process of its own. It asks the same memory as the fast path, so that a waiter
gets the same answer as anybody else, only later. One task looks at the shared counters and wakes whoever waits for what changed;
a waiter that joins looks at the counter before it looks at the store, so that no version falls between.
"""

import asyncio
import io
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async

from trust.stores.serve import answer, generation
from trust.stores.serve.fastpath import Environ, FastPath

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApplication = Callable[..., Awaitable[None]]
Found = tuple[str, answer.Headers, bytes]

LONGEST = 300  # seconds; proxies in between give up sooner or later
LOOK_EVERY = 0.05  # seconds
KEEP_ALIVE = 20  # seconds between comments on a stream, so that proxies keep it
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


def seconds_asked(prefer: str) -> int:
    """Return for how long a ``Prefer`` header asks to wait, at most ``LONGEST``; 0 when it does not."""
    found = _WAIT.search(prefer)
    return min(int(found[1]), LONGEST) if found else 0


class Wakers:
    """Events by slot of shared memory, and the one task that sets them."""

    def __init__(self, counters: generation.SharedCounters) -> None:
        self.counters = counters
        self._events: dict[int, asyncio.Event] = {}
        self._seen: dict[int, tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None

    def waiting(self) -> int:
        """Return how many slots somebody waits for."""
        return len(self._events)

    def event(self, slot: int) -> asyncio.Event:
        """Return the event that is set at the next change behind ``slot``, counted from now; all who wait share it."""
        event = self._events.get(slot)
        if event is None:
            event = self._events[slot] = asyncio.Event()
            self._seen[slot] = (self.counters.at(slot), self.counters.everything)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())
        return event

    async def _look(self) -> None:
        while self._events:
            for slot in list(self._events):
                if self._seen[slot] != (self.counters.at(slot), self.counters.everything):
                    # Whoever waits next gets a new event; the old one wakes all who hold it.
                    del self._seen[slot]
                    self._events.pop(slot).set()
            await asyncio.sleep(LOOK_EVERY)


class WaitingDoor:
    """An ASGI application that lets pulls wait, and hands everything else to ``application``."""

    def __init__(self, application: AsgiApplication, fast_path: FastPath) -> None:
        self.application, self.fast_path = application, fast_path
        self.wakers = Wakers(fast_path.counters)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        asked = answer.wanted(scope["path"])
        streams = headers.get("accept", "").strip().lower() == "text/event-stream"
        wait = seconds_asked(headers.get("prefer", ""))
        if asked is None or asked.number is not None or scope["method"] != "GET" or not (wait or streams):
            await self.application(scope, receive, send)
            return
        environ = _environ(scope, headers)
        found = await self._find(environ, scope["path"])
        if found is None:
            # A wrong token, a cookie, a store that is not there: Django says so.
            await self.application(scope, receive, send)
        elif streams:
            await self._stream(environ, scope["path"], found, receive, send)
        else:
            await self._wait(environ, scope, wait, found, receive, send)

    async def _find(self, environ: Environ, path: str) -> Found | None:
        # Memory first; what has to be looked up in the database must not hold the loop.
        return await sync_to_async(self.fast_path.find, thread_sensitive=False)(environ, path)

    async def _wait(
        self, environ: Environ, scope: Scope, wait: int, found: Found, receive: Receive, send: Send
    ) -> None:
        path, loop = scope["path"], asyncio.get_running_loop()
        until = loop.time() + wait
        current: Found | None = found
        while current is not None and current[0].startswith("304") and loop.time() < until:
            event = self.wakers.event(self.fast_path.slot(environ, path))
            # Asked again after joining: a version that came in between is not slept over.
            current = await self._find(environ, path)
            if current is None or not current[0].startswith("304"):
                break
            if await _left(event, until - loop.time(), receive):
                return
            current = await self._find(environ, path)
        if current is None:
            # The token ended while it waited.
            await self.application(scope, receive, send)
            return
        await _send(send, current, ("Preference-Applied", f"wait={wait}"))

    async def _stream(self, environ: Environ, path: str, found: Found, receive: Receive, send: Send) -> None:
        """Tell of each new version until the asker leaves, the token ends, or an hour has passed."""
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream"), (b"cache-control", b"private, no-store")],
            }
        )
        told = ""
        current: Found | None = found
        for _ in range(3600 // KEEP_ALIVE):
            event = self.wakers.event(self.fast_path.slot(environ, path))
            current = await self._find(environ, path)
            if current is None:
                break
            values = dict(current[1])
            await _send_part(send, b": still here\n\n" if values["ETag"] == told else _event(values))
            told = values["ETag"]
            if await _left(event, KEEP_ALIVE, receive):
                break
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(values: dict[str, str]) -> bytes:
    number = values["Trust-Store-Version"]
    data = json.dumps({"version": int(number), "etag": values["ETag"], "location": values["Content-Location"]})
    return f"id: {number}\nevent: version\ndata: {data}\n\n".encode("ascii")


async def _left(event: asyncio.Event, seconds: float, receive: Receive) -> bool:
    """Wait for the event; say whether the asker hung up before it came or the time was over."""
    waiting = asyncio.ensure_future(event.wait())
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({waiting, leaving}, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
        return leaving.done() and not waiting.done()
    finally:
        waiting.cancel()
        leaving.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _environ(scope: Scope, headers: dict[str, str]) -> Environ:
    """Return what the fast path reads of a WSGI environment, without the preference that brought the asker here."""
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": "waiting",
        "SERVER_PORT": "0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    for name, value in headers.items():
        if name not in ("prefer", "accept"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


async def _send(send: Send, found: Found, *more: tuple[str, str]) -> None:
    status, headers, body = found
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in [*headers, *more]]
    await send({"type": "http.response.start", "status": int(status[:3]), "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def _send_part(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
