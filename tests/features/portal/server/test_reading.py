"""The portal's server as strangers meet it: real connections to a real uvicorn with a small application below."""

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
import uvicorn

from portal import problems
from portal.server import pages, protocol
from portal.server.pages import Pages
from portal.server.refused_page import draw
from portal.server.running import HOW

BIG = 300_000


def wsgi(environ, start_response):
    """Say what was asked; at /big send much, at /parts in parts."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    said = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "read": len(environ["wsgi.input"].read(length)),
        "headers": {name: value for name, value in environ.items() if name.startswith("HTTP_")},
        "client": environ["REMOTE_ADDR"],
    }
    if environ["PATH_INFO"] == "/parts":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"one ", b"", b"two"]
    body = b"x" * BIG if environ["PATH_INFO"] == "/big" else json.dumps(said).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(**how):
    """Run a server in a thread; gives its port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        Pages(wsgi, draw=draw, document=problems.document),
        **HOW | {"http": protocol.BoundedProtocol, "timeout_graceful_shutdown": 1} | how,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="module")
def port():
    with serving() as port:
        yield port


class Stranger:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    def send(self, *lines: str, body: bytes = b"") -> None:
        self.socket.sendall("\r\n".join([*lines, "Host: localhost", "", ""]).encode("latin-1") + body)

    def answer(self, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Return the next answer."""
        status = int(self.reader.readline().split()[1])
        headers = {}
        while (line := self.reader.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, self._chunks()
        return status, headers, b"" if head else self.reader.read(int(headers.get("content-length", 0)))

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.reader.readline(), 16):
            found += self.reader.read(size)
            self.reader.readline()
        self.reader.readline()
        return found

    def ask(self, *lines: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        self.send(*lines, body=body)
        return self.answer(head=lines[0].startswith("HEAD"))

    def is_closed(self) -> bool:
        """Wait until the other side closes; false when it says something."""
        try:
            return self.reader.read(1) == b""
        except ConnectionResetError:
            return True


def test_says_what_was_asked_to_the_application(port):
    with Stranger(port) as stranger:
        _, _, body = stranger.ask("GET /a%20b?c=%C3%A9 HTTP/1.1", "Accept: text/html", "Accept: */*")

        said = json.loads(body)
        assert (said["path"], said["query"], said["client"]) == ("/a b", "c=%C3%A9", "127.0.0.1")
        assert said["headers"] == {"HTTP_ACCEPT": "text/html,*/*", "HTTP_HOST": "localhost"}
        status, headers, body = stranger.ask("HEAD / HTTP/1.1")
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) > 0
        assert "server" not in headers
        assert len(stranger.ask("GET /big HTTP/1.1")[2]) == BIG
        assert stranger.ask("GET /parts HTTP/1.1")[2] == b"one two"


@pytest.mark.parametrize("name", ["X_Forwarded_Proto", "x_forwarded-proto", "Authorization_"])
def test_gives_no_header_that_only_looks_like_a_proxys(port, name):
    with Stranger(port) as stranger:
        said = json.loads(stranger.ask("GET / HTTP/1.1", f"{name}: https")[2])

    assert said["headers"] == {"HTTP_HOST": "localhost"}


@pytest.mark.parametrize(
    ("lines", "body", "read"),
    [
        (["Content-Length: 5"], b"hello", 5),
        (["Transfer-Encoding: chunked"], b"5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n", 8),
        (["Content-Length: 200000", "Expect: 100-continue"], b"x" * 200_000, 200_000),
        (["Content-Length: 0"], b"", 0),
    ],
    ids=["plain", "chunks", "asked first", "none"],
)
def test_gives_a_whole_body(port, lines, body, read):
    with Stranger(port) as stranger:
        status, _, said = stranger.ask("POST / HTTP/1.1", *lines, body=body)
        if status == 100:
            status, _, said = stranger.answer()

        assert (status, json.loads(said)["read"]) == (200, read)
        assert stranger.ask("GET / HTTP/1.1")[0] == 200


BROWSER = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/api/v1/submissions", "Accept: */*", "application/problem+json"),
        ("/api/v1/submissions", BROWSER, "application/problem+json"),
        ("/submissions/new/", "Accept: */*", "text/plain; charset=utf-8"),
        ("/submissions/new/", BROWSER, "text/html; charset=utf-8"),
    ],
    ids=["api", "api in a browser", "page for a program", "page"],
)
def test_refuses_a_body_that_does_not_end(port, path, accept, kind):
    with Stranger(port) as stranger:
        stranger.send(f"POST {path} HTTP/1.1", accept, "Transfer-Encoding: chunked")
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        for _ in range(pages.MOST_BODY // 65536 + 1):
            stranger.socket.sendall(chunk)

        status, headers, body = stranger.answer()

    assert (status, headers["content-type"]) == (413, kind)
    assert b"4194304 bytes (4 MB)" in body
    if path.startswith("/api"):
        problem = json.loads(body)
        assert (problem["status"], problem["code"]) == (413, "too_large")
        assert problem["type"].endswith("/docs/problems#too_large")


def test_draws_a_page_of_a_refusal_for_browsers_under_the_portals_own_headers(port, monkeypatch):
    monkeypatch.setattr(pages, "MOST_BODY", 100)
    with Stranger(port) as stranger:
        status, headers, body = stranger.ask("POST / HTTP/1.1", BROWSER, "Content-Length: 101", body=b"x" * 101)

    page = body.decode()
    assert status == 413
    assert "<h1>Too large</h1>" in page
    assert "Send less at once: a smaller file" in page
    assert "Back button leads to the form again" in page
    assert 'href="/"' in page
    assert "css/portal" in page
    assert "style=" not in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert headers["cache-control"] == "no-store"
    assert int(headers["content-length"]) == len(body)


def test_refuses_more_bodies_than_it_can_hold(port, monkeypatch):
    monkeypatch.setattr(pages, "MOST_BODIES", 100)
    with Stranger(port) as stranger:
        assert stranger.ask("POST / HTTP/1.1", "Content-Length: 101", body=b"x" * 101)[0] == 503
        # What was refused is held no more.
        assert stranger.ask("POST / HTTP/1.1", "Content-Length: 100", body=b"x" * 100)[0] == 200


def test_gives_a_body_that_comes_too_slowly_no_thread(port, monkeypatch):
    monkeypatch.setattr(pages, "BODY_SECONDS", 0.2)
    with Stranger(port) as stranger:
        status, headers, _ = stranger.ask("POST / HTTP/1.1", "Content-Length: 10", body=b"x")

        assert (status, headers["connection"]) == (408, "close")
        assert stranger.is_closed()


@pytest.mark.parametrize(
    "head", ["GET / HTTP/1.1\r\nX: ", "GET /", "GET / HTTP/1.1\r\n"], ids=["value", "line", "many"]
)
def test_refuses_a_head_that_does_not_end(port, head):
    with Stranger(port) as stranger:
        more = b"X: y\r\n" * 1000 if head.endswith("\n") else b"x" * 6000
        stranger.socket.sendall(head.encode())
        # The rest of what is sent may meet a closed connection, which forgets the answer.
        with suppress(ConnectionError):
            for _ in range(20):
                stranger.socket.sendall(more)
        with suppress(ConnectionError):
            assert stranger.answer()[0] == 431
        assert stranger.is_closed()


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"\r\n"], ids=["nothing", "half", "an empty line"])
def test_closes_on_who_does_not_ask(port, begun, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with Stranger(port) as stranger:
        stranger.socket.sendall(begun)

        assert stranger.is_closed()


def test_keeps_no_deadline_from_one_who_asks_byte_by_byte(port, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    with Stranger(port) as stranger:
        stranger.socket.settimeout(0.05)
        ended = None
        for each in b"GET / HTTP/1.1\r\nX: " + b"x" * 200:
            try:
                stranger.socket.sendall(bytes([each]))
                ended = stranger.socket.recv(1) == b""
                break
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
                break

    assert ended


def test_keeps_a_connection_for_as_long_as_it_is_used():
    with serving(timeout_keep_alive=1) as port, Stranger(port) as stranger:
        for _ in range(4):
            assert stranger.ask("GET / HTTP/1.1")[0] == 200
            time.sleep(0.4)

        assert stranger.is_closed()


@pytest.mark.parametrize(
    ("line", "status"),
    [("GET /?q=\xe9 HTTP/1.1", 400), ("GET /\xe9 HTTP/1.1", 400), ("nonsense", 400)],
    ids=["query", "path", "nonsense"],
)
def test_refuses_what_is_no_request(port, line, status):
    with Stranger(port) as stranger:
        assert stranger.ask(line)[0] == status


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Transfer-Encoding: chunked, identity"],
        ["Content-Length: +5"],
    ],
    ids=["both", "two lengths", "unknown coding", "sign"],
)
def test_refuses_what_two_servers_might_read_as_different_requests(port, lines):
    with Stranger(port) as stranger:
        assert stranger.ask("POST / HTTP/1.1", *lines, body=b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")[0] == 400
        assert stranger.is_closed()
