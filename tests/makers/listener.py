"""A receiver of webhooks on the loopback: real sockets, and every bad manner that a receiver can have.

The first word of the path says how it behaves: ``/ok``, ``/status/503``, ``/echo`` (answers the challenge), ``/hang`` (reads and
never answers), ``/garbage``, ``/close`` (hangs up at once), ``/half`` (hangs up in its answer), ``/endless``, ``/redirect``,
``/retry-after/120``, ``/retry-at`` (two minutes later, as a date), ``/slow/0.05`` (seconds).
"""

import asyncio
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

REASONS = {200: "OK", 302: "Found", 410: "Gone", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass
class Received:
    """One request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class Listener:
    """A running receiver. ``received`` holds every request that was read whole."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    # Set to make every path behave as this one.
    manner: str = ""

    def url(self, path: str = "/ok", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        manner, _, argument = (self.manner or path).lstrip("/").partition("/")
        if manner == "close":
            return False
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.received.append(Received(path, headers, body))
        return await self._answer(writer, manner, argument, body)

    async def _answer(self, writer: asyncio.StreamWriter, manner: str, argument: str, body: bytes) -> bool:
        match manner:
            case "hang":
                await asyncio.sleep(3600)
            case "garbage":
                writer.write(b"\x16\x03\x01 not http at all\r\n\r\n")
                return False
            case "half":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
                return False
            case "endless":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(100_000):
                    writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    await writer.drain()
            case "redirect":
                return self._write(writer, 302, b"", "Location: http://169.254.169.254/latest/\r\n")
            case "retry-after":
                return self._write(writer, 429, b"", f"Retry-After: {argument}\r\n")
            case "retry-at":
                # A moment by the receiver's own clock, which is a year behind.
                more = "Date: Fri, 28 Nov 2025 12:00:00 GMT\r\nRetry-After: Fri, 28 Nov 2025 12:02:00 GMT\r\n"
                return self._write(writer, 503, b"", more)
            case "slow":
                await asyncio.sleep(float(argument))
                return self._write(writer, 200, b"ok")
            case "echo":
                return self._write(
                    writer, 200, json.dumps({"challenge": json.loads(body)["data"]["challenge"]}).encode()
                )
            case "status":
                return self._write(writer, int(argument), b"" if argument == "204" else b"as asked")
        return self._write(writer, 200, b"ok")

    def _write(self, writer: asyncio.StreamWriter, status: int, body: bytes, more: str = "") -> bool:
        reason = REASONS.get(status, "Status")
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        writer.write(head.encode() + body)
        return True


@contextmanager
def running(port: int = 0):
    """Run a listener in a thread of its own until the block ends."""
    listener, loop, ready = Listener(), asyncio.new_event_loop(), threading.Event()

    def work() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(listener.serve, "127.0.0.1", port, backlog=2048))
        listener.port = server.sockets[0].getsockname()[1]
        ready.set()
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield listener
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
