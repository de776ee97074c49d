"""The ASGI application in front of Django: pulls now, pulls that wait, and streams of events.

It asks the same memory as the fast path, so that a waiter gets the same answer as anybody else, only later. Whatever memory does
not know is for the application behind it.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from portal.counting import durations
from trust.stores.serve import answer, events, patience, rates
from trust.stores.serve.asking import Asked, Asker, Kinds, Scope, Send, environ_of, headers_of
from trust.stores.serve.fastpath import FastPath
from trust.stores.serve.finding import Finder
from trust.stores.serve.protocol import LINE, REQUEST, Line
from trust.stores.serve.repeats import Given
from trust.stores.serve.waiting import Receive, Wakers

AsgiApplication = Callable[..., Awaitable[None]]


class Door:
    """An ASGI application that answers pulls, lets them wait, and hands everything else to ``application``."""

    def __init__(self, application: AsgiApplication, fast_path: FastPath) -> None:
        self.application, self.fast_path = application, fast_path
        self.wakers = Wakers(fast_path.counters)
        self.finder = Finder(fast_path)
        self.kinds = Kinds()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        request, line = scope.pop(REQUEST, None), scope.pop(LINE, None)
        if scope["type"] != "http" or not scope["path"].startswith(answer.PREFIXES):
            return self.application(scope, receive, send)
        headers = headers_of(scope)
        asked = self.kinds.asked(scope, headers)
        if asked is None:
            at_once = self._at_once(scope, headers, request, send, line)
            return at_once or self.application(scope, receive, send)
        answering = self._stream if asked.streams else self._later
        return answering(asked, scope, receive, send, line)

    def _at_once(
        self, scope: Scope, headers: dict[str, str], request: bytes | None, send: Send, line: Line | None
    ) -> Awaitable[None] | None:
        """Return what answers a plain pull that memory has, or refuses one of a loop; None for everything else."""
        if "prefer" in headers:
            return None
        environ = environ_of(scope, headers) | {"HTTP_AUTHORIZATION": headers.get("authorization", "")}
        found = self.fast_path.peek(environ, scope["path"], request=request)
        if found is not None:
            return self._send(send, line, found)
        rate = self.fast_path.exhausted(environ, scope["path"])
        refusal = rate.refused() if rate else None
        return _refuse(send, refusal) if refusal else None

    async def _later(self, asked: Asked, scope: Scope, receive: Receive, send: Send, line: Line | None) -> None:
        found = await self.finder.find(asked.asker)
        if found is not None:
            found = await patience.wait(asked, found, receive, finder=self.finder, wakers=self.wakers, line=line)
        if found is None:
            await self._by_django(asked.asker, scope, receive, send)
        elif found is not patience.GONE:
            await self._send(send, line, found, patience.applied(asked))

    async def _stream(self, asked: Asked, scope: Scope, receive: Receive, send: Send, line: Line | None) -> None:
        asker = asked.asker
        if await self.finder.find(asker, takes=False) is None:
            await self._by_django(asker, scope, receive, send)
            return
        del scope, asked  # thousands wait here
        await events.stream(asker, receive, send, finder=self.finder, wakers=self.wakers, line=line)

    async def _send(self, send: Send, line: Line | None, given: Given, more: bytes = b"") -> None:
        if line is not None:
            # A server that knows the answer as it is written.
            line.give(given, more)
            return
        headers = [*given.encoded, (b"request-id", self.fast_path.request_id().encode("ascii"))]
        headers += [_pair(each) for each in more.splitlines()]
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


def _pair(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b": ")
    return name, value


async def _refuse(send: Send, refusal: rates.Refusal) -> None:
    """Say again what Django said to a token that pulled too often."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in refusal.headers_at(time.time())]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})
    durations.note("pull", 429, 0.0)
