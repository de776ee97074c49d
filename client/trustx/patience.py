"""Connections that lose patience: an answer must have begun within a limit, however many bytes of its headers come.

The timeouts of sockets begin anew with every byte, so that a header a minute would hold an agent, and its lock, for days.
"""

import contextlib
import socket
import threading

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Impatient(HTTPConnection):
    patience = 60.0  # seconds

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as in urllib3
        """Return the answer, of which the headers are there. Raises TimeoutError."""
        lost = threading.Event()
        timer = threading.Timer(self.patience, _hang_up, (self.sock, lost))
        timer.daemon = True
        timer.start()
        try:
            return self._begun(lost)
        finally:
            timer.cancel()
            timer.join()  # gpgv is started with a function that wants no other thread

    def _begun(self, lost: threading.Event) -> urllib3.HTTPResponse:
        try:
            answer = super().getresponse()
        except Exception:
            if not lost.is_set():
                raise
        else:
            if not lost.is_set():
                return answer
        # Headers that were cut off look like whole ones.
        raise TimeoutError(f"The headers of an answer took more than {self.patience:g} s")


def _hang_up(connection: socket.socket, lost: threading.Event) -> None:
    lost.set()
    with contextlib.suppress(OSError):
        # Not the method of a TLS socket, which would go on in plain.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def impatient(pool: urllib3.PoolManager, seconds: float) -> urllib3.PoolManager:
    """Have the connections of ``pool`` hang up when the headers of an answer take longer than ``seconds``; return it."""

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
