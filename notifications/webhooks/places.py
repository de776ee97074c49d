"""Who may begin to post: a bounded share of the places for each endpoint, and a room apart for those that take long. Plain Python.

A post that is not answered soon leaves its place to another and waits on in the *room*; its endpoint is then known to be slow, and
what goes to slow endpoints begins in the room and takes no place at all. So endpoints that hang, however many, hold up those that
answer for ``SLOW_AFTER`` at a time, until the room is full too.
"""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

PLACES = 50
PER_ENDPOINT = 10  # places of one endpoint that answers soon
UNKNOWN = 1  # of one that has not answered yet: it is tried before it is given more
SLOW_AFTER = 1.0  # seconds; who needs longer is slow, until it answers sooner
ROOM = 100
ROOM_PER_ENDPOINT = 5
SLOW_QUEUE = 4 * ROOM_PER_ENDPOINT  # that may wait behind those; the rest is put back for later

HELD_UP = "Put off: others to this endpoint take long."


class Addressed(Protocol):
    """What is posted: only its endpoint matters here."""

    @property
    def endpoint(self) -> str: ...


Item = TypeVar("Item", bound=Addressed)


@dataclass(eq=False)
class Place(Generic[Item]):
    """One post under way."""

    post: Item
    in_room: bool


class Places(Generic[Item]):
    """The posts that wait and those under way.

    Args:
        count: places for posts that were begun less than ``SLOW_AFTER`` ago.
        per_endpoint: how many of them one endpoint may have.
        paces: endpoint -> whether it answered soon the last time. Shared, so that what was learned is kept.
    """

    def __init__(self, *, count: int = PLACES, per_endpoint: int = PER_ENDPOINT, paces: dict[str, bool]) -> None:
        self._free, self._room = count, ROOM
        self._per_endpoint = per_endpoint
        self._paces = paces
        self._queues: dict[str, deque[tuple[Item, float]]] = {}  # in the order in which endpoints take turns
        self._under_way: Counter[str] = Counter()

    def add(self, post: Item, start_by: float) -> None:
        """Let a post wait for its turn until ``start_by``."""
        self._queues.setdefault(post.endpoint, deque()).append((post, start_by))

    def begin(self, now: float) -> tuple[list[Place[Item]], list[Item]]:
        """Return the posts that begin now, and those that are put off. One endpoint begins one before the next has its turn."""
        begun: list[Place[Item]] = []
        put_off: list[Item] = []
        turns = deque(self._queues)
        while turns:
            endpoint = turns.popleft()
            put_off += self._surplus(endpoint, now)
            if self._queues[endpoint] and self._may_begin(endpoint):
                begun.append(self._take(endpoint))
                turns.append(endpoint)
            elif not self._queues[endpoint]:
                del self._queues[endpoint]
        return begun, put_off

    def linger(self, place: Place[Item]) -> None:
        """Take note that a post was not answered soon: it moves to the room, if that has room."""
        self._paces[place.post.endpoint] = False
        if not place.in_room and self._room:
            place.in_room = True
            self._room -= 1
            self._free += 1

    def leave(self, place: Place[Item], *, soon: bool | None) -> None:
        """Take note that a post is over, and whether it was so within ``SLOW_AFTER``; None when it was not tried after all."""
        self._under_way[place.post.endpoint] -= 1
        if soon is not None:
            self._paces[place.post.endpoint] = soon
        if place.in_room:
            self._room += 1
        else:
            self._free += 1

    def _is_slow(self, endpoint: str) -> bool:
        return self._paces.get(endpoint) is False

    def _may_begin(self, endpoint: str) -> bool:
        under_way = self._under_way[endpoint]
        if self._is_slow(endpoint):
            return self._room > 0 and under_way < min(ROOM_PER_ENDPOINT, self._per_endpoint)
        return self._free > 0 and under_way < (self._per_endpoint if endpoint in self._paces else UNKNOWN)

    def _take(self, endpoint: str) -> Place[Item]:
        post, _ = self._queues[endpoint].popleft()
        # Whoever had its turn comes last the next time.
        self._queues[endpoint] = self._queues.pop(endpoint)
        place = Place(post, in_room=self._is_slow(endpoint))
        self._under_way[endpoint] += 1
        if place.in_room:
            self._room -= 1
        else:
            self._free -= 1
        return place

    def _surplus(self, endpoint: str, now: float) -> list[Item]:
        """Take out of the queue what waited too long, and what is too much for a slow endpoint."""
        queue, surplus = self._queues[endpoint], []
        while queue and queue[0][1] < now:
            surplus.append(queue.popleft()[0])
        while self._is_slow(endpoint) and len(queue) > SLOW_QUEUE:
            surplus.append(queue.pop()[0])
        return surplus
