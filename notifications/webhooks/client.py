"""The one client that calls addresses given by partners. It follows no redirect, reads no proxy from the environment, keeps
every wait bounded, and cuts what it reads.

Posts go out concurrently from an event loop in a thread of its own, and come back in the calling thread in small groups, so
that the caller can record them in the database while others are still under way.
"""

import asyncio
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Self

import aiohttp
from yarl import URL

from notifications.webhooks import places
from notifications.webhooks.places import Place, Places
from notifications.webhooks.rules import Outcome, outcome_of
from portal.outbound import connecting
from portal.outbound.connecting import Tls
from portal.outbound.guard import Blocked, Guard, Lookup, system_lookup

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0  # from name look-up to the last byte that is read
READ_BYTES = 64 * 1024  # of an answer; the rest is not read
KEPT_CHARACTERS = 2000  # of an answer in the attempt's record
IN_FLIGHT = places.PLACES
PER_ENDPOINT = places.PER_ENDPOINT
SLOW_AFTER = places.SLOW_AFTER
REST = 10.0  # seconds for which an endpoint that timed out is left alone
START_SECONDS = 40.0  # that a post may wait for its turn; with TOTAL_SECONDS less than a claim lasts
GROUP = 200  # answers that are recorded together
GROUP_SECONDS = 0.1
PATIENCE = 1.0


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
    # False when the post was put back without being sent, because its endpoint hangs or holds up its posts.
    tried: bool = True


