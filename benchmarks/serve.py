"""How fast a pull is, beside nginx serving the same file: ``python -m benchmarks.serve [--seconds 2] [--rounds 3]``.

Server on one core, wrk with 50 kept connections on the other, rounds interleaved, medians. Needs nginx, wrk and taskset. Writes
docs/measurements/serving.md.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "docs" / "measurements" / "serving.md"
SERVER_CORE, CLIENT_CORE = "0", "1"
CASES = {"304": "small-prod", "5 KB": "small-prod", "220 KB": "large-prod"}
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000; default_type application/octet-stream;
  open_file_cache max=100;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""


@dataclass(frozen=True)
class Result:
    """One round: requests a second, and the 99th percentile in milliseconds."""

    rate: float
    p99: float


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str, token: str) -> tuple[bytes, str]:
    """Return a body and its ETag."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers["ETag"]


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"Nothing listens on port {port}.")


def wrk(url: str, headers: dict[str, str], seconds: float, connections: int = 50) -> Result:
    """Run one round and return what came of it. Ends the program when an answer was no 200 or 304."""
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"Answers were refused or lost:\n{said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if rate is None or slow is None:
        raise SystemExit(f"wrk said something else:\n{said}")
    return Result(float(rate[1]), float(slow[1]) * {"us": 0.001, "ms": 1, "s": 1000}[slow[2]])


class Servers:
    """The portal and nginx, on the same core, in a folder of their own."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder, self.ports = folder, {"portal": free_port(), "nginx": free_port()}
        self.environment = os.environ | {
            "EXCHANGE_DATA_DIR": str(folder / "data"),
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        }
        self.running: list[subprocess.Popen] = []
        self.token = json.loads(self._run("benchmarks.seed"))["token"]
        self._start_portal(threads)

    def _run(self, module: str, *arguments: str) -> str:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        ).stdout.splitlines()[-1]

    def _start(self, *command: str) -> None:
        pinned = ["taskset", "-c", SERVER_CORE, *command]
        self.running.append(
            subprocess.Popen(pinned, env=self.environment, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
        )

    def _start_portal(self, threads: int) -> None:
        port = self.ports["portal"]
        self._start(
            str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1",
            "--port", str(port), "--workers", "1", "--blocking-threads", str(threads), "--backlog", "2048",
            "--log-level", "error", "portal.wsgi:application",
        )  # fmt: skip
        wait_for(port)

    def start_nginx(self, files: dict[str, bytes]) -> None:
        """Serve the same bytes as files."""
        # nginx drops root's rights, and has to get through to the files.
        self.folder.chmod(0o711)
        (self.folder / "files").mkdir(mode=0o755)
        for name, content in files.items():
            (self.folder / "files" / name).write_bytes(content)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=self.folder, port=self.ports["nginx"]))
        self._start("nginx", "-c", str(configuration), "-p", str(self.folder))
        wait_for(self.ports["nginx"])

    def stop(self) -> None:
        """End what was started here."""
        for process in self.running:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=10)


def measure(servers: Servers, seconds: float, rounds: int) -> dict[tuple[str, str], list[Result]]:
    """Run every case on every server, interleaved, and return the rounds."""
    base = f"http://127.0.0.1:{servers.ports['portal']}/api/v1/trust-stores"
    files, tags = {}, {}
    for name in set(CASES.values()):
        files[name], tags[name] = fetch(f"{base}/{name}/current.pem", servers.token)
    servers.start_nginx(files)
    static = f"http://127.0.0.1:{servers.ports['nginx']}"
    bearer = {"Authorization": f"Bearer {servers.token}"}
    found: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for _ in range(rounds):
        for case, name in CASES.items():
            conditional = case == "304"
            tag = fetch(f"{static}/{name}", servers.token)[1]
            plain = {"If-None-Match": tag} if conditional else {}
            ours = bearer | ({"If-None-Match": tags[name]} if conditional else {})
            url = f"{base}/{name}/current.pem"
            found[case, "nginx"].append(wrk(f"{static}/{name}", plain, seconds))
            found[case, "portal"].append(wrk(url, ours, seconds))
            # A cookie sends the same request through Django.
            found[case, "django"].append(wrk(url, ours | {"Cookie": "x=y"}, min(seconds, 1), connections=4))
    return found


def table(found: dict[tuple[str, str], list[Result]], about: str) -> str:
    """Return the measurements as a page."""
    lines = [
        "# Speed of a pull",
        "",
        about,
        "",
        "| Answer | nginx static, requests/s | portal, requests/s | **portal to nginx** | portal p99, ms |"
        " through Django, requests/s | portal to Django |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in CASES:
        nginx, portal, django = (
            statistics.median(each.rate for each in found[case, who]) for who in ("nginx", "portal", "django")
        )
        p99 = statistics.median(each.p99 for each in found[case, "portal"])
        lines.append(
            f"| {case} | {nginx:,.0f} | {portal:,.0f} | **{portal / nginx:.2f}** | {p99:.1f} | {django:,.0f} |"
            f" {portal / max(django, 1):.0f} |"
        )
    lines += [
        "",
        "The portal checks the token, and records the pull, on each of these requests; nginx checks nothing. *Through Django* is"
        " the same answer by the ordinary view, with the token looked up by the ORM on SQLite (4 connections).",
        "",
        "Fairness: 10,000 consumers that poll each minute are 167 requests a second, which a slow stack also holds. The fast path"
        " buys the minute after a publish, tail latency and small machines.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--print", action="store_true", help="print the table and leave the page alone")
    options = parser.parse_args()
    for tool in ("nginx", "wrk", "taskset"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is not installed.")
    with tempfile.TemporaryDirectory(prefix="serving-") as folder:
        servers = Servers(Path(folder), options.threads)
        try:
            found = measure(servers, int(options.seconds) or 1, options.rounds)
        finally:
            servers.stop()
    about = (
        f"Measured on {datetime.now(UTC):%d %b %Y} with `python -m benchmarks.serve`: one core for the server, wrk with 50 kept"
        f" connections on another, {options.rounds} interleaved rounds of {options.seconds:g} s, medians. Absolute figures move"
        f" from machine to machine; the ratios are what to keep. Python {sys.version.split()[0]}, granian (WSGI, one worker,"
        f" {options.threads} threads), SQLite."
    )
    page = table(found, about)
    print(page)
    if not options.print:
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        OUTPUT.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
