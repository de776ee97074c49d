"""Answering the usual pull in front of Django: from memory, no middleware, no ORM, no write.

A request that was answered before, byte for byte, costs one look-up (see ``repeats``), where the server shows its bytes;
another one a digest and three look-ups.

Anything that is not the plain case (a cookie, a query, a wrong token, something not in memory yet) goes to the Django view, whose
answer is the same to the header: ``answer`` makes both, and the headers that Django's middleware adds are learned from Django's own
answers and never written down here.
"""

import itertools
import os
from collections.abc import Callable, Iterable
from time import monotonic
from time import time as wall_clock
from typing import Any, Protocol

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from portal.counting import durations
from portal.counting.durations import SOON
from trust.stores.serve import access, answer, pulls, rates
from trust.stores.serve.generation import EVERYTHING
from trust.stores.serve.memory import Memory, Opened, Remembered, Token
from trust.stores.serve.repeats import Given, Repeat
from trust.stores.serve.watch import Watcher

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Opening = Callable[[str, str, float], tuple[Token, Opened] | None]

_MOST_HOSTS = 100
_MOST_GIVEN, _LONGEST_ASKED = 64, 400  # ways to ask for one artifact, and characters of one
# Made per request or by ``answer``; every other header of Django's answer is the shell's and is repeated.
_OWN_HEADERS = {
    "request-id", "date", "server", "set-cookie", "transfer-encoding", "content-type", "content-length",
    "content-disposition", "content-digest", "content-encoding", "etag", "cache-control", "vary", "content-location",
    "trust-store-version", answer.LOSES.lower(),
}  # fmt: skip


