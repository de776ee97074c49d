"""What ``python -m portal.server`` does: serves pages, pulls and waiting consumers by HTTP, until it is asked to end."""

import argparse
import contextlib
import sys
import traceback
from typing import Any

import uvicorn
from django.core.exceptions import ImproperlyConfigured
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

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


class LoadedOrEnded(uvicorn.Config):
    """How uvicorn runs an application that either loads or ends its process with uvicorn's own sign that it never started.

    Without the sign, which is an exit code, uvicorn's supervisor takes the end of a process for an accident and starts another,
    without end.
    """

    def load(self) -> None:
        """Load the application and what it is served with. Says on stderr why it cannot, and ends the process."""
        try:
            super().load()
        except Exception as error:
            # What is wrong with a setting its sentence says whole; of everything else the place matters too.
            if not isinstance(error, ImproperlyConfigured):
                traceback.print_exc()
            sys.stderr.write(f"The server cannot load {self.app}: {error or type(error).__name__}\n")
            sys.exit(STARTUP_FAILURE)


def main(words: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Exits with 3 when the application, or a process of several, cannot start."""
    given = parser().parse_args(words)
    if bool(given.tls_certificate) != bool(given.tls_key):
        parser().error("--tls-certificate and --tls-key need each other")
    config = LoadedOrEnded(
        given.application,
        host=given.host,
        port=given.port,
        workers=given.workers,
        ssl_certfile=given.tls_certificate,
        ssl_keyfile=given.tls_key,
        timeout_graceful_shutdown=given.stop_seconds,
        **HOW,
    )
    started = _run_several(config) if given.workers > 1 else _run_one(config)
    if not started:
        sys.exit(STARTUP_FAILURE)


class _Supervisor(Multiprocess):
    """uvicorn's, which sees at once that a process ended while it started, and does not wait for its word until a timeout."""

    def init_processes(self) -> None:
        super().init_processes()
        for process in self.processes:
            # While this side holds the process's end of the pipe too, the pipe does not break when the process ends.
            process.child_conn.close()


def _run_one(config: uvicorn.Config) -> bool:
    """Serve in this process until it is asked to end; say whether it ever served."""
    server = uvicorn.Server(config)
    # uvicorn raises it again when SIGINT has ended it.
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return server.started


def _run_several(config: uvicorn.Config) -> bool:
    """Serve in several processes until they are asked to end; say whether each that was begun could start."""
    supervisor = _Supervisor(config, sockets=[config.bind_socket()])
    supervisor.run()
    if all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes):
        return True
    sys.stderr.write(
        "A process of the server could not start, so all of them were ended. What it said above tells why.\n"
    )
    return False
