"""What one pull costs of the portal's own, in CPU microseconds: what finds the answer, called in a loop. Prints JSON.

CPU time and not time, the best of several rounds: other work on the machine disturbs it little.
"""

import asyncio
import json
import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

from portal.asgi import application
from trust.stores.serve.protocol import REQUEST

ROUNDS, LOOPS = 7, 20_000


def request(token: str, path: str, tag: str = "") -> bytes:
    """Return what a consumer sends."""
    condition = f"If-None-Match: {tag}\r\n" if tag else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{condition}\r\n".encode()


def call(asked: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Return status and headers of one answer, as the server would have it of the application."""
    line, *lines = asked.decode().strip().split("\r\n")
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in (each.split(": ", 1) for each in lines)]
    scope = {
        "type": "http", "method": "GET", "path": line.split()[1], "query_string": b"", "scheme": "http", "headers": headers,
        "http_version": "1.1", "root_path": "", REQUEST: asked,
    }  # fmt: skip
    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def cost(asked: list[bytes]) -> float:
    """Return the CPU microseconds of one answer, asked by each consumer in turn. What other threads do meanwhile is not in it."""
    best, again = float("inf"), application.fast_path.again
    repeated = asked * (LOOPS // len(asked) + 1)
    for _ in range(ROUNDS):
        started = time.thread_time()
        for each in repeated:
            again(each)
        best = min(best, (time.thread_time() - started) / len(repeated) * 1e6)
    return best


def main(tokens: list[str]) -> None:
    """Print the cost of a 304 and of a full answer, of both stores."""
    found, fast = {}, application.fast_path
    for name in ("small-prod", "large-prod"):
        path = f"/api/v1/trust-stores/{name}/current.pem"
        # The first answers are Django's, until the process knows that its memory is fresh.
        while fast.again(request(tokens[0], path)) is None:
            tag = call(request(tokens[0], path))[1][b"etag"].decode()
            time.sleep(0.05)
        for status, asked in (
            (304, [request(each, path, tag) for each in tokens]),
            (200, [request(each, path) for each in tokens]),
        ):
            for each in asked:
                while fast.again(each) is None:
                    assert call(each)[0] == status
            before = fast.from_memory
            found[f"{name} {status}"] = cost(asked)
            assert fast.from_memory - before >= ROUNDS * LOOPS, "Some were not answered again"
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.stdin.read())["tokens"])