class Freshness(Protocol):
    """Who knows whether memory can be trusted: until ``fresh_until``, in seconds of the monotonic clock."""

    fresh_until: float

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
        self._numbers = self.counters.words
        self._repeats = self.memory.repeats
        self._held = self._repeats.held
        self._shell: answer.Headers | None = None  # of an answer with a body; one without has no header of the shell
        self._hosts: set[str | None] = set()
        self._tls_only = settings.SECURE_SSL_REDIRECT
        # Enough to find a request again, and cheaper than new random bits for each.
        self._process, self._counter = os.urandom(4).hex() + "-", itertools.count(1)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(answer.PREFIXES):
            return self.application(environ, start_response)
        started, now = monotonic(), wall_clock()
        found = self._from_memory(environ, path, now, self.memory.open)
        if found is None:
            return self.application(environ, self._learning(environ, path, start_response))
        token, _, given = found
        if given is None:
            return self._too_often(environ, start_response, token.rate, now)
        start_response(given.status, [*given.headers, ("Request-Id", self.request_id())])
        durations.note("pull", given.code, monotonic() - started)
        return given.body

    def again(self, request: bytes) -> Given | None:
        """Return the answer to a request that was answered before, byte for byte; counts it. None for another.

        What is sent gets a ``request_id`` besides. ``request`` came on a connection like the one before: all are TLS, or none is.
        """
        # What every usual pull runs through, so it is written out: no call that can be spared.
        repeat = self._held.get(request)
        if repeat is None:
            return None
        started, now, numbers, rate = monotonic(), wall_clock(), self._numbers, repeat.rate
        if not (
            numbers[EVERYTHING] == repeat.everything
            and numbers[repeat.token_slot] == repeat.token_seen
            and numbers[repeat.store_slot] == repeat.store_seen
            and now < repeat.until
            and started < self.watcher.fresh_until
        ):
            self._repeats.drop(request)
            return None
        if now < rate.ends and rate.left > 0:
            rate.left -= 1
        elif not rate.take(now):
            return None
        self.from_memory += 1
        cell = repeat.cell
        if cell is not None:
            if cell.count:
                cell.count += 1
                cell.at, cell.told = now, repeat.told
            else:
                self.recorder.mark(cell, repeat.told, now)
        given = repeat.given
        took = monotonic() - started
        if took < SOON:
            quick = given.quick
            quick.count += 1
            quick.seconds += took
        else:
            durations.note("pull", given.code, took)
        return given

    def _too_often(
        self, environ: Environ, start_response: StartResponse, rate: rates.Rate, now: float
    ) -> Iterable[bytes]:
        """Refuse as Django did before in this window. A program that asks in a loop must not cost the others their answers."""
        refusal = rate.refused()
        if refusal is not None:
            start_response(refusal.status, refusal.headers_at(now))
            durations.note("pull", 429, wall_clock() - now)
            return [refusal.body]
        said: list[tuple[str, answer.Headers]] = []

        def note(status: str, headers: answer.Headers, *more: Any) -> Any:
            said.append((status, headers))
            return start_response(status, headers, *more)

        answered = self.application(environ, note)
        if not said or said[-1][0][:3] != "429":
            return answered
        body = list(answered)
        if hasattr(answered, "close"):
            answered.close()
        rate.refusal = rates.Refusal(rate.ends, *said[-1], b"".join(body))
        return body

    def find(self, environ: Environ, path: str, *, takes: bool = True) -> Given | None:
        """Return the answer to a plain pull, for a door other than WSGI; None when Django must answer.

        ``takes`` says whether the asker gets the bytes, or only hears that they are there. May look something up in the database,
        so it is not for an event loop. What is sent gets a ``request_id`` besides.
        """
        if self._shell is None:
            # The first full answer of a process is Django's, which shows the headers that belong to it.
            plainly = {name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}
            # By HEAD, since nobody takes a version with it.
            for _ in self(plainly | {"REQUEST_METHOD": "HEAD"}, lambda *_: None):
                pass
        found = self._from_memory(environ, path, wall_clock(), self.memory.open, takes=takes)
        return found[2] if found else None

    def look_up(self, environ: Environ, path: str) -> None:
        """Have memory know what there is for a plain pull, for those who ``peek`` next; counts nothing. Not for an event loop."""
        if self._is_plain(environ):
            self.memory.open(environ["HTTP_AUTHORIZATION"][7:], path, wall_clock())

    def peek(self, environ: Environ, path: str, *, takes: bool = True, request: bytes | None = None) -> Given | None:
        """Return what ``find`` returns, if it needs no look-up; None otherwise. For an event loop.

        ``request`` is all that was asked with: the answer is given to the same bytes ``again``.
        """
        if not self._shell:
            return None
        found = self._from_memory(environ, path, wall_clock(), self.memory.held, takes=takes)
        if found is None:
            return None
        token, opened, given = found
        how = environ["REQUEST_METHOD"], environ.get("HTTP_IF_NONE_MATCH")
        if given and request and answer.has_version(given.code, *how):
            # What is kept counts as a pull.
            self._repeats.keep(request, _repeat(environ, token, opened, given))
        return given

    def exhausted(self, environ: Environ, path: str) -> rates.Rate | None:
        """Return the window of a token that pulled too often in it, where memory knows that; None for every other asker."""
        now = wall_clock()
        found = (
            self.memory.held(environ.get("HTTP_AUTHORIZATION", "")[7:], path, now) if self._is_plain(environ) else None
        )
        return found[0].rate if found and found[0].rate.is_used_up(now) else None

    def request_id(self) -> str:
        """Return words to find one answer by."""
        return self._process + str(next(self._counter))

    def slot(self, environ: Environ, path: str) -> int:
        """Return the place in shared memory that changes with the store at ``path``, for whoever just found it with ``find``."""
        return self.memory.slot(environ.get("HTTP_AUTHORIZATION", "")[7:], path)

    def _from_memory(
        self, environ: Environ, path: str, now: float, opening: Opening, *, takes: bool = True
    ) -> tuple[Token, Opened, Given | None] | None:
        """Return the answer to a plain pull, and why it is given; counts it. None when Django must answer.

        In place of the answer is None for a token that pulled too often.
        """
        found = opening(environ["HTTP_AUTHORIZATION"][7:], path, now) if self._is_plain(environ) else None
        if found is None:
            return None
        get, method = environ.get, environ["REQUEST_METHOD"]
        token, opened = found
        how = get("HTTP_IF_NONE_MATCH"), get("HTTP_ACCEPT_ENCODING"), method
        given = opened.remembered.given.get(how) or self._given(opened.remembered, *how)
        if given is None:
            return None
        if not token.rate.take(now):
            return token, opened, None
        self.from_memory += 1
        if opened.cell is not None:
            has_it = (takes or given.code == 304) and answer.has_version(given.code, method, how[0])
            mark = self.recorder.mark if has_it else self.recorder.mark_asked
            mark(opened.cell, _told(environ, token, opened), now)
        return token, opened, given

    def _is_plain(self, environ: Environ) -> bool:
        """Say whether memory may answer: a token and no cookie, no words that decide more, a host and a scheme that are ours."""
        get = environ.get
        authorization = get("HTTP_AUTHORIZATION", "")
        return not (
            authorization[:9] != "Bearer tx"
            or len(authorization) > access.MAX_TOKEN_LENGTH
            or "HTTP_COOKIE" in environ
            or "HTTP_PREFER" in environ
            or environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            or get("QUERY_STRING")
            or not self.watcher.is_fresh()
            or (get("HTTP_HOST") not in self._hosts and not self._may_be_asked(environ))
            or (self._tls_only and not _is_secure(environ))
        )

    def _given(self, remembered: Remembered, tag: str | None, accepted: str | None, method: str) -> Given | None:
        """Return the answer to one way of asking; None while the headers of a full answer are not known."""
        best, has_it = answer.choose(remembered.plain, remembered.in_gzip, accepted, tag)
        if self._shell is None and not has_it:
            return None
        sent = None if has_it or method == "HEAD" else best.kept
        given = Given(
            status="304 Not Modified" if has_it else "200 OK",
            headers=best.not_modified if has_it else [*best.full, *(self._shell or ())],
            body=[sent.content if sent else b""],
            quick=durations.quick("pull", 304 if has_it else 200),
            kept=sent,
        )
        if len(tag or "") + len(accepted or "") <= _LONGEST_ASKED:
            if len(remembered.given) >= _MOST_GIVEN:
                remembered.given.clear()
            remembered.given[tag, accepted, method] = given
        return given

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


def _told(environ: Environ, token: Token, opened: Opened) -> pulls.Told:
    return opened.remembered.served.number, token.access.token_id, environ.get("HTTP_USER_AGENT", "")


def _repeat(environ: Environ, token: Token, opened: Opened, given: Given) -> Repeat:
    """Return the answer with all that must still hold for it to be given again."""
    remembered = opened.remembered
    return Repeat(
        given=given,
        rate=token.rate,
        cell=opened.cell,
        told=_told(environ, token, opened),
        until=token.until,
        everything=token.everything,
        token_slot=token.slot,
        token_seen=token.seen,
        store_slot=remembered.slot,
        store_seen=remembered.seen,
    )


def _is_secure(environ: Environ) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, expected = settings.SECURE_PROXY_SSL_HEADER
        return environ.get(name, "").split(",")[0].strip() == expected
    return environ.get("wsgi.url_scheme") == "https"
