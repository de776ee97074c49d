"""``trustx`` against a portal, or somebody in its place, that is slow on purpose: every question ends, and says what was slow."""

import contextlib
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from trustx import api, cli, probing
from trustx.settings import Settings
from trustx.stops import Exit

from tests.makers import certificates as make

_BEGIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Slow:
    """A listener that answers in one slow ``way`` for as long as somebody stays, and counts what it was asked."""

    def __init__(self, way: str, tls: ssl.SSLContext | None = None) -> None:
        self.way, self.asked, self._tls, self._ended = way, 0, tls, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
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
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
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
def tls(tmp_path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS on this machine, and the file with the certificate that clients check it with."""
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = make.make(
        subject="127.0.0.1", key=make.ec_key("slow"), ca=None, key_usage=None, extensions=[(names, False)],
        not_before=datetime.now(UTC) - make.DAY, lifetime=make.YEAR,
    )  # fmt: skip
    (tmp_path / "own.pem").write_bytes(own.pem)
    (tmp_path / "both.pem").write_bytes(own.pem + own.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return context, tmp_path / "own.pem"


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
    def listening(way: str, context: ssl.SSLContext | None) -> Iterator[Slow]:
        slow = Slow(way, context)
        try:
            yield slow
        finally:
            slow.end()

    def run(way: str, *command: str, context: ssl.SSLContext | None = None) -> tuple[int, dict, int]:
        with listening(way, context) as slow:
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

    @pytest.mark.parametrize("way", ["headers", "body"])
    def test_that_drips_over_tls_is_left(self, ask, tls, way):
        context, ca_file = tls

        code, said, _ = ask(way, *CHECK, "--ca-file", str(ca_file), context=context)

        assert code == Exit.UNREACHABLE
        assert "took more than 0.5 s" in said["said"]

    def test_that_does_not_take_the_bundle_is_left(self, ask):
        code, said, _ = ask("takes nothing in", "submit", "bundle.pem", "--partnership", "alder-birch")

        assert code == Exit.UNREACHABLE
        assert "took more than 0.5 s" in said["said"]

    def test_that_wishes_to_be_asked_tomorrow_is_asked_a_few_times_now(self, ask):
        assert ask("429", *CHECK)[::2] == (Exit.UNREACHABLE, 1)
        assert ask("503", *CHECK)[::2] == (Exit.UNREACHABLE, 4)


class TestASlowService:
    def test_that_drips_headers_is_no_proof_of_anything(self, tls, tmp_path, monkeypatch):
        monkeypatch.setattr(probing, "_ONE_TRY", 0.5)
        context, ca_file = tls
        slow = Slow("headers", context)
        settings = Settings(
            portal="", store="", token_file=tmp_path, root=tmp_path, state_dir=tmp_path,
            probe=slow.address, probe_shows="answer", probe_ca_file=ca_file, probe_timeout=0.1,
        )  # fmt: skip

        seen = probing.probe(settings, probing.Expected(version=1))

        slow.end()
        assert (seen.proof, slow.asked > 0) == ("", True)
        assert "timed out" in seen.problem
