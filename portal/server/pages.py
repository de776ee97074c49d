"""The portal's WSGI application below the event loop: a thread for each request, once it is whole.

A body is read before its thread begins, so that a slow sender holds no thread, and within bounds of size and time.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WsgiApplication = Callable[..., Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]
# Of a status, a title and a sentence: the headers and the HTML of a page that says so.
Draw = Callable[[int, str, str], tuple[Headers, bytes]]
# Of a status, a code and a sentence: a problem document (RFC 9457) that says so.
Document = Callable[..., dict[str, Any]]

THREADS = 16  # requests at once; what they wait for is the database and gpg
MOST_BODY = 4 * 1024 * 1024  # bytes of one; the portal takes less, and says so better
MOST_BODIES = 64 * 1024 * 1024  # bytes that are being received at once
BODY_SECONDS = 60
# Of addresses that programs ask, as in portal.middleware.
API_PREFIXES = ("/api/", "/trust/", "/spiffe/")


class Refused(Exception):
    """A request that the portal does not get to see, with its status, a code and a sentence for whoever sent it."""

    def __init__(self, status: int, title: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.code, self.detail = status, title, code, detail


class Pages:
    """An ASGI application that runs a WSGI application in ``threads`` threads.

    What it refuses itself, ``draw`` makes a page of for browsers, and ``document`` a problem for programs; without them they read a
    sentence of plain text.
    """

    def __init__(
        self,
        application: WsgiApplication,
        threads: int = THREADS,
        *,
        draw: Draw | None = None,
        document: Document | None = None,
    ) -> None:
        # a2wsgi's types of WSGI and ASGI are its own, and narrower than what it takes.
        self._wsgi = WSGIMiddleware(application, workers=threads)  # type: ignore[arg-type]
        self._draw, self._document = draw, document
        self._receiving = 0  # bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            _require_ascii(scope)
            body = await self._body(receive)
        except Refused as refused:
            await self._refuse(scope, send, refused)
            return
        if body is None:
            return  # whoever asked is gone
        _say_length(scope, len(body))
        await self._wsgi(scope, _once(body), send)  # type: ignore[arg-type]  # as above

    async def _body(self, receive: Receive) -> bytes | None:
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._gather(receive, parts)
        except TimeoutError:
            detail = (
                f"The request did not arrive within {BODY_SECONDS} seconds. Send it again over a faster connection."
            )
            raise Refused(408, "Too slow", "too_slow", detail) from None
        finally:
            self._receiving -= sum(map(len, parts))

    async def _gather(self, receive: Receive, parts: list[bytes]) -> bytes | None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > MOST_BODY:
                raise Refused(
                    413,
                    "Too large",
                    "too_large",
                    f"A request has at most {MOST_BODY} bytes ({MOST_BODY // 2**20} MB), and nothing of this one was kept."
                    " Send less at once: a smaller file, or one file after the other.",
                )
            if self._receiving + len(part) > MOST_BODIES:
                raise Refused(503, "Busy", "unavailable", "Too much is being sent at once. Send it again in a minute.")
            parts.append(part)
            self._receiving += len(part)
        return b"".join(parts)

    async def _refuse(self, scope: Scope, send: Send, refused: Refused) -> None:
        if self._document is not None and scope["path"].startswith(API_PREFIXES):
            problem = self._document(status=refused.status, code=refused.code, detail=refused.detail)
            said = [(b"content-type", b"application/problem+json")], json.dumps(problem).encode("utf-8")
        elif self._draw is not None and _reads_pages(scope):
            said = self._draw(refused.status, refused.title, refused.detail)
        else:
            said = [(b"content-type", b"text/plain; charset=utf-8")], refused.detail.encode("utf-8")
        headers, body = said
        headers = [*headers, (b"content-length", str(len(body)).encode("ascii")), (b"cache-control", b"no-store")]
        if refused.status == 408:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _require_ascii(scope: Scope) -> None:
    """Raise Refused for a query with bytes that an address cannot have (RFC 3986 section 2)."""
    if not scope.get("query_string", b"").isascii():
        detail = "Encode every character of the query that is not ASCII with % (RFC 3986)."
        raise Refused(400, "Bad address", "invalid_input", detail)


def _say_length(scope: Scope, length: int) -> None:
    """Say how long the body is, also where it came in chunks: WSGI applications read no more than they are told."""
    if length:
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"content-length", b"transfer-encoding")]
        scope["headers"] = [*kept, (b"content-length", str(length).encode("ascii"))]


def _once(body: bytes) -> Receive:
    """Return what gives a body that was received already."""
    left = [body]

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop() if left else b"", "more_body": False}

    return receive


def _reads_pages(scope: Scope) -> bool:
    """Say whether a browser asks: it names HTML among what it takes, and programs take anything (RFC 9110 section 12.5.1)."""
    return any(name == b"accept" and b"text/html" in value.lower() for name, value in scope["headers"])


__all__ = ["Pages"]
