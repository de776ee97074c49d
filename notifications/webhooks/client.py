"""The one client that calls addresses given by partners. It follows no redirect, reads no proxy from the environment, keeps
every wait bounded, and cuts what it reads.

Posts go out concurrently from an event loop in a thread of its own, and come back in the calling thread in small groups, so
that the caller can record them in the database while others are still under way.
"""

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from notifications.webhooks.rules import Outcome, outcome_of
from portal.outbound import connecting
from portal.outbound.connecting import Tls
from portal.outbound.guard import Blocked, Guard, Lookup, system_lookup

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0  # from name look-up to the last byte that is read
READ_BYTES = 64 * 1024  # of an answer; the rest is not read
KEPT_CHARACTERS = 2000  # of an answer in the attempt's record
IN_FLIGHT = 50
PER_ENDPOINT = 10  # at most this many at once to one endpoint, so that one cannot take all places
GROUP = 100
GROUP_SECONDS = 0.1


@dataclass(frozen=True)
class Post:
    """One attempt to make. ``endpoint`` groups posts that share a receiver; ``key`` is the caller's own."""

    key: Any
    endpoint: str
    url: str
    body: bytes
    headers: dict[str, str]
    client_certificate: bool = False


@dataclass(frozen=True)
class Answer:
    """What one attempt came to, as it is recorded."""

    outcome: Outcome
    reason: str  # a sentence
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    truncated: bool = False
    milliseconds: int = 0
    retry_after: int | None = None
    # False when the endpoint had just timed out and this post was put back without being sent.
    tried: bool = True


def post_all(
    posts: Sequence[Post],
    *,
    guard: Guard,
    tls: Tls | None = None,
    in_flight: int = IN_FLIGHT,
    per_endpoint: int = PER_ENDPOINT,
    total_seconds: float = TOTAL_SECONDS,
    lookup: Lookup = system_lookup,
) -> Iterator[list[tuple[Post, Answer]]]:
    """Make the posts, up to ``in_flight`` at once, and yield the answers in groups as they come.

    After an endpoint's first timeout its remaining posts are answered at once as not tried, so that a receiver that hangs
    costs the whole run at most about twice ``total_seconds``, and others nothing.
    """
    answers: queue.Queue[tuple[Post, Answer] | BaseException | None] = queue.Queue()
    run = _Run(guard, tls or Tls(), in_flight, per_endpoint, total_seconds, lookup, answers)
    thread = threading.Thread(target=run.start, args=(list(posts),), name="webhook-posts", daemon=True)
    thread.start()
    yield from _groups(answers)
    thread.join()


def post_one(post: Post, *, guard: Guard, tls: Tls | None = None, lookup: Lookup = system_lookup) -> Answer:
    """Make one post and return its answer."""
    [(_, answer)] = [each for group in post_all([post], guard=guard, tls=tls, lookup=lookup) for each in group]
    return answer


def _groups(answers: "queue.Queue[Any]") -> Iterator[list[tuple[Post, Answer]]]:
    group: list[tuple[Post, Answer]] = []
    deadline = 0.0
    while True:
        wait = max(0.0, deadline - time.monotonic()) if group else None
        try:
            item = answers.get(timeout=wait)
        except queue.Empty:
            yield group
            group = []
            continue
        if isinstance(item, BaseException):
            raise item
        if item is None:
            if group:
                yield group
            return
        if not group:
            deadline = time.monotonic() + GROUP_SECONDS
        group.append(item)
        if len(group) >= GROUP:
            yield group
            group = []


