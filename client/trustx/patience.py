"""Connections that lose patience: a question must be sent, and its answer begun, within a limit, however many bytes come or go.

The timeouts of sockets begin anew with every byte, so that a header a minute would hold an agent, and its lock, for days.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from trustx import proxies
from trustx.stops import Exit, Stop

_CHUNK = 64 * 1024


class TooSlow(urllib3.exceptions.HTTPError):
    """The rest of an answer took too long."""


class _Impatient(HTTPConnection):
    patience = 60.0  # seconds

    def request(self, *arguments: Any, **more: Any) -> None:
        """Send the request. Raises TimeoutError when the other side does not take it."""
        with _watched(lambda: self.sock, self.patience, "Sending a request"):
            super().request(*arguments, **more)

    def _tunnel(self) -> None:
        with _watched(lambda: self.sock, self.patience, "The proxy"):
            super()._tunnel()

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as in urllib3
        """Return the answer, of which the headers are there. Raises TimeoutError."""
        held = self.sock
        with _watched(lambda: held, self.patience, "The headers of an answer"):
            answer = super().getresponse()
        # The connection forgets it when it is not to be used again, long before the body is read. The answer is urllib3's, whose
        # class has no place for it.
        answer.held = held  # type: ignore[attr-defined]
        return answer


@contextlib.contextmanager
def _watched(connection: Callable[[], socket.socket | None], seconds: float, what: str) -> Iterator[None]:
    """Hang up when the block takes longer than ``seconds``. Raises TimeoutError then, however the block ended."""
    lost = threading.Event()
    timer = threading.Timer(seconds, _hang_up, (connection, lost))
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if lost.is_set():
            raise TimeoutError(f"{what} took more than {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
        timer.join()  # gpgv is started with a function that wants no other thread
    if lost.is_set():
        # Headers that were cut off look like whole ones.
        raise TimeoutError(f"{what} took more than {seconds:g} s")


def _hang_up(connection: Callable[[], socket.socket | None], lost: threading.Event) -> None:
    lost.set()
    held = connection()
    if held is not None:  # else it is not connected yet, which has a limit of its own
        with contextlib.suppress(OSError):
            # Not the method of a TLS socket, which would go on in plain.
            socket.socket.shutdown(held, socket.SHUT_RDWR)


def impatient(pool: urllib3.PoolManager, seconds: float) -> urllib3.PoolManager:
    """Have the connections of ``pool`` hang up when a request, or the headers of an answer, take longer; return it."""

    class Plain(_Impatient):
        patience = seconds

    class Secure(_Impatient, HTTPSConnection):
        patience = seconds

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pool


def body(answer: urllib3.BaseHTTPResponse, seconds: float) -> Iterator[bytes]:
    """Yield the bytes of an answer as they come, and close it. Raises TooSlow when they take longer than ``seconds``."""
    try:
        with _watched(lambda: getattr(answer, "held", None), seconds, "An answer"):
            # Not ``stream``, which waits until a chunk is full: a byte now and then would hold it for hours.
            while chunk := answer.read1(_CHUNK, decode_content=False):
                yield chunk
    except TimeoutError as error:
        raise TooSlow(str(error)) from error
    finally:
        answer.close()


def pool(
    portal: str, ca_file: Path | None, retries: urllib3.Retry, *, silence: float, patience: float
) -> urllib3.PoolManager:
    """Return connections to the portal, which is checked with ``ca_file`` or the system's CAs, through a proxy where there is one.

    They give up after ``silence`` seconds without a byte, and after ``patience`` without the beginning of an answer. Raises Stop
    when there are no CAs in the file, or no proxy where one is named.
    """
    if ca_file is not None:
        try:
            ssl.create_default_context(cafile=str(ca_file))
        except OSError as error:
            why = "it holds no CA" if isinstance(error, ssl.SSLError) else error.strerror or error
            raise Stop(
                Exit.USAGE, f"{ca_file} cannot be used: {why}.", "--ca-file names a file of CAs in PEM."
            ) from error
    more: dict[str, Any] = {
        "ca_certs": str(ca_file) if ca_file else None,
        "timeout": urllib3.Timeout(connect=10, read=silence),
        "retries": retries,
    }
    if proxy := proxies.of(portal):
        return impatient(urllib3.ProxyManager(proxy, proxy_headers=_sign_in(proxy), **more), patience)
    return impatient(urllib3.PoolManager(**more), patience)


def _sign_in(proxy: str) -> dict[str, str]:
    address = urlsplit(proxy)
    if address.username is None:
        return {}
    return dict(urllib3.make_headers(proxy_basic_auth=f"{unquote(address.username)}:{unquote(address.password or '')}"))
