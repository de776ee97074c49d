"""What ``python -m portal.server`` does: serves pages, pulls and waiting consumers by HTTP, until it is asked to end."""

import argparse
from typing import Any

import uvicorn

KEEP_ALIVE = 75  # seconds that an idle connection is kept: longer than nginx keeps its own
BACKLOG = 8192  # connections that may wait to be accepted: thousands open one after a publish
APPLICATION = "portal.asgi:application"
# How uvicorn runs it. The protocol reads requests, and answers those that were answered before.
HOW: dict[str, Any] = {
    "http": "trust.stores.serve.protocol:PullProtocol",
    "loop": "uvloop",
    "interface": "asgi3",
    "ws": "none",
    "lifespan": "off",
    "backlog": BACKLOG,
    "timeout_keep_alive": KEEP_ALIVE,
    "timeout_worker_healthcheck": 30,
    # Which headers of a proxy are believed is a setting of the portal.
    "proxy_headers": False,
    "server_header": False,
    "access_log": False,
    "log_level": "error",
    "log_config": None,
}


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    described = argparse.ArgumentParser(
        prog="python -m portal.server",
        description="Serve the portal: pages, pulls of trust stores, and consumers that wait for the next version.",
    )
    described.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: 127.0.0.1)")
    described.add_argument("--port", type=int, default=8000, help="the port to listen at (default: 8000)")
    described.add_argument("--workers", type=int, default=1, help="processes that share the port (default: 1)")
    described.add_argument(
        "--stop-seconds",
        type=int,
        default=20,
        help="how long what is under way may take when the server ends (default: 20)",
    )
    described.add_argument("--tls-certificate", metavar="FILE", help="end TLS here, with this chain in PEM")
    described.add_argument("--tls-key", metavar="FILE", help="its key in PEM")
    described.add_argument(
        "--application", default=APPLICATION, help=f"what to serve (default: {APPLICATION}); for measurements"
    )
    return described


def main(words: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    given = parser().parse_args(words)
    if bool(given.tls_certificate) != bool(given.tls_key):
        parser().error("--tls-certificate and --tls-key need each other")
    uvicorn.run(
        given.application,
        host=given.host,
        port=given.port,
        workers=given.workers,
        ssl_certfile=given.tls_certificate,
        ssl_keyfile=given.tls_key,
        timeout_graceful_shutdown=given.stop_seconds,
        **HOW,
    )
