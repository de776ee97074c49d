"""Answering the usual pull in front of Django: one digest, three look-ups in memory, no middleware, no ORM, no write.

Anything that is not the plain case (a cookie, a query, a wrong token, something not in memory yet) goes to the Django view, whose
answer is the same to the header: ``answer`` makes both, and the headers that Django's middleware adds are learned from Django's own
answers and never written down here.
"""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connection
from django.http.request import split_domain_port, validate_host

from portal import errors
from trust.stores.serve import access, answer, generation, pulls, resolve
from trust.stores.serve.watch import Watcher

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_MOST_TOKENS = 200_000
_MOST_TARGETS = 10_000
_MOST_PATHS = 64  # of one token
# Made per request or by ``answer``; every other header of Django's answer is the shell's and is repeated.
_OWN_HEADERS = {name.lower() for name in ("Request-Id", "Date", "Server", "Set-Cookie", "Transfer-Encoding")} | {
    "content-type", "content-length", "content-disposition", "content-digest", "etag", "cache-control", "vary",
    "content-location", "trust-store-version",
}  # fmt: skip


class Freshness(Protocol):
    """Who knows whether memory can be trusted."""

    def is_fresh(self) -> bool: ...


@dataclass(slots=True, eq=False)
class _Target:
    served: answer.Served
    full: answer.Headers
    not_modified: answer.Headers
    slot: int
    seen: int
    everything: int


@dataclass(slots=True, eq=False)
class _Token:
    access: access.Access
    slot: int
    seen: int
    everything: int
    until: float
    # By path: what the token was found to open, and where its pulls are noted.
    opened: dict[str, tuple[_Target, pulls.Cell | None]]


