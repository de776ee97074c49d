"""The two ends of TLS between companies, in plain Python: a service that calls, and one that is called."""

import contextlib
import http.client
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.makers import certificates as make

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def server_certificate(issuer: make.Made, host: str) -> make.Made:
    """Return the certificate of a server with this name, for servers alone."""
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return make.leaf(issuer, service=host, extensions=((names, False), (purposes, False)))


def answers(port: int, client: make.Made, *chain: make.Made) -> bool:
    """Say whether a service answers this client certificate with 200; what it refuses, it refuses in the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _load(context, client, *chain)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 30) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: birch\r\nConnection: close\r\n\r\n")
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return False


def calls(context: ssl.SSLContext, port: int, host: str) -> bool:
    """Say whether a caller with this context takes the service at a port for ``host``."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 30) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except ssl.SSLCertVerificationError:
        return False


@contextlib.contextmanager
def called(certificate: make.Made, *chain: make.Made, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Yield the port of a service that shows this certificate, and answers whom ``context`` lets in with 200."""
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, certificate, *chain)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, context), daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            # Wakes the thread up, which waits for somebody to call.
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain = listening.accept()[0]
        except OSError:
            return
        plain.settimeout(30)
        with plain, contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            if connection.recv(4096):
                connection.sendall(_OK)


def _load(context: ssl.SSLContext, made: make.Made, *chain: make.Made) -> None:
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(made.key_pem() + made.pem + b"".join(each.pem for each in chain))
        pair.flush()
        context.load_cert_chain(pair.name)


@contextlib.contextmanager
def program(*command: str | Path, log: Path) -> Iterator[subprocess.Popen]:
    """Run a program that serves until it is ended; what it says that is wrong is kept in ``log``."""
    with log.open("wb") as errors:
        process = subprocess.Popen([str(each) for each in command], stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield process
    finally:
        # Not killed: nginx has to end its workers.
        process.terminate()
        process.wait(20)
        process.stdout.close()


@contextlib.contextmanager
def saying_its_port(*command: str | Path, log: Path) -> Iterator[int]:
    """Run a program whose first line is the port that it listens at."""
    with program(*command, log=log) as process:
        said = process.stdout.readline()
        assert said.strip().isdigit(), log.read_text()
        yield int(said)


def said(*command: str | int | Path) -> list[str]:
    """Return the lines that a program prints, which must end well."""
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def statuses(port: int, paths: Sequence[str]) -> list[int]:
    """Return the status with which a proxy on this machine answers each path."""
    found = []
    for path in paths:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", path)
            found.append(connection.getresponse().status)
    return found
