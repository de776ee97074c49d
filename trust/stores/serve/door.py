"""The ASGI application in front of Django: pulls now, pulls that wait (``Prefer: wait=N``, RFC 7240), and server-sent events.

It asks the same memory as the fast path, so that a waiter gets the same answer as anybody else, only later. Whatever memory does
not know is for the application behind it.
"""

import asyncio
import io
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from portal.counting import durations
from trust.stores.serve import answer, rates
from trust.stores.serve.fastpath import Environ, FastPath
from trust.stores.serve.protocol import GIVE, REQUEST
from trust.stores.serve.repeats import Given
from trust.stores.serve.waiting import LOOK_EVERY, Receive, Waiter, Wakers, seconds_asked

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApplication = Callable[..., Awaitable[None]]
# Sends an answer and lines of headers besides, at once.
Give = Callable[[Given, bytes], None]

PATIENCE = 10  # seconds that somebody is kept before Django answers instead
KEEP_ALIVE = 20  # seconds between comments on a stream, so that proxies keep it
_LOCKS = 64  # more than threads that look up
_MOST_KINDS, _LONGEST_KIND = 4096, 1000  # of requests, which a fleet of services has few of; characters of one
_NO_BODY = io.BytesIO()
# What else Django reads of a WSGI environment, and nobody is told apart by.
_WHOLE: Environ = {
    "QUERY_STRING": "",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "0",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
    "wsgi.input": _NO_BODY,
    "wsgi.errors": _NO_BODY,
}
# What the fast path reads of a request.
_READ = {
    name: "HTTP_" + name.upper().replace("-", "_")
    for name in (
        "cookie", "host", "if-none-match", "accept-encoding", "user-agent", "x-forwarded-proto",
    )
}  # fmt: skip
_GONE = Given("", [], [], durations.Quick("pull", 0))
_SAME = "304 Not Modified"
_BEGINNING = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream"), (b"cache-control", b"private, no-store")],
}


class Asker:
    """Who asks for what: its Authorization header, and the other words of its request, which it shares with thousands."""

    __slots__ = ("authorization", "shared")

    def __init__(self, authorization: str, shared: Environ) -> None:
        self.authorization, self.shared = authorization, shared

    @property
    def environ(self) -> Environ:
        """What memory is asked with, without the preference that brought the asker here."""
        return self.shared | {"HTTP_AUTHORIZATION": self.authorization}

    @property
    def path(self) -> str:
        """The path asked for."""
        return str(self.shared["PATH_INFO"])


class Asked(NamedTuple):
    """A request that may be answered later: after ``wait`` seconds at most, or as a stream of events."""

    asker: Asker
    wait: int
    streams: bool


