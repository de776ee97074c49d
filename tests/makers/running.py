"""The portal as it really runs: the process group of ``manage.py serve``, to be killed at any moment."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent.parent
UP = 150.0  # seconds that a start may take on a busy machine


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return when ``condition`` holds. Raises AssertionError, saying ``what`` did not happen, when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a database of its own: on the server of ``DATABASE_URL`` if that is one, else "" for SQLite."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield ""
        return
    import psycopg

    name = f"processes_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class RunningPortal:
    """One installation with data of its own, whose processes can be started, killed and started again."""

    def __init__(self, folder: Path, *, database_url: str = "", **environment: str) -> None:
        self.port = free_port()
        self.log = folder / "serve.log"
        self._process: subprocess.Popen | None = None
        self.environment = {
            **os.environ,
            "EXCHANGE_DATA_DIR": str(folder / "var"),
            "DJANGO_SETTINGS_MODULE": "tests.process_settings",
            "DATABASE_URL": database_url or f"sqlite:///{folder / 'exchange.sqlite3'}",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        if self.environment.get("REDIS_URL"):
            # A database of Redis of its own, so that the workers of two tests never share a queue.
            address = urlsplit(self.environment["REDIS_URL"])
            number = 1 + secrets.randbelow(15)
            self.environment["REDIS_URL"] = urlunsplit(address._replace(path=f"/{number}"))

    def manage(self, *words: str) -> str:
        """Run a management command, or a module with ``-m``, and return what it printed."""
        start = [sys.executable] if words[0] == "-m" else [sys.executable, "manage.py"]
        done = subprocess.run(
            [*start, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def facts(self, *words: str) -> dict:
        """Run ``tests.makers.facts`` on this installation and return its answer."""
        return json.loads(self.manage("-m", "tests.makers.facts", *words))

    def begin(self, *words: str) -> subprocess.Popen:
        """Start ``tests.makers.facts`` beside the portal, outside its process group, and return the process."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.makers.facts", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self) -> None:
        """Start web, worker and scheduler as ``manage.py serve`` does, and return when the portal is ready."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: self.get("/healthz")[0] == 200, seconds=UP, what=f"the portal is up ({self.log})")

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a GET; status 0 when nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.suppress(OSError, HTTPException), contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        return 0, b""

    def processes(self) -> dict[int, str]:
        """Return the processes of the group that are alive: id and command line."""
        found = {}
        assert self._process is not None
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                state, _, group = (folder / "stat").read_text().rpartition(") ")[2].split()[:3]
                if int(group) == self._process.pid and state != "Z":
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def kill_group(self) -> None:
        """Kill every process at once, as a power cut does, and return when they are gone."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        wait_for(lambda: not self.processes(), seconds=20, what="all processes are gone")

    def kill(self, part: str) -> None:
        """Kill the processes whose command line holds ``part``, and only those."""
        victims = [pid for pid, command in self.processes().items() if part in command]
        assert victims, f"no process has {part!r} in its command line"
        for pid in victims:
            os.kill(pid, signal.SIGKILL)

    def ended(self, *, seconds: float = 30) -> int:
        """Wait until the whole group has ended by itself, and return the exit status of ``serve``."""
        assert self._process is not None
        status = self._process.wait(seconds)
        wait_for(lambda: not self.processes(), seconds=10, what="nothing is left over")
        return status

    def interrupt(self) -> int:
        """Ask ``serve`` to stop, as Ctrl-C does, and return its exit status."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGINT)
        return self.ended()
