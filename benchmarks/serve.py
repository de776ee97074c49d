"""How fast a pull is, beside nginx serving the same file: ``python -m benchmarks.serve [--seconds 2] [--rounds 3] [--parts …]``.

Server on one core, wrk with 50 kept connections on the other, rounds interleaved, medians. Needs nginx, wrk, taskset, openssl
and, for two of its parts, Debian's PostgreSQL and gunicorn (``pip install gunicorn``).
Writes docs/measurements/serving.md in less than ten minutes.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import machines, serve_page
from benchmarks.machines import ROOT, Machines, Result, Server, fetch, wrk

OUTPUT = ROOT / "docs" / "measurements" / "serving.md"
CASES = {"304": "small-prod", "5 KB": "small-prod", "220 KB": "large-prod"}
PARTS = ("plain", "tls", "slow", "orm", "reach", "cost")
SLOW_IN_FLIGHT = 4
# Of the cost of a 304: consumers, versions, certificates.
FEW, MANY = (10, 1, 10), (10_000, 1_000, 1_000)

Rounds = dict[tuple[str, str], list[Result]]


class Bench:
    """The servers of one run, with the portal's two stores on SQLite."""

    def __init__(self, on: Machines, seconds: float, rounds: int) -> None:
        self.machines, self.seconds, self.rounds = on, seconds, rounds
        self.environment = on.environment()
        self.bearer = {"Authorization": f"Bearer {self._seed()}"}
        self.tls = on.certificate()
        self.files: dict[str, bytes] = {}

    def _seed(self) -> str:
        return json.loads(self.machines.run(self.environment, "benchmarks.seed"))["tokens"][0]

    def portal(self, *more: str) -> Server:
        """Start the portal, and return when it answers from memory."""
        server = self.machines.portal(self.environment, *more)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            for name in set(CASES.values()):
                self.files[name] = fetch(server.url + path_of(name), self.bearer)[0]
            time.sleep(0.1)
        return server

    def beside_nginx(self, start: Callable[[str], dict[str, Server]]) -> Rounds:
        """Run every case on the portal, nginx and what else ``start`` starts for a round, interleaved.

        Each round starts them anew: where a process happens to lie in memory moves its speed by a third.
        """
        found: Rounds = defaultdict(list)
        for number in range(self.rounds):
            servers = start(str(number))
            for case, name in CASES.items():
                for label, server in servers.items():
                    path = path_of(name) if label == "portal" else f"/{name}"
                    # The bare server gets the portal's request headers, since it reads them as well.
                    sent = self.bearer if label in ("portal", "bare") else {}
                    tag = '"measured"' if label == "bare" else fetch(server.url + path, sent)[1]
                    found[case, label].append(wrk(server, path, sent | _condition(case, tag), self.seconds))
            self.machines.stop()
        return found

    def folder_of_files(self) -> Path:
        """Return a folder with what the portal serves, for those beside it."""
        folder = self.machines.folder / "measured"
        folder.mkdir(exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder

    def plain(self) -> Rounds:
        """Measure without TLS, and beside an application that does nothing."""

        def start(name: str) -> dict[str, Server]:
            portal = self.portal()
            environment = self.environment | {"MEASURED_FILES": str(self.folder_of_files())}
            return {
                "portal": portal,
                "nginx": self.machines.nginx(f"plain{name}", self.files),
                "copying": self.machines.nginx(f"copying{name}", self.files, copying=True),
                "bare": self.machines.portal(environment, "--application", "benchmarks.bare_app:application"),
            }

        return self.beside_nginx(start)

    def over_tls(self) -> Rounds:
        """Measure over kept TLS connections, which each server ends itself."""
        certificate, key = self.tls

        def start(name: str) -> dict[str, Server]:
            portal = self.portal("--tls-certificate", str(certificate), "--tls-key", str(key))
            return {"portal": portal, "nginx": self.machines.nginx(f"tls{name}", self.files, self.tls)}

        return self.beside_nginx(start)

    def with_slow_requests(self) -> Rounds:
        """Measure 304 with and without slow requests in flight."""
        path = path_of("small-prod")
        found: Rounds = defaultdict(list)
        for _ in range(self.rounds):
            portal = self.portal("--application", "benchmarks.slow_app:application")
            asked = self.bearer | {"If-None-Match": fetch(portal.url + path, self.bearer)[1]}
            found["304", "alone"].append(wrk(portal, path, asked, self.seconds))
            command = ["wrk", "-t1", f"-c{SLOW_IN_FLIGHT}", f"-d{self.seconds + 1:g}s", f"{portal.url}/slow"]
            slow = subprocess.Popen(["taskset", "-c", machines.CLIENT_CORE, *command], stdout=subprocess.DEVNULL)
            found["304", "beside slow ones"].append(wrk(portal, path, asked, self.seconds))
            slow.wait()
            self.machines.stop()
        return found

    def beside_orm(self, database: str) -> Rounds:
        """Measure 304 and 5 KB beside a DRF view that looks its token up by the ORM on PostgreSQL."""
        self.portal()  # for the files
        environment = self.machines.environment(
            DATABASE_URL=database,
            MEASURED_FILES=str(self.folder_of_files()),
            DJANGO_SETTINGS_MODULE="benchmarks.drf_app",
        )
        token = {"Authorization": f"Token {self.machines.run(environment, 'benchmarks.drf_app')}"}
        drf = self.machines.gunicorn("benchmarks.drf_app:application", environment)
        found: Rounds = defaultdict(list)
        for _ in range(self.rounds):
            portal = self.portal()
            for case in ("304", "5 KB"):
                name = CASES[case]
                mine = self.bearer | _condition(case, fetch(portal.url + path_of(name), self.bearer)[1])
                theirs = token | _condition(case, '"measured"')
                found[case, "portal"].append(wrk(portal, path_of(name), mine, self.seconds))
                found[case, "gunicorn"].append(wrk(drf, f"/{name}", theirs, self.seconds))
        return found

    def reach(self, database: str) -> dict[str, list[float]]:
        """Measure how soon another machine's process serves a change; only PostgreSQL is shared."""
        here = self.machines.environment(DATABASE_URL=database, EXCHANGE_DATA_DIR=str(self.machines.folder / "here"))
        there = here | {"EXCHANGE_DATA_DIR": str(self.machines.folder / "there")}
        tables = (
            "from django.core.management import call_command; call_command('migrate', verbosity=0, run_syncdb=True)"
        )
        command = [sys.executable, "-c", f"import django; django.setup(); {tables}"]
        subprocess.run(command, env=here, cwd=ROOT, check=True)
        server = self.machines.portal(there)
        port = server.url.rpartition(":")[2]
        return json.loads(self.machines.run(here, "benchmarks.reach", port, "100", "10"))

    def cost(self) -> dict[str, dict[str, float]]:
        """Return the CPU microseconds of the function in front of Django, with few and with many of everything."""
        found = {}
        for label, (consumers, versions, certificates) in {"few": FEW, "many": MANY}.items():
            environment = self.machines.environment(EXCHANGE_DATA_DIR=str(self.machines.folder / label))
            words = ["--consumers", consumers, "--versions", versions, "--sizes", 7, certificates]
            made = self.machines.run(environment, "benchmarks.seed", *map(str, words))
            command = ["taskset", "-c", machines.SERVER_CORE, sys.executable, "-m", "benchmarks.cost"]
            done = subprocess.run(
                command, env=environment, cwd=ROOT, input=made, stdout=subprocess.PIPE, text=True, check=True
            )
            found[label] = json.loads(done.stdout.splitlines()[-1])
        return found


def path_of(name: str) -> str:
    """Return where the portal serves a store."""
    return f"/api/v1/trust-stores/{name}/current.pem"


def _condition(case: str, tag: str) -> dict[str, str]:
    return {"If-None-Match": tag} if case == "304" else {}


def run(bench: Bench, parts: list[str]) -> dict[str, str]:
    """Return the chapters of the page, by part."""
    chapters: dict[str, str] = {}

    def do(part: str, measure: Callable[[], object], show: Callable[..., str]) -> None:
        if part in parts:
            print(f"{part} …", file=sys.stderr, flush=True)
            chapters[part] = show(measure())

    do("plain", bench.plain, serve_page.plain)
    do("tls", bench.over_tls, serve_page.tls)
    do("slow", bench.with_slow_requests, serve_page.slow)
    do("cost", bench.cost, serve_page.cost)
    for part, measure, show in (("orm", bench.beside_orm, serve_page.orm), ("reach", bench.reach, serve_page.reach)):
        if part in parts:
            folder = Path(tempfile.mkdtemp(prefix=f"{part}-", dir=bench.machines.folder))
            with machines.postgres(folder) as database:
                if database:
                    do(part, partial(measure, database), show)
                bench.machines.stop()
    return chapters


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="of each round (default: 2)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    options = parser.parse_args()
    machines.require("nginx", "wrk", "taskset", "openssl")
    if "orm" in options.parts and importlib.util.find_spec("gunicorn") is None:
        raise SystemExit("gunicorn is not installed: pip install gunicorn")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="serving-") as name:
        on = Machines(Path(name))
        try:
            chapters = run(Bench(on, max(options.seconds, 1), options.rounds), options.parts)
        finally:
            on.stop()
    about = serve_page.about(
        datetime.now(UTC), rounds=options.rounds, seconds=options.seconds, took=time.monotonic() - started
    )
    page = "\n".join([about, *(chapters[part] for part in PARTS if part in chapters), serve_page.FAIRNESS])
    print(page)
    if not options.print:
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        OUTPUT.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