class Door:
    """An ASGI application that answers pulls, lets them wait, and hands everything else to ``application``."""

    def __init__(self, application: AsgiApplication, fast_path: FastPath) -> None:
        self.application, self.fast_path = application, fast_path
        self.wakers = Wakers(fast_path.counters)
        self._looking_up: dict[int, asyncio.Lock] = {}
        self._shared: dict[tuple[Any, ...], Environ] = {}
        # The process trusts its memory only after it read the count of changes once.
        fast_path.watcher.is_fresh()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        request, give = scope.pop(REQUEST, None), scope.pop(GIVE, None)
        if scope["type"] != "http" or not scope["path"].startswith(answer.PREFIXES):
            return self.application(scope, receive, send)
        headers = _headers(scope)
        asked = self._asked(scope, headers)
        if asked is None:
            at_once = self._at_once(scope, headers, request, send, give)
            return at_once or self.application(scope, receive, send)
        if asked.streams:
            return self._stream(asked.asker, scope, receive, send)
        return self._later(asked, scope, receive, send, give)

    def _at_once(
        self, scope: Scope, headers: dict[str, str], request: bytes | None, send: Send, give: Give | None
    ) -> Awaitable[None] | None:
        """Return what answers a plain pull that memory has, or refuses one of a loop; None for everything else."""
        if "prefer" in headers:
            return None
        environ = _environ(scope, headers) | {"HTTP_AUTHORIZATION": headers.get("authorization", "")}
        found = self.fast_path.peek(environ, scope["path"], request=request)
        if found is not None:
            return self._send(send, give, found)
        rate = self.fast_path.exhausted(environ, scope["path"])
        refusal = rate.refused() if rate else None
        return _refuse(send, refusal) if refusal else None

    async def _later(self, asked: Asked, scope: Scope, receive: Receive, send: Send, give: Give | None) -> None:
        asker = asked.asker
        found = await self._find(asker)
        if found is not None:
            found = await self._wait(asker, asked.wait, found, receive)
            if found is _GONE:
                return
        if found is None:
            await self._by_django(asker, scope, receive, send)
        else:
            await self._send(send, give, found, (b"preference-applied", b"wait=%d" % asked.wait))

    async def _send(self, send: Send, give: Give | None, given: Given, *more: tuple[bytes, bytes]) -> None:
        if give is not None:
            # A server that knows the answer as it is written.
            give(given, b"".join(b"%b: %b\r\n" % pair for pair in more))
            return
        headers = [*given.encoded, (b"request-id", self.fast_path.request_id().encode("ascii")), *more]
        await send({"type": "http.response.start", "status": given.code, "headers": headers})
        await send({"type": "http.response.body", "body": given.content})

    async def _by_django(self, asker: Asker, scope: Scope, receive: Receive, send: Send) -> None:
        """Have Django say what is wrong: a token, a cookie, a store that is not there. What a loop is told is Django's once."""
        rate = self.fast_path.exhausted(asker.environ, asker.path)
        if rate is None:
            await self.application(scope, receive, send)
            return
        refusal = rate.refused()
        if refusal is not None:
            await _refuse(send, refusal)
            return
        said: list[MutableMapping[str, Any]] = []

        async def note(message: MutableMapping[str, Any]) -> None:
            said.append(message)
            await send(message)

        await self.application(scope, receive, note)
        if said and said[0].get("status") == 429:
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in said[0]["headers"]]
            body = b"".join(each.get("body", b"") for each in said[1:])
            rate.refusal = rates.Refusal(rate.ends, "429 Too Many Requests", pairs, body)

    def _asked(self, scope: Scope, headers: dict[str, str]) -> Asked | None:
        """Return a pull that may wait; None for every other request."""
        asked = answer.wanted(scope["path"])
        streams = headers.get("accept", "").strip().lower() == "text/event-stream"
        wait = seconds_asked(headers.get("prefer", ""))
        if asked is None or asked.number is not None or scope["method"] != "GET" or not (wait or streams):
            return None
        shared = self._kept_once(_environ(scope, headers))
        return Asked(Asker(headers.get("authorization", ""), shared), wait, streams)

    def _kept_once(self, environ: Environ) -> Environ:
        """Return the first of equal ones. Long ones are not kept: anybody can send them."""
        words = tuple(environ.items())
        if sum(map(len, environ.values())) > _LONGEST_KIND:
            return environ
        if len(self._shared) >= _MOST_KINDS:
            self._shared.clear()
        return self._shared.setdefault(words, environ)

    async def _find(self, asker: Asker, *, takes: bool = True) -> Given | None:
        """Return the answer from memory. What has to be looked up in the database does not hold the loop, and is looked up once."""
        await self._until_fresh()
        found = self._peek(asker, takes=takes)
        if found is not None:
            return found
        # All who were woken come here at once: the first looks the version up, the others find it. Tokens are looked up side by
        # side.
        key = asker.path if self.fast_path.memory.knows(asker.authorization[7:]) else asker.authorization
        lock = self._looking_up.setdefault(hash(key) % _LOCKS, asyncio.Lock())
        async with lock:
            found = self._peek(asker, takes=takes)
            if found is not None:
                return found
            # Not by sync_to_async: the asker's context would keep what Django remembers of a thread, and thousands wait here.
            look_up = partial(self.fast_path.find, _WHOLE | asker.environ, asker.path, takes=takes)
            return await asyncio.get_running_loop().run_in_executor(None, look_up)

    def _peek(self, asker: Asker, *, takes: bool = True) -> Given | None:
        return self.fast_path.peek(asker.environ, asker.path, takes=takes)

    def _slot(self, asker: Asker) -> int:
        return self.fast_path.slot(asker.environ, asker.path)

    async def _until_fresh(self) -> None:
        """Wait until memory can be trusted. Thousands who come at once can keep the reading of the count of changes waiting."""
        for _ in range(int(PATIENCE / LOOK_EVERY)):
            if self.fast_path.watcher.is_fresh():
                return
            await asyncio.sleep(LOOK_EVERY)

    async def _wait(self, asker: Asker, wait: int, found: Given, receive: Receive) -> Given | None:
        """Return the first answer that is news, or the last one when the time is over; ``_GONE`` when the asker hung up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        current: Given | None = found
        while current is not None and current.status == _SAME and loop.time() < until:
            waiter = Waiter(self._slot(asker), until - loop.time())
            self.wakers.join(waiter)
            try:
                # Asked again after joining: a version that came in between is not slept over.
                current = self._peek(asker) or await self._find(asker)
                if current is None or current.status != _SAME:
                    break
                await waiter.until_woken(receive)
                if waiter.gone:
                    return _GONE
                self.wakers.leave(waiter)
                current = self._peek(asker) or await self._find(asker)
            finally:
                self.wakers.leave(waiter)
                waiter.wake_those_after()
        return current

    async def _stream(self, asker: Asker, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell of each new version until the asker leaves, the token ends, or an hour has passed."""
        # Whoever is told of a version has not taken it yet.
        if await self._find(asker, takes=False) is None:
            await self._by_django(asker, scope, receive, send)
            return
        del scope  # thousands wait here
        await send(_BEGINNING)
        number = ""
        for _ in range(3600 // KEEP_ALIVE):
            waiter = Waiter(self._slot(asker), KEEP_ALIVE)
            self.wakers.join(waiter)
            try:
                current = self._peek(asker, takes=False) or await self._find(asker, takes=False)
                if current is None:
                    break
                number, part = _news(current, number)
                del current  # thousands wait here
                await _send_part(send, part)
                await waiter.until_woken(receive)
                if waiter.after:
                    await self._find(asker, takes=False)
            finally:
                self.wakers.leave(waiter)
                waiter.wake_those_after()
            if waiter.gone:
                break
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _refuse(send: Send, refusal: rates.Refusal) -> None:
    """Say again what Django said to a token that pulled too often."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in refusal.headers_at(time.time())]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})
    durations.note("pull", 429, 0.0)


def _news(given: Given, told: str) -> tuple[str, bytes]:
    """Return the version that there is, and what to send of it to somebody who was told of version ``told``."""
    values = dict(given.headers)
    number = values["Trust-Store-Version"]
    if number == told:
        return number, b": still here\n\n"
    return number, _event(number, values["ETag"], values["Content-Location"])


@lru_cache(maxsize=1024)
def _event(number: str, etag: str, location: str) -> bytes:
    data = json.dumps({"version": int(number), "etag": etag, "location": location})
    return f"id: {number}\nevent: version\ndata: {data}\n\n".encode("ascii")


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers of a request; what stands there twice is one with a comma, as WSGI has it."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _environ(scope: Scope, headers: dict[str, str]) -> Environ:
    """Return what an asker shares with others: all that memory is asked with, but for the token. See ``_WHOLE``."""
    environ: Environ = {"REQUEST_METHOD": scope["method"], "PATH_INFO": scope["path"]}
    if scope.get("query_string"):
        environ["QUERY_STRING"] = scope["query_string"].decode("latin-1")
    if scope.get("scheme") == "https":
        environ["wsgi.url_scheme"] = "https"
    for name, key in _READ.items():
        if name in headers:
            environ[key] = headers[name]
    return environ


async def _send_part(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
