"""The portal's own server answers a repeated pull where it reads it: no parsing, no task, no application.

Only what is one whole request, on a connection where nothing else is under way, is looked for among what was answered before; all
else goes the way of every request. There the application remembers the answer under the bytes that it finds in ``scope[REQUEST]``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from portal.server.protocol import BoundedProtocol
from trust.stores.serve import bodies

if TYPE_CHECKING:
    # The server reads this file before the application that makes Django ready, so nothing of Django is imported here.
    from trust.stores.serve.fastpath import FastPath
    from trust.stores.serve.repeats import Given

# Where an ASGI scope has the bytes of a request that may be answered ``again``, and the ``Line`` to its asker.
REQUEST, LINE = "trust_exchange.request", "trust_exchange.line"


class PullProtocol(BoundedProtocol):
    """One connection to an application that has a ``fast_path``."""

    # The lines that the server puts before those of every answer, and what it made them of.
    _common: tuple[object, bytes] = (None, b"")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The application is the door of portal.asgi, of which uvicorn's types know nothing.
        self._fast: FastPath = self.app.fast_path  # type: ignore[union-attr]
        # Of a connection without TLS, for as long as it is not closing; and how big an answer the kernel holds for it.
        self._descriptor, self._widened = -1, 0
        # What is called when the server ends, so that nobody waits on.
        self.ending: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and self.scheme == "http":
            self._descriptor = connection.fileno()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; whoever waited here is kept no longer."""
        super().connection_lost(exc)
        self.ending = None

    def shutdown(self) -> None:
        """Answer what is under way and close, since the server ends."""
        super().shutdown()
        if self.ending is not None:
            self.ending()

    def data_received(self, data: bytes) -> None:
        """Answer what was answered before, or read it."""
        cycle = self.cycle
        idle = self.between and (cycle is None or cycle.response_complete)
        if idle and not self.flow.write_paused:
            given = self._fast.again(data)
            if given is not None:
                self.give(given)
                self.note_answer()
                return
        begun = self.begun
        super().data_received(data)
        whole = idle and self.between and self.begun == begun + 1 and not self.transport.is_closing()
        if whole and self.cycle.keep_alive:
            scope: Any = self.scope
            scope[REQUEST], scope[LINE] = data, Line(self, self.cycle)

    def give(self, given: Given, more: bytes = b"") -> None:
        """Write an answer, with ``more`` lines of headers."""
        headers = self.server_state.default_headers
        made_of, common = PullProtocol._common
        if made_of is not headers:
            common = b"".join(b"%b: %b\r\n" % pair for pair in headers)
            PullProtocol._common = headers, common
        request_id = self._fast.request_id().encode("ascii")
        head = b"".join((given.beginning, common, given.lines, b"request-id: ", request_id, b"\r\n", more, b"\r\n"))
        if len(given.content) < bodies.BIG or given.kept is None:
            self.transport.write(head + given.content)
        else:
            self._give_big(head, given.kept)

    def _give_big(self, head: bytes, body: bodies.Body) -> None:
        of_head = of_body = 0
        transport = self.transport
        if self._descriptor >= 0 and not transport.is_closing() and not transport.get_write_buffer_size():
            if self._widened < len(body.content):
                self._widened = len(body.content)
                bodies.widen(self._descriptor, self._widened)
            of_head, of_body = bodies.send(self._descriptor, head, body)
        rest = memoryview(body.content)[of_body:]
        if of_head < len(head):
            self.transport.writelines((head[of_head:], rest))
        elif rest:
            self.transport.write(rest)


class Line:
    """The way to whoever asked the application: sends at once what messages of ASGI would send in several steps."""

    __slots__ = ("_cycle", "_protocol")

    def __init__(self, protocol: PullProtocol, cycle: RequestResponseCycle) -> None:
        self._protocol, self._cycle = protocol, cycle

    def give(self, given: Given, more: bytes = b"") -> None:
        """Send a whole answer, with ``more`` lines of headers; to nobody who hung up."""
        cycle = self._cycle
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        self._protocol.give(given, more)
        cycle.message_event.set()
        if not cycle.keep_alive:
            # The server began to end meanwhile.
            self._protocol.transport.close()
        cycle.on_response()

    def when_ending(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when the server begins to end, for who would wait longer than it may."""
        self._protocol.ending = call

    def is_open(self) -> bool:
        """Say whether ``say`` would be heard: an answer without a length began, and its reader keeps up."""
        cycle = self._cycle
        over = cycle.disconnected or cycle.response_complete
        return bool(cycle.chunked_encoding) and not over and not self._protocol.flow.write_paused

    def say(self, part: bytes) -> None:
        """Send a part of an answer that is open (RFC 9112, section 7.1)."""
        self._protocol.transport.write(b"%x\r\n%b\r\n" % (len(part), part))


__all__ = ["LINE", "REQUEST", "Line", "PullProtocol"]
