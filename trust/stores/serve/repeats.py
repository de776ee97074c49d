"""Requests that were answered before, word for word: a consumer asks for the same again and again.

What decided the answer is kept beside it, so that a repeated request costs one look-up, one comparison of its words and one of the
numbers that stand for what may have changed meanwhile.
"""

from dataclasses import dataclass, field
from typing import Any

from portal.counting.durations import Quick
from trust.stores.serve import answer, pulls, rates

Environ = dict[str, Any]
# The Authorization header and the path. The header is compared by a dictionary, whose hash has a secret of the process (PEP 456):
# how long a comparison takes tells nothing of a token. Its secret lies in memory only.
Key = tuple[str | None, str | None]
# Every other word of a request that decides how it is answered, as a WSGI environment names it.
WORDS = (
    "REQUEST_METHOD", "QUERY_STRING", "HTTP_HOST", "HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING", "HTTP_USER_AGENT", "HTTP_COOKIE",
    "HTTP_PREFER",
)  # fmt: skip
_MOST = 100_000


@dataclass(slots=True, eq=False)
class Given:
    """An answer as it is sent, to everybody who asks for one artifact in one way. ``encoded`` is for a door other than WSGI."""

    status: str
    headers: answer.Headers
    # A list, because servers send one in one piece and stream everything else.
    body: list[bytes]
    quick: Quick
    encoded: list[tuple[bytes, bytes]] = field(init=False)
    code: int = field(init=False)
    content: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.code, self.content = int(self.status[:3] or 0), b"".join(self.body)
        self.encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]


@dataclass(slots=True, eq=False)
class Repeat:
    """An answer, and all that must still hold for it to be given to the same consumer again.

    ``asked`` is what the request had for each of ``WORDS``. ``until`` is when its token ends, in seconds since 1970.
    ``everything``, ``token_seen`` and ``store_seen`` are what shared memory had for all at once, the token and the store.
    """

    asked: tuple[str | None, ...]
    given: Given
    rate: rates.Rate
    cell: pulls.Cell | None
    told: pulls.Told
    until: float
    everything: int
    token_slot: int
    token_seen: int
    store_slot: int
    store_seen: int


class Repeats:
    """The answers of one process, by token and path. Forgets all of them when they are too many."""

    def __init__(self) -> None:
        self.held: dict[Key, Repeat] = {}
        self._same: dict[Any, Any] = {}

    def keep(self, environ: Environ, path: str, repeat: Repeat) -> None:
        """Remember the answer to a request. Thousands of consumers send the same words, which are kept once."""
        if len(self.held) >= _MOST or len(self._same) >= _MOST:
            self.forget()
        repeat.asked = self._same.setdefault(repeat.asked, repeat.asked)
        self.held[environ["HTTP_AUTHORIZATION"], self._same.setdefault(path, path)] = repeat

    def drop(self, environ: Environ, path: str) -> None:
        """Forget the answer to a request that is not given from memory any more: a revoked token does not stay there."""
        self.held.pop((environ.get("HTTP_AUTHORIZATION"), path), None)

    def forget(self) -> None:
        """Forget everything."""
        self.held.clear()
        self._same.clear()
