"""Who asks for what, as memory is asked: the words of an ASGI request that decide its answer."""

import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from trust.stores.serve import answer
from trust.stores.serve.fastpath import Environ
from trust.stores.serve.waiting import seconds_asked

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MOST_KINDS, _LONGEST_KIND = 4096, 1000  # of requests, which a fleet of services has few of; characters of one
_NO_BODY = io.BytesIO()
# What else Django reads of a WSGI environment, and nobody is told apart by.
WHOLE: Environ = {
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


class Kinds:
    """The ways to ask that thousands share, each kept once."""

    def __init__(self) -> None:
        self.held: dict[tuple[Any, ...], Environ] = {}

    def asked(self, scope: Scope, headers: dict[str, str]) -> Asked | None:
        """Return a pull that may wait; None for every other request."""
        asked = answer.wanted(scope["path"])
        streams = headers.get("accept", "").strip().lower() == "text/event-stream"
        wait = seconds_asked(headers.get("prefer", ""))
        if asked is None or asked.number is not None or scope["method"] != "GET" or not (wait or streams):
            return None
        shared = self._once(environ_of(scope, headers))
        return Asked(Asker(headers.get("authorization", ""), shared), wait, streams)

    def _once(self, environ: Environ) -> Environ:
        """Return the first of equal ones. Long ones are not kept: anybody can send them."""
        words = tuple(environ.items())
        if sum(map(len, environ.values())) > _LONGEST_KIND:
            return environ
        if len(self.held) >= _MOST_KINDS:
            self.held.clear()
        return self.held.setdefault(words, environ)


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request; what stands there twice is one with a comma, as WSGI has it."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]},{text}" if name in found else text
    return found


def environ_of(scope: Scope, headers: dict[str, str]) -> Environ:
    """Return what an asker shares with others: all that memory is asked with, but for the token. See ``WHOLE``."""
    environ: Environ = {"REQUEST_METHOD": scope["method"], "PATH_INFO": scope["path"]}
    if scope.get("query_string"):
        environ["QUERY_STRING"] = scope["query_string"].decode("latin-1")
    if scope.get("scheme") == "https":
        environ["wsgi.url_scheme"] = "https"
    for name, key in _READ.items():
        if name in headers:
            environ[key] = headers[name]
    return environ
