"""The portal's server answers repeated pulls over real connections: small ones, big ones, slow readers, and who waits."""

import asyncio
import hashlib
import os
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from portal.counting import durations
from portal.server import protocol as reading
from portal.server.running import HOW
from trust.stores.serve import bodies
from trust.stores.serve.bodies import Body
from trust.stores.serve.protocol import LINE, REQUEST
from trust.stores.serve.repeats import Given

SMALL, LARGE = b"small" * 100, os.urandom(2_000_000)


def given(content: bytes) -> Given:
    """Return an answer as memory has it."""
    headers = [("Content-Length", str(len(content))), ("ETag", '"x"')]
    return Given("200 OK", headers, [content], durations.Quick("pull", 200), Body(content))


class Application:
    """Answers each request for the first time by messages, or through what the server gave it; then it is known."""

    def __init__(self, *, gives: bool) -> None:
        self.gives, self.asked, self.known, self.fast_path = gives, 0, {}, self
        self.answers = {"/small": given(SMALL), "/large": given(LARGE)}
        self.left = 0

    def again(self, request: bytes) -> Given | None:
        return self.known.get(request)

    def request_id(self) -> str:
        return "request-1"

    async def __call__(self, scope, receive, send) -> None:
        self.asked += 1
        answer, line, request = self.answers.get(scope["path"]), scope.get(LINE), scope.get(REQUEST)
        if answer is None:
            # As one who waits for the next version until they hang up.
            await receive()
            await receive()
            self.left += 1
            return
        self.known[request] = answer
        if self.gives and line:
            line.give(answer, b"preference-applied: wait=1\r\n")
            return
        headers = [*answer.encoded, (b"request-id", b"request-1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})


@contextmanager
def serving(application: Application, **how):
    """Run the server in a thread; gives its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Uvicorn's type of an application is narrower than what it takes.
    server = uvicorn.Server(uvicorn.Config(application, **HOW | {"timeout_graceful_shutdown": 1} | how))  # type: ignore[arg-type]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\n\r\n".encode()


def read(reader) -> tuple[bytes, dict[str, str], bytes]:
    """Return the status line, the headers and the body of the next answer."""
    line, headers = reader.readline(), {}
    while (each := reader.readline().strip()) != b"":
        name, _, value = each.decode().partition(": ")
        headers[name] = value
    return line, headers, reader.read(int(headers["content-length"]))


@pytest.mark.parametrize("gives", [False, True], ids=["messages", "given"])
@pytest.mark.parametrize(("path", "content"), [("/small", SMALL), ("/large", LARGE)], ids=["small", "large"])
def test_gives_the_same_bytes_whichever_way(gives, path, content):
    application = Application(gives=gives)
    with serving(application) as address, socket.create_connection(address, timeout=20) as connection:
        reader = connection.makefile("rb")
        found = []
        for _ in range(4):
            connection.sendall(request(path))
            found.append(read(reader))

    assert application.asked == 1
    assert {hashlib.sha256(body).digest() for *_, body in found} == {hashlib.sha256(content).digest()}
    assert {line for line, *_ in found} == {b"HTTP/1.1 200 OK\r\n"}
    first, *others = ({name: value for name, value in each.items() if name != "date"} for _, each, _ in found)
    assert first.pop("preference-applied", None) == ("wait=1" if gives else None)
    assert others == [first] * 3
    assert all(each["date"].endswith("GMT") for _, each, _ in found)


def test_leaves_out_no_byte_for_one_who_reads_slowly_and_asks_for_more_meanwhile():
    application = Application(gives=True)
    with serving(application) as address, socket.create_connection(address, timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        reader = connection.makefile("rb")
        connection.sendall(request("/large"))
        read(reader)
        for path in ("/large", "/large", "/small", "/large"):
            connection.sendall(request(path))
            time.sleep(0.05)
        found = [read(reader)[2] for _ in range(4)]

    assert found == [LARGE, LARGE, SMALL, LARGE]


def test_keeps_no_file_of_a_body_that_is_gone(monkeypatch):
    before = bodies._open
    body = Body(b"x" * bodies.BIG)
    file = body.file()
    assert os.pread(file, bodies.BIG, 0) == body.content
    assert body.file() == file

    monkeypatch.setattr(bodies, "_MOST_FILES", before + 1)
    assert Body(b"y" * bodies.BIG).file() < 0
    assert Body(b"y" * (bodies.BIG - 1)).file() < 0
    del body

    assert bodies._open == before
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)


def test_gives_a_big_answer_from_memory_where_no_file_can_be_made_and_tries_once(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "missing"
    application = Application(gives=True)
    application.answers = {"/large": given(LARGE)}
    with serving(application) as address, socket.create_connection(address, timeout=20) as connection:
        reader = connection.makefile("rb")
        for _ in range(3):
            connection.sendall(request("/large"))
            assert read(reader)[2] == LARGE
            settings.DATA_DIR = tmp_path

    assert not list(tmp_path.iterdir())
    assert application.answers["/large"].kept.file() < 0


def test_hears_when_one_who_waits_hangs_up():
    application = Application(gives=True)
    with serving(application) as address:
        with socket.create_connection(address, timeout=20) as connection:
            connection.sendall(request("/waits"))
            while not application.asked:
                time.sleep(0.01)
        until = time.monotonic() + 20
        while not application.left and time.monotonic() < until:
            time.sleep(0.01)

    assert application.left == 1


def test_closes_no_connection_that_is_only_asked_what_is_known(monkeypatch):
    monkeypatch.setattr(reading, "HEAD_SECONDS", 0.4)
    application = Application(gives=True)
    application.known[request("/small")] = application.answers["/small"]
    with (
        serving(application, timeout_keep_alive=2) as address,
        socket.create_connection(address, timeout=20) as connection,
    ):
        reader = connection.makefile("rb")
        for _ in range(6):
            connection.sendall(request("/small"))
            assert read(reader)[2] == SMALL
            time.sleep(0.3)
        assert application.asked == 0
        # And one that asks no more ends.
        assert reader.read(1) == b""