class Sender:
    """Posts under way, in an event loop in a thread of its own: ``with Sender(guard=…) as sender``.

    Posts can be added while others are under way, so that nobody waits for a receiver that is slow. After an endpoint's
    timeout its remaining posts are answered at once as not tried, until ``REST`` has passed; so are posts that could not begin
    within ``start_seconds``, because their own endpoint holds them up. Who has how many places is the business of ``places``.

    Args:
        in_flight: how many at once that were begun just now.
        per_endpoint: how many of them to one endpoint.
        total_seconds: for each, from name look-up to the last byte that is read.
        start_seconds: how long a post may wait for its turn.
        paces: endpoint -> whether it answered soon the last time; what is learned is written there.
    """

    def __init__(
        self,
        *,
        guard: Guard,
        tls: Tls | None = None,
        lookup: Lookup = system_lookup,
        in_flight: int | None = None,
        per_endpoint: int | None = None,
        total_seconds: float | None = None,
        start_seconds: float = START_SECONDS,
        paces: dict[str, bool] | None = None,
    ) -> None:
        self.waiting: Counter[str] = Counter()  # posts added and not answered yet, by endpoint
        self._guard, self._tls, self._lookup = guard, tls or Tls(), lookup
        self._paces = {} if paces is None else paces
        self._places: Places[Post] = Places(
            count=in_flight or IN_FLIGHT, per_endpoint=per_endpoint or PER_ENDPOINT, paces=self._paces
        )
        self._start_seconds = start_seconds
        total = total_seconds or TOTAL_SECONDS
        self._timeout = aiohttp.ClientTimeout(total=total, connect=min(CONNECT_SECONDS, total))
        self._answers: queue.Queue[tuple[Post, Answer] | BaseException] = queue.Queue()
        self._resting: dict[str, float] = {}  # endpoints that timed out -> until when, by the steady clock
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name="webhook-posts", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """End the loop. Posts that are still under way are broken off."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def add(self, posts: Iterable[Post]) -> None:
        """Make these posts too."""
        added = list(posts)
        self.waiting.update(each.endpoint for each in added)
        self._loop.call_soon_threadsafe(self._begin, added, time.monotonic() + self._start_seconds)

    def answers(self, *, patience: float = PATIENCE) -> list[tuple[Post, Answer]]:
        """Return the next group of answers; none when there was none for ``patience`` seconds."""
        group: list[tuple[Post, Answer]] = []
        deadline = time.monotonic() + patience
        while len(group) < GROUP and self.waiting.total():
            try:
                item = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if isinstance(item, BaseException):
                raise item
            if not group:
                deadline = time.monotonic() + GROUP_SECONDS
            group.append(item)
            self._answered(item[0].endpoint)
        return group

    def slow(self) -> set[str]:
        """Return the endpoints of waiting posts that are known to be slow."""
        return {each for each in self.waiting if self._paces.get(each) is False}

    def _answered(self, endpoint: str) -> None:
        self.waiting[endpoint] -= 1
        if not self.waiting[endpoint]:
            del self.waiting[endpoint]

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._all())
        except BaseException as error:
            self._answers.put(error)
        finally:
            self._ready.set()
            self._loop.close()

    async def _all(self) -> None:
        self._end = asyncio.Event()
        self._tasks: set[asyncio.Task] = set()
        # https and http have separate connectors, so that the check at dialing knows which it is.
        async with self._session(https=True) as self._secure, self._session(https=False) as self._plain:
            self._ready.set()
            await self._end.wait()
            for each in self._tasks:
                each.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, posts: list[Post], start_by: float) -> None:
        for post in posts:
            self._places.add(post, start_by)
        self._turn()

    def _turn(self) -> None:
        """Begin what may begin now."""
        begun, put_off = self._places.begin(time.monotonic())
        for post in put_off:
            self._answers.put((post, Answer(Outcome.CONGESTED, places.HELD_UP, tried=False)))
        for place in begun:
            task = self._loop.create_task(self._make(place))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._answers.put(error)
        self._turn()

    def _linger(self, place: Place[Post]) -> None:
        self._places.linger(place)
        self._turn()

    async def _make(self, place: Place[Post]) -> None:
        began, soon = time.monotonic(), None
        patience = self._loop.call_later(SLOW_AFTER, self._linger, place)
        try:
            answer = await self._one(place.post)
            if answer.tried:
                soon = time.monotonic() - began < SLOW_AFTER
        finally:
            patience.cancel()
            self._places.leave(place, soon=soon)
        self._answers.put((place.post, answer))

    def _session(self, *, https: bool) -> aiohttp.ClientSession:
        return connecting.session(
            self._guard, https=https, timeout=self._timeout, lookup=self._lookup, read_bytes=READ_BYTES
        )

    async def _one(self, post: Post) -> Answer:
        if time.monotonic() < self._resting.get(post.endpoint, 0.0):
            return Answer(Outcome.CONGESTED, "Put off: the endpoint has just timed out.", tried=False)
        session = self._secure if post.url.startswith("https:") else self._plain
        began = time.perf_counter()
        try:
            answer = await self._send(session, post)
        except Blocked as error:
            answer = Answer(Outcome.BLOCKED, str(error))
        except TimeoutError:
            self._resting[post.endpoint] = time.monotonic() + REST
            answer = Answer(Outcome.CONGESTED, f"No complete answer within {self._timeout.total:g} seconds.")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answer = _refused(error)
        elapsed = round((time.perf_counter() - began) * 1000)
        return Answer(**{**vars(answer), "milliseconds": elapsed})

    async def _send(self, session: aiohttp.ClientSession, post: Post) -> Answer:
        url: URL = self._guard.check_url(post.url)
        async with session.post(
            url,
            data=post.body,
            headers=post.headers,
            allow_redirects=False,
            ssl=connecting.context(self._tls, post.client_certificate) if url.scheme == "https" else True,
        ) as response:
            return await _read(response)


def post_all(posts: Sequence[Post], *, guard: Guard, **options: Any) -> Iterator[list[tuple[Post, Answer]]]:
    """Make the posts and yield the answers in groups as they come; ``options`` are those of ``Sender``."""
    with Sender(guard=guard, **options) as sender:
        sender.add(posts)
        while sender.waiting:
            if group := sender.answers():
                yield group


def post_one(post: Post, *, guard: Guard, tls: Tls | None = None, lookup: Lookup = system_lookup) -> Answer:
    """Make one post and return its answer."""
    [(_, answer)] = [each for group in post_all([post], guard=guard, tls=tls, lookup=lookup) for each in group]
    return answer


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
        retry_after=_seconds(response.headers.get("Retry-After", ""), response.headers.get("Date", "")),
    )


def _sentence(status: int, location: str | None) -> str:
    if 300 <= status < 400:
        return f"The endpoint answered {status}, a redirect. Redirects are not followed: enter the final URL."
    return f"The endpoint answered {status}."


def _seconds(header: str, date: str) -> int | None:
    """Return Retry-After in seconds (RFC 9110 section 10.2.3). A moment is counted from the answer's own ``Date``."""
    if header.isascii() and header.isdigit():
        return int(header) if len(header) < 7 else None
    try:
        wait = (parsedate_to_datetime(header) - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, round(wait))


def _refused(error: Exception) -> Answer:
    blocked = connecting.blocked(error)
    if blocked:
        return Answer(Outcome.BLOCKED, str(blocked))
    return Answer(Outcome.FAILED, connecting.sentence(error))
