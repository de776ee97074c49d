"""``manage.py demo``: two companies exchange trust through the portal's own pages, with real keys and CAs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.operations.demo.browser import Unexpected
from portal.operations.demo.story import Story, account
from portal.operations.demo.teams import MERIDIAN
from portal.organizations.models import Organization


def record_path() -> Path:
    """Return where the demonstration keeps what it made: people's sign-ins, tokens, folders. Mode 0600."""
    return Path(settings.DATA_DIR) / "demo" / "demo.json"


class Command(BaseCommand):
    help = (
        "Play a whole exchange between two demonstration companies through the portal that runs at --base-url. "
        "Played once; afterwards it prints what it made. With --json it prints that as one JSON object."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base-url", default="", help="where the portal runs")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, base_url: str, **options: Any) -> None:
        self.quiet = options["json"]
        path = record_path()
        if path.exists():
            made = json.loads(path.read_text(encoding="utf-8"))
            # Where it was played is where it is, unless somebody says another address.
            made["base_url"] = base_url.rstrip("/") or made["base_url"]
        elif Organization.objects.filter(slug=MERIDIAN.slug).exists():
            raise CommandError(
                "An earlier demonstration stopped half-way. Start over with: make run FRESH=1 (this removes the data in "
                f"{settings.DATA_DIR})"
            )
        else:
            made = self._play((base_url or settings.BASE_URL).rstrip("/"), path)
        if self.quiet:
            self.stdout.write(json.dumps(made, indent=2, ensure_ascii=False))
        else:
            self._tell(made)

    def _play(self, base_url: str, path: Path) -> dict[str, Any]:
        self._require_portal(base_url)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._line("Two companies exchange trust. Every step goes through the portal's own pages.\n")
        story = Story(base_url=base_url, folder=path.parent, first_link=self._first_link(base_url), say=self._say)
        self.step = 0
        try:
            story.play()
            for team, _ in story.both:
                team.api_token = story.api_token(team)
        except Unexpected as error:
            raise CommandError(f"The demonstration stopped: {error}") from error
        made = account(story)
        path.touch(mode=0o600)
        path.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
        return made

    def _require_portal(self, base_url: str) -> None:
        """Demand that the portal answers, before anything is made. Raises CommandError."""
        try:
            requests.get(f"{base_url}/healthz", timeout=10)
        except requests.RequestException as error:
            raise CommandError(
                f"No portal answers at {base_url}. 'make run' starts one and plays this; or start 'manage.py serve' in another "
                "terminal, and name its address with --base-url."
            ) from error

    def _first_link(self, base_url: str) -> str:
        # The command that an operator runs, with the address under which this portal is reached now.
        done = subprocess.run(
            [
                *(sys.executable, "manage.py", "create_organization", MERIDIAN.name, "--json"),
                *("--admin-name", MERIDIAN.admin, "--admin-email", f"sam@{MERIDIAN.domain}"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=settings.BASE_DIR,
            env={**os.environ, "BASE_URL": base_url},
        )
        if done.returncode:
            raise CommandError(f"create_organization failed: {done.stderr.strip()}")
        return json.loads(done.stdout)["link"]

    def _say(self, what: str, proves: str) -> None:
        self.step += 1
        self._line(f"{self.step:3}. {what}\n     → {proves}")

    def _line(self, text: str) -> None:
        if not self.quiet:
            self.stdout.write(text)
            self.stdout.flush()

    def _tell(self, made: dict[str, Any]) -> None:
        url = made["base_url"]
        self._line(f"\nOpen {url}/ and sign in as anybody:\n")
        for organization in made["organizations"].values():
            self._line(f"  {organization['name']}")
            for name, member in organization["members"].items():
                self._line(
                    f"    {name:17} {member['role']:9} {member['email']:24} password {member['password']}  "
                    f"TOTP {member['totp_secret']}"
                )
        self._line("\nA code for a TOTP secret, without an app:  .venv/bin/python manage.py totp SECRET")
        first = next(iter(made["organizations"].values()))
        self._line("\nPull a trust store as a service does:\n")
        self._line(
            f'  curl -fsS -H "Authorization: Bearer {first["consumer_token"]}" '
            f"{url}/api/v1/trust-stores/{first['store']}/current.pem"
        )
        self._line(f"\nAPI: {url}/api/docs   All of this for scripts: .venv/bin/python manage.py demo --json")
