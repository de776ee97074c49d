"""How requests are read: uvicorn's protocol with bounds on what a stranger may send, and for how long.

A request line with its headers has at most ``MOST_HEAD`` bytes and ``HEAD_SECONDS`` to arrive, as a proxy in front demands as well.
Bodies are bounded where they are read: ``portal.server.pages``.
"""

import asyncio
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 64 * 1024  # bytes
HEAD_SECONDS = 10
_SAID = b"The headers of this request are longer than 64 KB. Send fewer, or shorter ones.\n"
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_SAID), _SAID)
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Says to those that build on it whether a request is whole."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.begun = 0  # requests that began, on this connection
        self.between = True  # no request has begun that has not been read to its end
        self.last = monotonic()  # when something was last answered or asked
        self._in_body = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin; who connects has to say something soon."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; no timer keeps what is gone."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._head_is_there()

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if not self._in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        self.last = monotonic()
        if not self._head_bytes or self.transport.is_closing():
            return
        if self._head_bytes > MOST_HEAD:
            self.transport.write(_REFUSAL)
            self.transport.close()
        elif self._head_timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """Note that a request began."""
        self.begun += 1
        self.between = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. One with ``_`` in its name is not, since to WSGI it is the one with ``-`` that a proxy vouches for."""
        if b"_" not in name:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that the head of a request is there."""
        self._in_body, self._head_bytes = True, 0
        self._head_is_there()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that a request is whole."""
        self.between, self._in_body = True, False
        super().on_message_complete()

    def note_answer(self) -> None:
        """Note that somebody was answered on this connection without reading: for who overrides ``data_received``."""
        self.last = monotonic()
        if self._head_timer is not None:
            self._head_is_there()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_handler()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, unless somebody was answered on it meanwhile."""
        left = self.last + self.timeout_keep_alive - monotonic()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        self.transport.close()


__all__ = ["HEAD_SECONDS", "MOST_HEAD", "BoundedProtocol"]
