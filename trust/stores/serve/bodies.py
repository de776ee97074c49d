"""Bodies that are sent many times: a big one lies in a file as well, from which the kernel sends it without a copy.

sendfile(2), on Linux. Elsewhere, over TLS, and for small bodies, bytes are written as always. The file has no name and goes with
the body; it is on the disk of the data folder and not in memory (memfd_create(2)), since a file system reads many pages at a time.
"""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

BIG = 64 * 1024  # bytes; below it a copy costs less than another system call
_MOST_FILES = 64  # in one process, which may open no more than a thousand of all kinds
_MOST_BUFFER = 512 * 1024  # bytes of one connection that the kernel may hold
_CAN = sys.platform == "linux"
_NONE = -1
_open = 0


class Body:
    """The bytes of an artifact in one coding."""

    __slots__ = ("_file", "content")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._file: int | None = None

    def __del__(self) -> None:
        global _open
        if self._file not in (None, _NONE):
            os.close(self._file)
            _open -= 1

    def file(self) -> int:
        """Return the descriptor of a file with the content; a negative number where there is none."""
        if self._file is None:
            self._file = _file_of(self.content)
        return self._file


def _file_of(content: bytes) -> int:
    global _open
    if len(content) < BIG or _open >= _MOST_FILES or not _CAN:
        return _NONE
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(content)
            file.flush()
            found = os.dup(file.fileno())
    except OSError:
        # A full disk, say. It is not tried again for this body, whose bytes are in memory anyway.
        return _NONE
    _open += 1
    return found


@contextmanager
def _borrowed(connection: int) -> Iterator[socket.socket]:
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=connection)
    try:
        yield plain
    finally:
        # The descriptor is the server's.
        plain.detach()


def widen(connection: int, size: int) -> None:
    """Have the kernel hold a whole answer of ``size`` bytes, if it is not too big: nothing is left to be copied later."""
    with _borrowed(connection) as plain:
        if plain.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < size:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, min(size, _MOST_BUFFER))


def send(connection: int, head: bytes, body: Body) -> tuple[int, int]:
    """Send on a connection's descriptor what can be sent without waiting; return how many bytes of head and body that was.

    The connection is a plain one for which nothing else waits to be sent. What is wrong with it, its owner finds out.
    """
    file = body.file()
    of_head = of_body = 0
    if file < 0:
        return of_head, of_body
    # Written out, for speed: see ``_borrowed``.
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=connection)
    try:
        of_head = plain.send(head, socket.MSG_MORE)
        if of_head == len(head):
            of_body = os.sendfile(connection, file, 0, len(body.content))
    except OSError:
        # Nothing more can be sent without waiting.
        pass
    finally:
        plain.detach()
    return of_head, of_body
