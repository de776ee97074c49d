"""Answering the usual pull in front of Django: one digest, three look-ups in memory, no middleware, no ORM, no write.

Anything that is not the plain case (a cookie, a query, a wrong token, something not in memory yet) goes to the Django view, whose
answer is the same to the header: ``answer`` makes both, and the headers that Django's middleware adds are learned from Django's own
answers and never written down here.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from portal.counting import durations
from trust.stores.serve import access, answer, pulls
from trust.stores.serve.memory import Memory, Opened, Token
from trust.stores.serve.watch import Watcher

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Found = tuple[str, answer.Headers, bytes]
Opening = Callable[[str, str, float], tuple[Token, Opened] | None]

_MOST_HOSTS = 100
# Made per request or by ``answer``; every other header of Django's answer is the shell's and is repeated.
_OWN_HEADERS = {
    "request-id", "date", "server", "set-cookie", "transfer-encoding", "content-type", "content-length",
    "content-disposition", "content-digest", "content-encoding", "etag", "cache-control", "vary", "content-location",
    "trust-store-version",
}  # fmt: skip


class Freshness(Protocol):
    """Who knows whether memory can be trusted."""

    def is_fresh(self) -> bool: ...


class FastPath:
    """A WSGI application that answers pulls from memory, and hands everything else to ``application``."""

    def __init__(
        self, application: Application, *, watcher: Freshness | None = None, recorder: pulls.Recorder | None = None
    ) -> None:
        self.application = application
        self.watcher: Freshness = watcher or Watcher()
        self.recorder = recorder or pulls.recorder
        self.memory = Memory(self.recorder)
        self.counters = self.memory.counters
        self.from_memory = 0  # how many answers never met Django
        self._shell: answer.Headers | None = None  # of an answer with a body; one without has no header of the shell
        self._hosts: set[str | None] = set()
        self._tls_only = settings.SECURE_SSL_REDIRECT
        self._requests, self._counter = os.urandom(4).hex(), itertools.count()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(answer.PREFIXES):
            return self.application(environ, start_response)
        started = time.perf_counter()
        found = self._from_memory(environ, path)
        if found is None:
            return self.application(environ, self._learning(environ, path, start_response))
        status, headers, body = found
        self.from_memory += 1
        start_response(status, headers)
        durations.note("pull", int(status[:3]), time.perf_counter() - started)
        # A list, because servers send one in one piece and stream everything else.
        return [body]

    def find(self, environ: Environ, path: str) -> Found | None:
        """Return the answer to a plain pull (status, headers, body), for a door other than WSGI; None when Django must answer.

        May look something up in the database, so it is not for an event loop.
        """
        if self._shell is None:
            # The first full answer of a process is Django's, which shows the headers that belong to it.
            plainly = {name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}
            for _ in self(plainly, lambda *_: None):
                pass
        return self._from_memory(environ, path)

    def peek(self, environ: Environ, path: str) -> Found | None:
        """Return what ``find`` returns, if it needs no look-up; None otherwise. For an event loop."""
        return self._from_memory(environ, path, self.memory.held) if self._shell else None

    def slot(self, environ: Environ, path: str) -> int:
        """Return the place in shared memory that changes with the store at ``path``, for whoever just found it with ``find``."""
        return self.memory.slot(environ.get("HTTP_AUTHORIZATION", "")[7:], path)

    def _from_memory(self, environ: Environ, path: str, opening: Opening | None = None) -> Found | None:
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        method = environ["REQUEST_METHOD"]
        if (
            authorization[:9] != "Bearer tx"
            or len(authorization) > access.MAX_TOKEN_LENGTH
            or "HTTP_COOKIE" in environ
            or "HTTP_PREFER" in environ
            or method not in ("GET", "HEAD")
            or environ.get("QUERY_STRING")
            or not self.watcher.is_fresh()
            or (environ.get("HTTP_HOST") not in self._hosts and not self._may_be_asked(environ))
            or (self._tls_only and not _is_secure(environ))
        ):
            return None
        found = (opening or self.memory.open)(authorization[7:], path, now := time.time())
        if found is None:
            return None
        token, opened = found
        remembered, cell = opened.remembered, opened.cell
        best, tag, coding = remembered.plain, environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_ACCEPT_ENCODING")
        has_it = tag == best.etag
        if coding or (tag and not has_it):
            best, has_it = answer.choose(best, remembered.in_gzip, coding, tag)
        if (self._shell is None and not has_it) or not token.rate.take(now):
            return None
        if cell is not None:
            number, agent = remembered.served.number, environ.get("HTTP_USER_AGENT", "")
            self.recorder.mark(cell, token.access.token_id, number, agent, now)
        # Enough to find the request again, and cheaper than new random bits for each.
        name = ("Request-Id", f"{self._requests}{next(self._counter):08x}")
        if has_it:
            return "304 Not Modified", [*best.not_modified, name], b""
        return "200 OK", [*best.full, *(self._shell or ()), name], b"" if method == "HEAD" else best.body

    def _may_be_asked(self, environ: Environ) -> bool:
        """Say whether Django would answer for this host rather than refuse, and remember it."""
        host = environ.get("HTTP_HOST", "")
        domain, _ = split_domain_port(host)
        if settings.USE_X_FORWARDED_HOST or not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            return False
        if len(self._hosts) < _MOST_HOSTS:
            self._hosts.add(host)
        return True

    def _learning(self, environ: Environ, path: str, start_response: StartResponse) -> StartResponse:
        """Return a ``start_response`` that notes which headers the shell adds to a full answer."""

        def learn(status: str, headers: answer.Headers, *more: Any) -> Any:
            plain = "HTTP_COOKIE" not in environ and environ["REQUEST_METHOD"] in ("GET", "HEAD")
            if self._shell is None and plain and status[:3] == "200" and answer.wanted(path):
                self._shell = [(name, value) for name, value in headers if name.lower() not in _OWN_HEADERS]
            return start_response(status, headers, *more)

        return learn


def _is_secure(environ: Environ) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, expected = settings.SECURE_PROXY_SSL_HEADER
        return environ.get(name, "").split(",")[0].strip() == expected
    return environ.get("wsgi.url_scheme") == "https"
