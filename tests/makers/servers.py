"""What the portal stands on, as processes of a test's own: PostgreSQL and Redis that can be stopped, frozen and started again.

``python -m tests.makers.servers COMMAND …`` runs a command with a PostgreSQL of its own as ``DATABASE_URL``.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.makers.running import free_port, wait_for


def listens(port: int) -> bool:
    """Say whether somebody accepts connections at a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Redis:
    """A Redis that keeps nothing: when it stops, every message in it is lost."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._log = folder / "redis.log"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                ["redis-server", *f"--port {self.port} --bind 127.0.0.1 --appendonly no".split(), "--save", ""],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: listens(self.port), seconds=30, what=f"Redis is up ({self._log})")

    def stop(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    remove = stop

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it accept connections and answer nothing, as a machine that is out of memory does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


class Postgres:
    """A PostgreSQL cluster. As root it runs as Debian's user ``postgres``, since it refuses to run as root."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgres://exchange@127.0.0.1:{self.port}/postgres"
        # Not in a test's own folder: that belongs to root, and a socket's path may have 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._as_postgres: list[str] = []
        if os.geteuid() == 0:
            self._as_postgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
            shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "-U", "exchange", "-A", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "-w", "-t", "60", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it without a word to its clients, as a crash does; it recovers from its log when it starts again."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop it and take its files away."""
        with contextlib.suppress(AssertionError):  # it is stopped already
            self.stop()
        shutil.rmtree(self._folder)

    def _run(self, tool: str, *words: str) -> None:
        # The server that pg_ctl leaves behind holds its output open, so that goes to a file and not to a pipe.
        with (self._folder / "out").open("a+") as out:
            done = subprocess.run(
                [*self._as_postgres, str(_postgres_tools() / tool), "-D", str(self._folder / "data"), *words],
                cwd="/",
                env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": str(self._folder)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                timeout=120,
                check=False,
            )
            out.seek(0)
            assert done.returncode == 0, out.read()


def _postgres_tools() -> Path:
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))


@contextlib.contextmanager
def running(server: "Redis | Postgres") -> Iterator["Redis | Postgres"]:
    """Start a server, and stop it when the block ends, whatever state it is in."""
    try:
        server.start()
        yield server
    finally:
        server.remove()


if __name__ == "__main__":
    with running(Postgres()) as postgres:
        status = subprocess.run(sys.argv[1:], env=os.environ | {"DATABASE_URL": postgres.url}, check=False).returncode
    sys.exit(status)
