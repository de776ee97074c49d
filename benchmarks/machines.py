"""Servers for measurements on one core, load from another, and what both cost."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE, CLIENT_CORE = "0", "1"
THREADS = 16
# What a container has, and no more: the server hands its environment to each request.
KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Result:
    """One round: requests a second, the 99th percentile in milliseconds, and the server's CPU microseconds a request."""

    rate: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Server:
    """A running server, and where it listens."""

    process: subprocess.Popen
    url: str


def require(*tools: str) -> None:
    """End the program when a tool is missing."""
    for tool in tools:
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is not installed.")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str, headers: dict[str, str] | None = None) -> tuple[bytes, str]:
    """Return a body and its ETag; any certificate will do."""
    context = ssl._create_unverified_context()
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, context=context) as answer:
        return answer.read(), answer.headers["ETag"]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and its children took."""
    try:
        used = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]).split()
        children = Path(f"/proc/{pid}/task").glob("*/children")
        below = [int(child) for each in children for child in each.read_text().split()]
    except OSError:
        return 0.0
    return (int(used[11]) + int(used[12])) / _TICK + sum(cpu_seconds(child) for child in below)


def wrk(server: Server, path: str, headers: dict[str, str], seconds: float, connections: int = 50) -> Result:
    """Run one round. Ends the program when an answer was no 200 or 304."""
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    before = cpu_seconds(server.process.pid)
    said = subprocess.run([*command, server.url + path], capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(server.process.pid) - before
    if "Non-2xx" in said:
        raise SystemExit(f"Some answers were refusals:\n{said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    count = re.search(r"(\d+) requests in", said)
    if rate is None or slow is None or count is None:
        raise SystemExit(f"wrk said something else:\n{said}")
    milliseconds = float(slow[1]) * {"us": 0.001, "ms": 1, "s": 1000}[slow[2]]
    return Result(float(rate[1]), milliseconds, used / max(int(count[1]), 1) * 1e6)


class Machines:
    """Starts servers on one core, and ends all that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen] = []

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a server with a data folder of its own."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {
            "EXCHANGE_DATA_DIR": str(self.folder / "data"),
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            **kept,
            "PYTHONPATH": str(ROOT),
            **more,
        }

    def run(self, environment: dict[str, str], module: str, *words: str) -> str:
        """Run a module and return the last line that it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True,
            check=True,
        )  # fmt: skip
        return done.stdout.splitlines()[-1]

    def start(self, command: list[str], environment: dict[str, str], port: int, scheme: str = "http") -> Server:
        """Start a server on the server's core and wait until it listens."""
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._running.append(process)
        _wait_for(port)
        return Server(process, f"{scheme}://127.0.0.1:{port}")

    def portal(self, environment: dict[str, str], *more: str) -> Server:
        """Start the portal's server as its container does, with one worker."""
        port = free_port()
        command = [sys.executable, "-m", "portal.server", "--port", str(port), *more]
        return self.start(command, environment, port, "https" if "--tls-certificate" in more else "http")

    def gunicorn(self, target: str, environment: dict[str, str], threads: int = THREADS) -> Server:
        """Start an application as most Django sites run: gunicorn with threads, one worker."""
        port = free_port()
        command = [
            sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", str(threads),
            "--bind", f"127.0.0.1:{port}", "--keep-alive", "75", "--log-level", "error", target,
        ]  # fmt: skip
        return self.start(command, environment, port)

    def nginx(
        self, name: str, files: dict[str, bytes], tls: tuple[Path, Path] | None = None, *, copying: bool = False
    ) -> Server:
        """Serve files with nginx. ``copying`` leaves sendfile off, as nginx does where nobody asks for it."""
        folder, port = self.folder / name, free_port()
        # nginx drops root's rights, and has to get through to the files.
        self.folder.chmod(0o711)
        folder.mkdir(mode=0o755)
        (folder / "files").mkdir(mode=0o755)
        for each, content in files.items():
            (folder / "files" / each).write_bytes(content)
        keys = f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]}; ssl_protocols TLSv1.3;" if tls else ""
        (folder / "nginx.conf").write_text(
            NGINX.format(
                folder=folder,
                how="off" if copying else "on",
                listen=f"127.0.0.1:{port}{' ssl' if tls else ''}",
                keys=keys,
            )
        )
        command = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]
        return self.start(command, dict(os.environ), port, "https" if tls else "http")

    def certificate(self) -> tuple[Path, Path]:
        """Return the files of a new P-256 certificate and its key (PKCS#8)."""
        certificate, key = self.folder / "tls.pem", self.folder / "tls.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
             "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        return certificate, key

    def stop(self) -> None:
        """End what was started here."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._running.clear()


NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile {how}; tcp_nopush {how}; keepalive_requests 10000000; default_type application/octet-stream;
  open_file_cache max=100; {keys}
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen {listen}; root {folder}/files; }}
}}
"""


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"Nothing listens on port {port}.")


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL of its own, from Debian's package; "" when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name))
    if not found:
        yield ""
        return
    data, port = folder / "postgres", free_port()
    data.mkdir()
    asking = [str(found[-1])]
    user: list[str] = []
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root.
        shutil.chown(data, "postgres", "postgres")
        for each in (folder, folder.parent):
            each.chmod(0o711)
        user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]

    def do(tool: str, *words: str) -> None:
        environment = os.environ | {"LC_ALL": "C.UTF-8", "HOME": str(data)}
        subprocess.run([*user, f"{asking[0]}/{tool}", *words], check=True, capture_output=True, env=environment)

    do("initdb", "-D", str(data), "-U", "exchange", "-A", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200"
    do("pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        yield f"postgres://exchange@127.0.0.1:{port}/postgres"
    finally:
        do("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
