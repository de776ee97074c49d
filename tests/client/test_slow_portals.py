"""``trustx`` against a portal, or somebody in its place, that is slow on purpose: every question ends, and says what was slow."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from trustx import api, cli
from trustx.stops import Exit

_BEGIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Slow:
    """A listener that answers in one slow ``way`` for as long as somebody stays, and counts what it was asked."""

    def __init__(self, way: str) -> None:
        self.way, self.asked, self._ended = way, 0, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self) -> None:
        self._ended.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.asked += 1
            if self.way == "takes nothing in":
                self._ended.wait()
                return
            connection.recv(65536)
            begin, drop = {
                "headers": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
                "body": (_BEGIN + b"Content-Length: 100000\r\n\r\n", b" "),
                "chunks": (_BEGIN + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
                "429": (b"HTTP/1.1 429 Slow\r\nRetry-After: 90000\r\nContent-Length: 2\r\n\r\n{}", b""),
                "503": (b"HTTP/1.1 503 Slow\r\nRetry-After: 90000\r\nContent-Length: 2\r\n\r\n{}", b""),
            }[self.way]
            connection.sendall(begin)
            while not self._ended.wait(0.02):
                connection.sendall(drop)


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Run a command against a slow portal; return its exit code, what it said, and how often the portal was asked."""
    monkeypatch.setattr(api, "PATIENCE", 0.5)
    monkeypatch.setattr(api, "_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUSTX_TOKEN", "txt_0123456789")
    Path("bundle.pem").write_bytes(b"x" * 16 * 1024 * 1024)  # more than the two ends of a connection hold back
    Path("small.pem").write_bytes(b"x")

    @contextlib.contextmanager
    def listening(way: str) -> Iterator[Slow]:
        slow = Slow(way)
        try:
            yield slow
        finally:
            slow.end()

    def run(way: str, *command: str) -> tuple[int, dict, int]:
        with listening(way) as slow:
            code = cli.main([*command, "--portal", slow.address])
        return code, json.loads(capsys.readouterr().out), slow.asked

    return run


CHECK = ("check", "small.pem", "--partnership", "alder-birch")
COMMANDS = {
    "check": CHECK,
    "submit": ("submit", "small.pem", "--partnership", "alder-birch"),
    "status": ("status", "01980000-0000-7000-8000-000000000000"),
    "notice send": ("notice", "send", "small.pem"),
    "notice hand-in": ("notice", "hand-in", "small.pem"),
    "notice show": ("notice", "show", "HF-2026-014"),
    "notice acknowledge": ("notice", "acknowledge", "HF-2026-014", "--unsigned"),
}


class TestASlowPortal:
    @pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
    def test_that_drips_headers_is_left(self, ask, command):
        code, said, _ = ask("headers", *command)

        assert code == Exit.UNREACHABLE
        assert said["said"] == "The portal cannot be reached: The headers of an answer took more than 0.5 s."

    @pytest.mark.parametrize("way", ["body", "chunks"])
    def test_that_drips_the_rest_is_left(self, ask, way):
        code, said, asked = ask(way, *CHECK)

        assert (code, asked) == (Exit.UNREACHABLE, 1)
        assert said["said"] == "The portal cannot be reached: An answer took more than 0.5 s."

    def test_that_does_not_take_the_bundle_is_left(self, ask):
        code, said, _ = ask("takes nothing in", "submit", "bundle.pem", "--partnership", "alder-birch")

        assert code == Exit.UNREACHABLE
        assert "took more than 0.5 s" in said["said"]

    def test_that_wishes_to_be_asked_tomorrow_is_asked_a_few_times_now(self, ask):
        assert ask("429", *CHECK)[::2] == (Exit.UNREACHABLE, 1)
        assert ask("503", *CHECK)[::2] == (Exit.UNREACHABLE, 4)
