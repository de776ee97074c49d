"""Receivers for ``benchmarks.fanout``: a process of its own, many ports, as little work a request as HTTP permits.

``python -m benchmarks.listeners COUNT`` prints its ports as JSON and answers until its input ends. Paths beginning with ``/slow``
are answered after ten seconds, which is as long as the portal waits. A line ``report`` on its input prints what arrived since the
last: for each path when its last request was read (seconds of the steady clock, which processes share), and how many there were.
"""

import asyncio
import json
import sys
import time

SLOW = 10.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver(asyncio.Protocol):
    """One connection; requests on it come one after another."""

    def __init__(self, seen: dict[str, list[float]]) -> None:
        self.seen = seen
        self.held = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, found, rest = bytes(self.held).partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self.held = bytearray(rest[length:])
        path = head.split(b" ", 2)[1].decode()
        self.seen.setdefault(path, []).append(time.monotonic())
        if path.startswith("/slow"):
            asyncio.get_running_loop().call_later(SLOW, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)  # type: ignore[attr-defined]


async def main(count: int) -> None:
    """Listen at ``count`` ports until the input ends."""
    loop = asyncio.get_running_loop()
    seen: dict[str, list[float]] = {}
    servers = [await loop.create_server(lambda: Receiver(seen), "127.0.0.1", 0, backlog=2048) for _ in range(count)]
    print(json.dumps([each.sockets[0].getsockname()[1] for each in servers]), flush=True)
    while (await loop.run_in_executor(None, sys.stdin.readline)).strip() == "report":
        print(json.dumps({path: [max(times), len(times)] for path, times in seen.items()}), flush=True)
        seen.clear()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
