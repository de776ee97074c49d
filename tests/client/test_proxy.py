"""``trustx`` behind a company's proxy: it leads to the portal, and sees neither the token nor what is asked."""

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
import urllib3
from cryptography import x509
from trustx import api, cli
from trustx.stops import Exit

from tests.makers import certificates as make

PORTAL = "portal.test"  # a name that only the proxy can look up
SUBMISSION = "01980000-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setattr(urllib3.Retry, "sleep", lambda *_: None)
    monkeypatch.setattr(api, "PATIENCE", 0.5)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def portal(tmp_path) -> Iterator[int]:
    """The port of a portal on this machine that has a certificate for its name, and knows one submission."""
    names = x509.SubjectAlternativeName([x509.DNSName(PORTAL), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = make.make(
        subject=PORTAL, key=make.ec_key("proxied"), ca=None, key_usage=None, extensions=[(names, False)],
        not_before=datetime.now(UTC) - make.DAY, lifetime=make.YEAR,
    )  # fmt: skip
    (tmp_path / "own.pem").write_bytes(own.pem)
    (tmp_path / "both.pem").write_bytes(own.pem + own.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    said = json.dumps({"state": "accepted", "number": 7, "id": SUBMISSION}).encode()

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(said), said))

    with listening(answer) as port:
        yield port


class Proxy:
    """Leads every CONNECT to one port of this machine, and keeps what it saw. ``answers`` is what it says instead."""

    def __init__(self, port: int) -> None:
        self._port, self.asked, self.seen, self.answers = port, b"", b"", b""

    def answer(self, connection: socket.socket) -> None:
        self.asked += connection.recv(65536)
        if self.answers:
            connection.sendall(self.answers)
            while self.answers.endswith(b": ") and not connection.sendall(b"x"):
                threading.Event().wait(0.02)
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self._port)) as onward:
            back = threading.Thread(target=self._pass_on, args=(onward, connection), daemon=True)
            back.start()
            self._pass_on(connection, onward)
            back.join()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := one.recv(65536):
                self.seen += content
                other.sendall(content)
            other.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def listening(answer) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            answer(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


@pytest.fixture
def proxy(portal) -> Iterator[tuple[Proxy, int]]:
    made = Proxy(portal)
    with listening(made.answer) as port:
        yield made, port


@pytest.fixture
def status(tmp_path, monkeypatch, capsys):
    """Ask the portal for a submission; return the exit code and what was said."""
    monkeypatch.setenv("TRUSTX_TOKEN", "txa_secret")

    def asked(address: str) -> tuple[int, dict]:
        code = cli.main(["status", SUBMISSION, "--portal", address, "--ca-file", str(Path(tmp_path / "own.pem"))])
        return code, json.loads(capsys.readouterr().out)

    return asked


class TestAProxy:
    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
    def test_that_the_environment_names_leads_to_the_portal_and_sees_nothing(self, proxy, status, monkeypatch, name):
        made, port = proxy
        monkeypatch.setenv(name, f"http://ana:se%20cret@127.0.0.1:{port}")

        code, said = status(f"https://{PORTAL}")

        assert (code, said["submission"]["number"]) == (Exit.OK, 7)
        assert made.asked.startswith(f"CONNECT {PORTAL}:443 ".encode())
        assert b"Basic YW5hOnNlIGNyZXQ=" in made.asked
        assert b"txa_secret" not in made.asked + made.seen
        assert SUBMISSION.encode() not in made.asked + made.seen

    def test_may_be_written_without_a_scheme(self, proxy, status, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy[1]}")

        assert status(f"https://{PORTAL}")[0] == Exit.OK

    def test_is_not_asked_for_this_machine_nor_for_what_no_proxy_names(self, proxy, portal, status, monkeypatch):
        made, port = proxy
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")

        assert status(f"https://127.0.0.1:{portal}")[0] == Exit.OK
        monkeypatch.setenv("NO_PROXY", "example.org,.test")
        assert status(f"https://{PORTAL}")[0] == Exit.UNREACHABLE
        assert made.asked == b""

    def test_for_plain_http_alone_is_not_one_for_the_portal(self, proxy, status, monkeypatch):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy[1]}")

        assert status(f"https://{PORTAL}")[0] == Exit.UNREACHABLE
        assert proxy[0].asked == b""

    def test_that_refuses_is_named_as_what_is_in_the_way(self, proxy, status, monkeypatch):
        made, port = proxy
        made.answers = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        monkeypatch.setenv("HTTPS_PROXY", f"http://ana:secret@127.0.0.1:{port}")

        code, said = status(f"https://{PORTAL}")

        assert code == Exit.UNREACHABLE
        assert "the proxy that the environment names does not lead there" in said["said"]
        assert "407" in said["said"]
        assert "secret" not in json.dumps(said)

    def test_that_drips_its_answer_is_left(self, proxy, status, monkeypatch):
        made, port = proxy
        made.answers = b"HTTP/1.1 200 OK\r\nX-Slow: "
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")

        code, said = status(f"https://{PORTAL}")

        assert code == Exit.UNREACHABLE
        assert "The proxy took more than 0.5 s" in said["said"]

    @pytest.mark.parametrize("address", ["socks5://127.0.0.1:1080", "http://", "http://proxy:port", "http://[::1"])
    def test_that_is_none_is_a_mistake_of_the_environment(self, status, portal, monkeypatch, address):
        monkeypatch.setenv("HTTPS_PROXY", address)

        code, said = status(f"https://{PORTAL}")

        assert code == Exit.USAGE
        assert "NO_PROXY" in said["fix"]
