"""What one pull costs in front of Django, in CPU microseconds: the WSGI function called in a loop, without a server. Prints JSON.

CPU time and not time, the best of several rounds: other work on the machine disturbs it little.
"""

import io
import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

from portal.wsgi import application

ROUNDS, LOOPS = 7, 20_000


def environ(token: str, path: str, **headers: str) -> dict[str, Any]:
    """Return what a server hands over for a pull."""
    return {
        "PATH_INFO": path, "REQUEST_METHOD": "GET", "HTTP_HOST": "127.0.0.1", "HTTP_AUTHORIZATION": f"Bearer {token}",
        "QUERY_STRING": "", "SERVER_NAME": "x", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
        **headers,
    }  # fmt: skip


def call(asked: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return status and headers of one answer."""
    got: list[Any] = []
    for _ in application(asked, lambda status, headers, *_: got.extend((status, headers))):
        pass
    return got[0], dict(got[1])


def cost(asked: list[dict[str, Any]]) -> float:
    """Return the CPU microseconds of one answer, asking for each in turn."""
    best = float("inf")
    each: Iterable[dict[str, Any]]
    repeated = asked * (LOOPS // len(asked) + 1)
    for _ in range(ROUNDS):
        started = time.process_time()
        for each in repeated:
            application(each, _nobody)
        best = min(best, (time.process_time() - started) / len(repeated) * 1e6)
    return best


def _nobody(status: str, headers: Any, *_: Any) -> None:
    pass


def main(tokens: list[str]) -> None:
    """Print the cost of a 304 and of a full answer, of both stores."""
    found = {}
    for name in ("small-prod", "large-prod"):
        path = f"/api/v1/trust-stores/{name}/current.pem"
        plain = [environ(token, path) for token in tokens]
        # The first answers are Django's, until the process knows that its memory is fresh.
        while not application.from_memory:
            call(plain[0])
            time.sleep(0.05)
        tag = call(plain[0])[1]["ETag"]
        same = [environ(token, path, HTTP_IF_NONE_MATCH=tag) for token in tokens]
        assert all(call(each)[0] == "304 Not Modified" for each in same)
        before = application.from_memory
        found[f"{name} 304"], found[f"{name} 200"] = cost(same), cost(plain)
        assert application.from_memory - before >= 2 * ROUNDS * LOOPS, "Django answered some"
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.stdin.read())["tokens"])
