"""A deployment as scripts/run-production-locally left word of it: settings, process groups, mail."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import requests

from tests.makers.running import ROOT, wait_for


def _samples(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, number = line.rpartition(" ")
            yield name, float(number)


class Deployment:
    """The processes behind one nginx, to be asked, commanded and killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        lines = (folder / "environment").read_text().splitlines()
        self.environment = {name: value for name, _, value in (line.partition("=") for line in lines)}
        self.base_url = self.environment["BASE_URL"]

    def manage(self, *words: str) -> str:
        """Run a management command beside the processes, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "portal.settings", **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, method: str, path: str, **options) -> requests.Response:
        """Ask through nginx, without following redirects."""
        return requests.request(method, self.base_url + path, **{"timeout": 80, "allow_redirects": False, **options})

    def kill(self, name: str) -> int:
        """Kill a process with everything that it started, as a machine that dies does, and return what its id was."""
        pid = self.pid(name)
        os.killpg(pid, signal.SIGKILL)
        return pid

    def pid(self, name: str) -> int:
        return int((self.folder / "run" / name).read_text())

    def wait_until_replaced(self, name: str, killed: int) -> None:
        """Return when another process has taken the place of the one that was killed; a web process must answer, too."""
        wait_for(lambda: self._replaced(name, killed), seconds=60, what=f"{name} runs again")

    def _replaced(self, name: str, killed: int) -> bool:
        with contextlib.suppress(ValueError, ProcessLookupError, requests.RequestException):
            pid = self.pid(name)
            os.kill(pid, 0)
            return pid != killed and (not name.startswith("web") or self._answers(int(name[-1])))
        return False

    def _answers(self, number: int) -> bool:
        return requests.get(f"http://127.0.0.1:{self._ports()[number - 1]}/healthz", timeout=10).ok

    def _ports(self) -> list[str]:
        return re.findall(r"server 127\.0\.0\.1:(\d+);", (self.folder / "nginx" / "upstream.conf").read_text())

    def metrics(self) -> list[dict[str, float]]:
        """Return what each of the processes behind nginx says about the whole deployment, as Prometheus scrapes them."""
        secret = Path(self.environment["METRICS_TOKEN_FILE"]).read_text().strip()
        host = self.base_url.removeprefix("https://")
        headers = {"Authorization": f"Bearer {secret}", "Host": host, "X-Forwarded-Proto": "https"}
        answers = [
            requests.get(f"http://127.0.0.1:{port}/metrics", headers=headers, timeout=60) for port in self._ports()
        ]
        return [dict(_samples(answer.text)) for answer in answers]

    def mails(self) -> list[EmailMessage]:
        """Return every mail that was sent."""
        parser = BytesParser(EmailMessage, policy=policy.default)
        files = [path.read_bytes() for path in (self.folder / "mail").iterdir()]
        parts = [part.strip() for content in files for part in content.split(b"\n" + b"-" * 79 + b"\n")]
        return [parser.parsebytes(part) for part in parts if part]