class _Run:
    """One run of ``post_all``, inside its event loop."""

    def __init__(
        self,
        guard: Guard,
        tls: Tls,
        in_flight: int,
        per_endpoint: int,
        total_seconds: float,
        lookup: Lookup,
        answers: "queue.Queue[Any]",
    ) -> None:
        self.guard = guard
        self.tls = tls
        self.in_flight = in_flight
        self.per_endpoint = per_endpoint
        self.timeout = aiohttp.ClientTimeout(total=total_seconds, connect=min(CONNECT_SECONDS, total_seconds))
        self.lookup = lookup
        self.answers = answers
        self.hanging: set[str] = set()

    def start(self, posts: list[Post]) -> None:
        try:
            asyncio.run(self._all(posts))
            self.answers.put(None)
        except BaseException as error:
            self.answers.put(error)

    async def _all(self, posts: list[Post]) -> None:
        slots = asyncio.Semaphore(self.in_flight)
        doors: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(self.per_endpoint))
        # https and http have separate connectors, so that the check at dialing knows which it is.
        async with self._session(https=True) as secure, self._session(https=False) as plain:

            async def one(post: Post) -> None:
                async with doors[post.endpoint], slots:
                    answer = await self._one(secure if post.url.startswith("https:") else plain, post)
                self.answers.put((post, answer))

            await asyncio.gather(*(one(post) for post in posts))

    def _session(self, *, https: bool) -> aiohttp.ClientSession:
        return connecting.session(
            self.guard, https=https, timeout=self.timeout, lookup=self.lookup, read_bytes=READ_BYTES
        )

    async def _one(self, session: aiohttp.ClientSession, post: Post) -> Answer:
        if post.endpoint in self.hanging:
            return Answer(Outcome.CONGESTED, "Put off: the endpoint has just timed out.", tried=False)
        began = time.perf_counter()
        try:
            answer = await self._send(session, post)
        except Blocked as error:
            answer = Answer(Outcome.BLOCKED, str(error))
        except TimeoutError:
            self.hanging.add(post.endpoint)
            answer = Answer(Outcome.CONGESTED, f"No complete answer within {self.timeout.total:g} seconds.")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answer = _refused(error)
        elapsed = round((time.perf_counter() - began) * 1000)
        return Answer(**{**vars(answer), "milliseconds": elapsed})

    async def _send(self, session: aiohttp.ClientSession, post: Post) -> Answer:
        url: URL = self.guard.check_url(post.url)
        async with session.post(
            url,
            data=post.body,
            headers=post.headers,
            allow_redirects=False,
            ssl=connecting.context(self.tls, post.client_certificate) if url.scheme == "https" else True,
        ) as response:
            return await _read(response)


async def _read(response: aiohttp.ClientResponse) -> Answer:
    """Return what the endpoint answered. Its status counts even when its body is cut off, endless or slow."""
    content, truncated = bytearray(), False
    try:
        while chunk := await response.content.read(READ_BYTES - len(content)):
            content += chunk
            if len(content) >= READ_BYTES:
                truncated = True
                break
    except (aiohttp.ClientError, TimeoutError):
        truncated = True
    finally:
        if truncated:
            response.close()
    outcome = outcome_of(response.status)
    text = bytes(content).decode("utf-8", "replace").replace("\x00", "\ufffd")
    return Answer(
        outcome,
        _sentence(response.status, response.headers.get("Location")),
        status=response.status,
        headers={name: value[:300] for name, value in list(response.headers.items())[:30]},
        body=text[:KEPT_CHARACTERS],
        truncated=truncated or len(text) > KEPT_CHARACTERS,
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _sentence(status: int, location: str | None) -> str:
    if 300 <= status < 400:
        return f"The endpoint answered {status}, a redirect. Redirects are not followed: enter the final URL."
    return f"The endpoint answered {status}."


def _seconds(header: str) -> int | None:
    """Return Retry-After when it is a number of seconds; a date is left out, since clocks differ."""
    return int(header) if header.isascii() and header.isdigit() and len(header) < 7 else None


def _refused(error: Exception) -> Answer:
    blocked = connecting.blocked(error)
    if blocked:
        return Answer(Outcome.BLOCKED, str(blocked))
    return Answer(Outcome.FAILED, connecting.sentence(error))
