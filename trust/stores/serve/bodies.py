"""Bodies that are sent many times: a big one lies in a file in memory as well, from which the kernel sends it without a copy.

memfd_create(2) and sendfile(2), on Linux. Elsewhere, over TLS, and for small bodies, bytes are written as always.
"""

import os
import socket

BIG = 64 * 1024  # bytes; below it a copy costs less than another system call
_MOST_FILES = 64  # in one process, which may open no more than a thousand of all kinds
_MOST_BUFFER = 512 * 1024  # bytes of one connection that the kernel may hold
_open = 0


class Body:
    """The bytes of an artifact in one coding."""

    __slots__ = ("_file", "content")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._file: int | None = None

    def __del__(self) -> None:
        global _open
        if self._file is not None:
            os.close(self._file)
            _open -= 1

    def file(self) -> int | None:
        """Return the descriptor of a file with the content; None where there is none."""
        if self._file is None and len(self.content) >= BIG:
            self._file = _file_of(self.content)
        return self._file


def _file_of(content: bytes) -> int | None:
    global _open
    if _open >= _MOST_FILES or not hasattr(os, "memfd_create"):
        return None
    try:
        file = os.memfd_create("artifact", os.MFD_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(os.dup(file), "wb") as writes:
        writes.write(content)
    _open += 1
    return file


def send(connection: int, head: bytes, body: Body) -> tuple[int, int]:
    """Send on a connection's descriptor what can be sent without waiting; return how many bytes of head and body that was.

    The connection is a plain one for which nothing else waits to be sent. What is wrong with it, its owner finds out.
    """
    file = body.file()
    if file is None:
        return 0, 0
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=connection)
    of_head = of_body = 0
    try:
        if plain.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < len(body.content):
            # One that holds the whole answer: the kernel takes it at once, and nothing is left to be copied.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, min(len(body.content), _MOST_BUFFER))
        of_head = plain.send(head, socket.MSG_MORE)
        if of_head == len(head):
            of_body = os.sendfile(connection, file, 0, len(body.content))
    except OSError:
        # Nothing more can be sent without waiting.
        pass
    finally:
        plain.detach()
    return of_head, of_body
