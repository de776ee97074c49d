"""Fetching small documents from addresses that partners chose: many at once, each bounded in size and time, nothing followed.

As with webhooks, requests go out from an event loop in a thread of its own, and answers come back in the calling thread as they
arrive, so that the caller can write them down while others are still under way.
"""

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp
from yarl import URL

from portal.outbound import connecting
from portal.outbound.connecting import Tls
from portal.outbound.guard import Blocked, Guard, Lookup, system_lookup

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0  # from name look-up to the last byte
IN_FLIGHT = 20
PER_HOST = 4
CHUNK = 64 * 1024


class Outcome(StrEnum):
    """What came of a request."""

    FETCHED = "fetched"
    NOT_MODIFIED = "not_modified"
    FAILED = "failed"
    # The guard does not let us: trying again changes nothing until the address changes.
    BLOCKED = "blocked"
    TOO_LARGE = "too_large"


@dataclass(frozen=True)
class Request:
    """One document to fetch. With ``body`` it is a POST; ``key`` is the caller's own. ``most_bytes`` bounds the answer."""

    key: Any
    url: str
    most_bytes: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """What one request came to: a sentence for people, and the content when it was fetched."""

    outcome: Outcome
    sentence: str
    content: bytes = b""
    etag: str = ""
    last_modified: str = ""
    status: int | None = None


def fetch_all(
    requests: Sequence[Request],
    *,
    guard: Guard,
    tls: Tls | None = None,
    total_seconds: float = TOTAL_SECONDS,
    lookup: Lookup = system_lookup,
) -> Iterator[tuple[Request, Answer]]:
    """Yield each request with its answer, in the order in which answers arrive."""
    answers: queue.Queue[tuple[Request, Answer] | BaseException | None] = queue.Queue()
    run = _Run(guard, tls or Tls(), total_seconds, lookup, answers)
    thread = threading.Thread(target=run.start, args=(list(requests),), name="outbound-fetches", daemon=True)
    thread.start()
    while (item := answers.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
    thread.join()


class _Run:
    """One run of ``fetch_all``, inside its event loop."""

    def __init__(
        self, guard: Guard, tls: Tls, total_seconds: float, lookup: Lookup, answers: "queue.Queue[Any]"
    ) -> None:
        self.guard, self.tls, self.lookup, self.answers = guard, tls, lookup, answers
        self.timeout = aiohttp.ClientTimeout(total=total_seconds, connect=min(CONNECT_SECONDS, total_seconds))

    def start(self, requests: list[Request]) -> None:
        try:
            asyncio.run(self._all(requests))
            self.answers.put(None)
        except BaseException as error:
            self.answers.put(error)

    async def _all(self, requests: list[Request]) -> None:
        slots = asyncio.Semaphore(IN_FLIGHT)
        doors: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        options: dict[str, Any] = {"timeout": self.timeout, "lookup": self.lookup}
        async with (
            connecting.session(self.guard, https=True, **options) as secure,
            connecting.session(self.guard, https=False, **options) as plain,
        ):

            async def one(request: Request) -> None:
                async with doors[_host(request.url)], slots:
                    answer = await self._one(secure if request.url.startswith("https:") else plain, request)
                self.answers.put((request, answer))

            await asyncio.gather(*(one(request) for request in requests))

    async def _one(self, session: aiohttp.ClientSession, request: Request) -> Answer:
        try:
            return await self._send(session, request)
        except Blocked as error:
            return Answer(Outcome.BLOCKED, str(error))
        except TimeoutError:
            return Answer(Outcome.FAILED, f"No complete answer within {self.timeout.total:g} seconds.")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            refused = connecting.blocked(error)
            if refused:
                return Answer(Outcome.BLOCKED, str(refused))
            return Answer(Outcome.FAILED, connecting.sentence(error))

    async def _send(self, session: aiohttp.ClientSession, request: Request) -> Answer:
        url = self.guard.check_url(request.url)
        async with session.request(
            "GET" if request.body is None else "POST",
            url,
            data=request.body,
            headers={"Accept-Encoding": "identity", "User-Agent": "trust-exchange/1", **request.headers},
            allow_redirects=False,
            ssl=connecting.context(self.tls, False) if url.scheme == "https" else True,
        ) as response:
            return await _read(response, request)


def _host(text: str) -> str:
    try:
        return URL(text).host or ""
    except ValueError:
        return ""


async def _read(response: aiohttp.ClientResponse, request: Request) -> Answer:
    conditional = "If-None-Match" in request.headers or "If-Modified-Since" in request.headers
    if response.status == 304 and conditional:
        return Answer(Outcome.NOT_MODIFIED, "Nothing new.", status=304)
    if 300 <= response.status < 400:
        said = f"It answered {response.status}, a redirect. Redirects are not followed: name the final address."
        return Answer(Outcome.FAILED, said, status=response.status)
    if response.status != 200:
        return Answer(Outcome.FAILED, f"It answered {response.status}.", status=response.status)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        # Never inflated, and it was not asked for.
        return Answer(Outcome.FAILED, "It answered with compressed content, which was not asked for.", status=200)
    content = bytearray()
    while chunk := await response.content.read(CHUNK):
        content += chunk
        if len(content) > request.most_bytes:
            response.close()
            megabytes = request.most_bytes / 1_000_000
            return Answer(Outcome.TOO_LARGE, f"What it serves is larger than {megabytes:g} MB.", status=200)
    return Answer(
        Outcome.FETCHED,
        f"{len(content)} bytes.",
        content=bytes(content),
        etag=_plain(response.headers.get("ETag", "")),
        last_modified=_plain(response.headers.get("Last-Modified", "")),
        status=200,
    )


def _plain(header: str) -> str:
    """Return a validator to be sent back, or "" for one that is too long or not plain text."""
    return header if len(header) <= 200 and header.isascii() and header.isprintable() else ""
