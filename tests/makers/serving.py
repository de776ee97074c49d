"""The portal's server as a consumer meets it: bytes of a request in, bytes of an answer out, in a test's thread and transaction.

Protocol, application and fast path are the real ones. The event loop is none: what the server would do next is done at once. Types
are ignored where a stand-in is given in place of a library's class.
"""

import io
from collections.abc import Coroutine
from http.client import HTTPResponse
from urllib.parse import quote

from a2wsgi.wsgi import Body, build_environ
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from uvicorn.config import Config
from uvicorn.server import ServerState

from portal.server.running import HOW
from trust.consumers.recording import record_pulls
from trust.stores.serve import door
from trust.stores.serve.fastpath import FastPath
from trust.stores.serve.protocol import PullProtocol
from trust.stores.serve.pulls import Recorder

CURRENT = "/api/v1/trust-stores/alder-prod/current.pem"


class AlwaysFresh:
    """Stands in for the watching threads, which would look at another transaction than the test's."""

    fresh = True

    @property
    def fresh_until(self) -> float:
        return float("inf") if self.fresh else 0.0

    def is_fresh(self) -> bool:
        return self.fresh


class Headers(dict[str, str]):
    """The headers of an answer, by name in any case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def pop(self, name: str, *default: str) -> str:
        return super().pop(name.lower(), *default)


class AtOnce:
    """In place of an event loop: runs what it is given when it is told to, and has no clock."""

    def __init__(self) -> None:
        self.tasks: list[Coroutine] = []

    def create_task(self, coroutine: Coroutine) -> "AtOnce":
        self.tasks.append(coroutine)
        return self

    def add_done_callback(self, callback: object) -> None:
        pass

    def call_later(self, seconds: float, callback: object) -> "AtOnce":
        return self

    def cancel(self) -> None:
        pass

    def run(self) -> None:
        while self.tasks:
            finish(self.tasks.pop(0))


def finish(coroutine: Coroutine) -> object:
    """Return what a coroutine comes to that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("It waits for something.")


class Wire:
    """In place of a connection: keeps what is written."""

    def __init__(self) -> None:
        self.written, self.closed = bytearray(), False

    def write(self, data: bytes) -> None:
        self.written += data

    def writelines(self, parts: list[bytes]) -> None:
        self.written += b"".join(parts)

    def get_extra_info(self, name: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Inline:
    """Runs the WSGI application in the thread that asks."""

    def __init__(self, application: FastPath) -> None:
        self.application, self.times = application, 0

    async def __call__(self, scope, receive, send) -> None:
        self.times += 1
        message = await receive()
        environ = build_environ(scope, Body(None, receive))  # type: ignore[arg-type]
        environ["wsgi.input"] = io.BytesIO(message["body"])  # type: ignore[typeddict-item]
        said: list = []
        body = b"".join(self.application(environ, lambda *words: said.extend(words)))  # type: ignore[arg-type]
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in said[1]]
        await send({"type": "http.response.start", "status": int(said[0][:3]), "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Door:
    """A server with one connection."""

    def __init__(self) -> None:
        self.recorder = Recorder(record_pulls)
        self.watcher = AlwaysFresh()
        self.path = FastPath(get_wsgi_application(), watcher=self.watcher, recorder=self.recorder)
        self.threads = Inline(self.path)
        self.application = door.Door(self.threads, self.path)
        self.connect()

    def connect(self) -> None:
        """Open a connection, and forget the one before."""
        self.loop, self.wire = AtOnce(), Wire()
        config = Config(self.application, **HOW)
        self.connection = PullProtocol(config, ServerState(), {}, _loop=self.loop)  # type: ignore[arg-type]
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]

    def pull(self, path: str, token: str | None = None, *, method: str = "GET", **headers: str):
        """Return status, headers and body of an answer."""
        words = {"host": "localhost"} | ({"authorization": f"Bearer {token}"} if token else {}) | headers
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in words.items()]
        request = f"{method} {quote(path, safe='/?=&,:+~')} HTTP/1.1\r\n{''.join(lines)}\r\n"
        return self.ask(request.encode("latin-1"), method)

    def ask(self, request: bytes, method: str = "GET"):
        """Return the answer to the bytes of a request."""
        # As Django's own test client does: the test's transaction needs its connection.
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            self.connection.data_received(request)
            self.loop.run()
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)
        return read(self.wire, method)


Answer = tuple[int, Headers, bytes]


class _Socket:
    """What HTTPResponse reads from; it may not close what is read from it next."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.file.close = lambda: None  # type: ignore[method-assign]

    def makefile(self, *_: object) -> io.BytesIO:
        return self.file


def read(wire: Wire, method: str = "GET") -> Answer:
    """Return what was written on a wire, one answer, as status, headers and body."""
    (answer,) = read_all(wire, method)
    return answer


def read_all(wire: Wire, method: str = "GET") -> list[Answer]:
    """Return the answers that were written on a wire, and clear it."""
    source = _Socket(bytes(wire.written))
    wire.written.clear()
    found = []
    while source.file.tell() < len(source.file.getvalue()):
        answer = HTTPResponse(source, method=method)  # type: ignore[arg-type]
        answer.begin()
        pairs = [(name.lower(), value) for name, value in answer.getheaders()]
        assert len(pairs) == len(dict(pairs)), "a header is sent twice"
        found.append((answer.status, Headers(pairs), answer.read()))
    return found
