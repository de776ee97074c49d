"""``manage.py serve``: the whole portal on one machine, web, worker and scheduler, until Ctrl-C."""

import contextlib
import os
import socket
import sys
from argparse import ArgumentParser
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from notifications.mail import keys
from portal.environment import read
from portal.operations.demo import lists
from portal.operations.doctor import files
from portal.operations.doctor.rules import State
from portal.operations.supervisor import Part, Supervisor

WORKER_THREADS = 4


class Command(BaseCommand):
    """Runs the portal."""

    help = "Serve the portal with its background worker and scheduler, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        port = str(read("PORT"))
        parser.add_argument("--host", default="127.0.0.1", help="The address to listen at (default: 127.0.0.1).")
        parser.add_argument("--port", default=port, help="The port to listen at (default: PORT, or 8000).")
        parser.add_argument(
            "--demo", action="store_true", help="Play the demonstration exchange once the portal is up."
        )

    def handle(self, *args: Any, host: str, port: str, demo: bool, **options: Any) -> None:
        number = self._free_port(host, port)
        self._check_static_files()
        self._check_migrations()
        self._make_mail_key()
        environment = self._environment(host, number)
        lists_port = self._publish_lists(environment, demo)
        supervisor = Supervisor(environment)
        supervisor.listen()
        for part in [*parts(host, number), *publishing(lists_port)]:
            supervisor.start(part)

        def then() -> Part | None:
            supervisor.say(f"The portal is up: {environment['BASE_URL']}/ (Ctrl-C stops it)")
            return demonstration(environment["BASE_URL"]) if demo else None

        sys.exit(supervisor.wait(until=lambda: is_up(host, number), then=then))

    def _free_port(self, host: str, port: str) -> int:
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise CommandError(f"{port!r} is not a port. Say --port or PORT= with a number from 1 to 65535.")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except OSError as error:
                raise CommandError(
                    f"Port {port} of {host} cannot be used: {error.strerror}. "
                    f"Stop what runs there, or choose another one: PORT={min(int(port) + 1, 65535)} make run"
                ) from error
        return int(port)

    def _check_migrations(self) -> None:
        executor = MigrationExecutor(database)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not up to date. Run: ./manage.py migrate")
        database.close()

    def _check_static_files(self) -> None:
        found = files.static_files()
        if found.state is not State.WELL:
            raise CommandError(f"Static files: {found.said} {found.fix}")

    def _make_mail_key(self) -> None:
        # In production an operator makes it on purpose: manage.py mail_key.
        if settings.EMBEDDED:
            keys.make_once(now=timezone.now())
            database.close()

    def _publish_lists(self, environment: dict[str, str], demo: bool) -> int | None:
        """Choose where the demonstration's CAs publish their CRLs, and let the portal fetch from there; None without them."""
        folder = Path(settings.DATA_DIR) / "demo"
        known = lists.port_in(folder)
        port = lists.choose_port(folder) if demo and not (folder / "demo.json").exists() else known
        if port is not None:
            environment.setdefault("REVOCATION_ALLOWED_ADDRESSES", f"{lists.ADDRESS}/32")
        return port if port is not None and _is_free(port) else None

    def _environment(self, host: str, port: int) -> dict[str, str]:
        shown = f"[{host}]" if ":" in host else host
        environment = {"BASE_URL": f"http://{shown}:{port}", "PYTHONUNBUFFERED": "1", **os.environ}
        environment["EXCHANGE_DATA_DIR"] = str(settings.DATA_DIR)
        environment["EXCHANGE_BOUND"] = "1"
        # Celery's advice for a server says nothing to somebody who tries the portal in a container as root.
        environment.setdefault("PYTHONWARNINGS", "ignore:You're running the worker with superuser privileges")
        return environment


def parts(host: str, port: int) -> list[Part]:
    """Return the processes of the embedded portal.

    The scheduler is a process of its own: inside the worker it would be a child that outlives a killed worker.
    """
    tools = Path(sys.executable).parent
    celery = (str(tools / "celery"), "--app", "portal.celery")
    return [
        Part(
            "web",
            (
                *(sys.executable, "-m", "portal.server", "--host", host, "--port", str(port)),
                *("--stop-seconds", "3"),
            ),
        ),
        Part(
            "worker",
            (
                *(*celery, "--quiet", "worker", "--pool", "threads", "--concurrency", str(WORKER_THREADS)),
                *("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--events"),
            ),
        ),
        Part("beat", (*celery, "--quiet", "beat", "--loglevel", "WARNING", "--pidfile=")),
    ]


def publishing(port: int | None) -> list[Part]:
    """Return what publishes the CRLs of the demonstration's CAs, if there is a demonstration and its port is free."""
    if port is None:
        return []
    folder = str(Path(settings.DATA_DIR) / "demo")
    return [Part("crl", (sys.executable, "-m", "portal.operations.demo.lists", folder, str(port)))]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex((lists.ADDRESS, port)) != 0


def demonstration(base_url: str) -> Part:
    """Return what plays the exchange through the portal's own interface, as soon as that is up."""
    return Part("demo", (sys.executable, "manage.py", "demo", "--base-url", base_url), once=True)


def is_up(host: str, port: int) -> bool:
    """Say whether a portal answers there."""
    connection = HTTPConnection(host, port, timeout=2)
    with contextlib.suppress(OSError, HTTPException), contextlib.closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False
