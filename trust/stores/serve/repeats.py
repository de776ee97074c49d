"""Requests that were answered before, byte for byte: a consumer asks for the same again and again.

What decided the answer is kept beside it, so that a repeated request costs one look-up and one comparison of the numbers that stand
for what may have changed meanwhile.
"""

from dataclasses import dataclass, field

from portal.counting.durations import Quick
from trust.stores.serve import answer, pulls, rates
from trust.stores.serve.bodies import Body

_MOST = 100_000
_LONGEST = 4096  # bytes of one request
_MOST_BYTES = 32 * 1024 * 1024  # of all


@dataclass(slots=True, eq=False)
class Given:
    """An answer as it is sent, to everybody who asks for one artifact in one way.

    ``body`` is a list, because WSGI servers send one in one piece and stream everything else. The rest is for the portal's own
    server; ``kept`` is the whole body, if it is sent.
    """

    status: str
    headers: answer.Headers
    body: list[bytes]
    quick: Quick
    kept: Body | None = None
    encoded: list[tuple[bytes, bytes]] = field(init=False)
    code: int = field(init=False)
    content: bytes = field(init=False)
    beginning: bytes = field(init=False)
    lines: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.code, self.content = int(self.status[:3] or 0), b"".join(self.body)
        self.encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        self.beginning = b"HTTP/1.1 " + self.status.encode("latin-1") + b"\r\n"
        self.lines = b"".join(name + b": " + value + b"\r\n" for name, value in self.encoded)


@dataclass(slots=True, eq=False)
class Repeat:
    """An answer, and all that must still hold for it to be given to the same consumer again.

    ``until`` is when its token ends, in seconds since 1970. ``everything``, ``token_seen`` and ``store_seen`` are what shared
    memory had for all at once, the token and the store.
    """

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
    """The answers of one process, by the bytes of the request. Forgets all of them when they are too many.

    The bytes have the token in them. They are compared by a dictionary, whose hash has a secret of the process (PEP 456): how long
    a comparison takes tells nothing of a token. They lie in memory only.
    """

    def __init__(self) -> None:
        self.held: dict[bytes, Repeat] = {}
        self._bytes = 0

    def keep(self, request: bytes, repeat: Repeat) -> None:
        """Remember the answer to a request."""
        if len(request) > _LONGEST:
            return
        self.drop(request)
        if len(self.held) >= _MOST or self._bytes + len(request) > _MOST_BYTES:
            self.forget()
        self.held[request] = repeat
        self._bytes += len(request)

    def drop(self, request: bytes) -> None:
        """Forget the answer to a request that is not given again: a revoked token does not stay there."""
        if self.held.pop(request, None) is not None:
            self._bytes -= len(request)

    def forget(self) -> None:
        """Forget everything."""
        self.held.clear()
        self._bytes = 0