class FastPath:
    """A WSGI application that answers pulls from memory, and hands everything else to ``application``."""

    def __init__(
        self, application: Application, *, watcher: Freshness | None = None, recorder: pulls.Recorder | None = None
    ) -> None:
        self.application = application
        self.watcher: Freshness = watcher or Watcher()
        self.recorder = recorder or pulls.recorder
        self.counters = generation.counters()
        self.from_memory = 0  # how many answers never met Django
        self._tokens: dict[str, _Token] = {}
        self._targets: dict[tuple[UUID, str], _Target] = {}
        self._held = 0  # bytes of bodies in memory
        self._shell: answer.Headers | None = None
        self._hosts: set[str] = set()
        self._tls_only = settings.SECURE_SSL_REDIRECT
        self._requests, self._counter = os.urandom(4).hex(), itertools.count()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(answer.PREFIX):
            return self.application(environ, start_response)
        found = self._from_memory(environ, path)
        if found is None:
            return self.application(environ, self._learning(environ, path, start_response))
        status, headers, body = found
        self.from_memory += 1
        # Enough to find the request again, and cheaper than new random bits for each.
        start_response(status, [*headers, ("Request-Id", f"{self._requests}{next(self._counter):08x}")])
        return (body,)

    def find(self, environ: Environ, path: str) -> tuple[str, answer.Headers, bytes] | None:
        """Return the answer to a plain pull (status, headers, body), for a door other than WSGI; None when Django must answer.

        May look something up in the database, so it is not for an event loop.
        """
        if self._shell is None:
            # The first answer of a process is Django's, which shows the headers that belong to it.
            for _ in self(dict(environ), lambda *_: None):
                pass
        found = self._from_memory(environ, path)
        if found is None:
            return None
        status, headers, body = found
        return status, [*headers, ("Request-Id", f"{self._requests}{next(self._counter):08x}")], body

    def slot(self, environ: Environ, path: str) -> int:
        """Return the place in shared memory that changes with the store at ``path``, for whoever just found it with ``find``."""
        token, asked = self._token(environ.get("HTTP_AUTHORIZATION", "")[7:]), answer.wanted(path)
        if token is None or asked is None:
            return generation.EVERYTHING
        return generation.slot_of(generation.store_key(token.access.organization_id, asked.name))

    def _from_memory(self, environ: Environ, path: str) -> tuple[str, answer.Headers, bytes] | None:
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if (
            authorization[:9] != "Bearer tx"
            or len(authorization) > access.MAX_TOKEN_LENGTH
            or "HTTP_COOKIE" in environ
            or "HTTP_PREFER" in environ
            or environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            or environ.get("QUERY_STRING")
            or self._shell is None
            or not self.watcher.is_fresh()
            or (environ.get("HTTP_HOST") not in self._hosts and not self._may_be_asked(environ))
            or (self._tls_only and not _is_secure(environ))
        ):
            return None
        found = self._opened(authorization[7:], path)
        if found is None:
            return None
        target, cell, token = found
        served = target.served
        if cell is not None:
            self.recorder.mark(cell, token.access.token_id, served.number, environ.get("HTTP_USER_AGENT", ""))
        if answer.not_modified(environ.get("HTTP_IF_NONE_MATCH"), served.etag):
            return "304 Not Modified", target.not_modified, b""
        return "200 OK", target.full, b"" if environ["REQUEST_METHOD"] == "HEAD" else served.content

    def _opened(self, secret: str, path: str) -> tuple[_Target, pulls.Cell | None, _Token] | None:
        """Return what a token opens at a path, looked up only where memory does not hold it or may be old."""
        words = self.counters.words
        token = self._token(secret)
        if token is None:
            return None
        held = token.opened.get(path)
        if held is not None and words[held[0].slot] == held[0].seen and words[1] == held[0].everything:
            return held[0], held[1], token
        target = self._target(token, path)
        if target is None or not token.access.opens(target.served.store_id):
            return None
        if len(token.opened) >= _MOST_PATHS:
            token.opened.clear()
        cell = self.recorder.cell(token.access, target.served.store_id)
        token.opened[path] = (target, cell)
        return target, cell, token

    def _token(self, secret: str) -> _Token | None:
        digest = sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
        held, words, now = self._tokens.get(digest), self.counters.words, time.time()
        if held is not None and words[held.slot] == held.seen and words[1] == held.everything and now < held.until:
            return held
        self._tokens.pop(digest, None)
        slot = generation.slot_of(generation.token_key(digest))
        # Read before the database is asked: a change in between is then seen at the next request.
        seen, everything = words[slot], words[1]
        found = _quietly(access.by_digest, secret[:4], digest, datetime.fromtimestamp(now, UTC))
        if found is None:
            return None
        if len(self._tokens) >= _MOST_TOKENS:
            self._tokens.clear()
        until = found.expires_at if found.recheck_after is None else min(found.expires_at, now + found.recheck_after)
        token = self._tokens[digest] = _Token(found, slot, seen, everything, until, {})
        return token if now < until else None

    def _target(self, token: _Token, path: str) -> _Target | None:
        key, words = (token.access.organization_id, path), self.counters.words
        held = self._targets.get(key)
        if held is not None and words[held.slot] == held.seen and words[1] == held.everything:
            return held
        self._forget(key)
        asked = answer.wanted(path)
        if asked is None:
            return None
        slot = generation.slot_of(generation.store_key(key[0], asked.name))
        seen, everything = words[slot], words[1]
        served = _quietly(resolve.artifact, token.access, asked)
        if served is None:
            return None
        shell = self._shell or []
        target = _Target(
            served,
            [*answer.headers(served), *shell],
            [*answer.headers_not_modified(served), *shell],
            slot,
            seen,
            everything,
        )
        self._keep(key, target)
        return target

    def _keep(self, key: tuple[UUID, str], target: _Target) -> None:
        if len(self._targets) >= _MOST_TARGETS or self._held > settings.SERVE_MEMORY_BYTES:
            self._targets, self._held = {}, 0
        self._targets[key] = target
        self._held += len(target.served.content)

    def _forget(self, key: tuple[UUID, str]) -> None:
        gone = self._targets.pop(key, None)
        if gone is not None:
            self._held -= len(gone.served.content)

    def _may_be_asked(self, environ: Environ) -> bool:
        """Say whether Django would answer for this host rather than refuse, and remember it."""
        host = environ.get("HTTP_HOST", "")
        domain, _ = split_domain_port(host)
        if settings.USE_X_FORWARDED_HOST or not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            return False
        if len(self._hosts) < 100:
            self._hosts.add(host)
        return True

    def _learning(self, environ: Environ, path: str, start_response: StartResponse) -> StartResponse:
        """Return a ``start_response`` that notes which headers the shell adds to a pull, and leaves a 304 without a length."""

        def learn(status: str, headers: answer.Headers, *more: Any) -> Any:
            plain = "HTTP_COOKIE" not in environ and environ["REQUEST_METHOD"] in ("GET", "HEAD")
            if self._shell is None and plain and status[:3] in ("200", "304") and answer.wanted(path):
                self._shell = [(name, value) for name, value in headers if name.lower() not in _OWN_HEADERS]
            if status.startswith("304"):
                # Django writes a length of 0, which is not that of the full answer (RFC 9110 section 8.6); with the true one, old
                # clients wait for a body that never comes.
                headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            return start_response(status, headers, *more)

        return learn


def _is_secure(environ: Environ) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, expected = settings.SECURE_PROXY_SSL_HEADER
        return environ.get(name, "").split(",")[0].strip() == expected
    return environ.get("wsgi.url_scheme") == "https"


def _quietly(look_up: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a look-up finds, or None for anything that Django should answer: a refusal, or a database that is away."""
    _close_old_connections()
    try:
        return look_up(*arguments)
    except errors.Refusal:
        return None
    except Exception:
        logger.warning("A look-up for the fast path failed; Django answers", exc_info=True)
        return None
    finally:
        _close_old_connections()


def _close_old_connections() -> None:
    # Django does this around its own requests. Inside a transaction the connection belongs to whoever began it.
    if not connection.in_atomic_block:
        close_old_connections()
