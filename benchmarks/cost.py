"""What one pull costs in front of Django, in CPU microseconds: the WSGI function called in a loop, without a server. Prints JSON.

CPU time and not time, the best of several rounds: other work on the machine disturbs it little.
"""

import io
import json
import os
import sys
import time
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


def cost(asked: dict[str, Any], authorizations: list[str]) -> float:
    """Return the CPU microseconds of one answer, asked by each consumer in turn. What other threads do meanwhile is not in it."""
    best = float("inf")
    repeated = authorizations * (LOOPS // len(authorizations) + 1)
    for _ in range(ROUNDS):
        started = time.thread_time()
        for each in repeated:
            asked["HTTP_AUTHORIZATION"] = each
            application(asked, _nobody)
        best = min(best, (time.thread_time() - started) / len(repeated) * 1e6)
    return best


def _nobody(status: str, headers: Any, *_: Any) -> None:
    pass


def main(tokens: list[str]) -> None:
    """Print the cost of a 304 and of a full answer, of both stores."""
    found = {}
    for name in ("small-prod", "large-prod"):
        path = f"/api/v1/trust-stores/{name}/current.pem"
        plain = environ(tokens[0], path)
        # The first answers are Django's, until the process knows that its memory is fresh.
        while not application.from_memory:
            call(plain)
            time.sleep(0.05)
        same = environ(tokens[0], path, HTTP_IF_NONE_MATCH=call(plain)[1]["ETag"])
        authorizations = [f"Bearer {token}" for token in tokens]
        for each in authorizations:
            assert call(same | {"HTTP_AUTHORIZATION": each})[0] == "304 Not Modified"
        before = application.from_memory
        found[f"{name} 304"], found[f"{name} 200"] = cost(same, authorizations), cost(plain, authorizations)
        assert application.from_memory - before >= 2 * ROUNDS * LOOPS, "Django answered some"
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.stdin.read())["tokens"])
