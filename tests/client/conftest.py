"""An agent on a machine of its own, and the portal that it pulls from."""

import json
from pathlib import Path

import pytest
from trustx import cli

from tests.client import world


@pytest.fixture(autouse=True)
def _the_run_began_just_now():
    """Leave the clock alone, as for tests marked with real_clock: what signs here and what judges it tell the time themselves."""


@pytest.fixture(scope="session")
def made(django_db_setup, django_db_blocker) -> world.World:
    """The repositories, made once for all tests."""
    with django_db_blocker.unblock():
        return world.build()


@pytest.fixture
def portal(made):
    with world.Portal(dict(made.states["v1"])).running() as running:
        yield running


class Agent:
    """Runs ``trustx`` in this process. ``pem`` is the file that a service reads."""

    def __init__(self, folder: Path, portal: world.Portal, made: world.World, capsys) -> None:
        self.folder, self.portal, self._capsys = folder, portal, capsys
        self.pem = folder / "etc" / "alder.pem"
        self.state = folder / "state"
        self.pem.parent.mkdir()
        (folder / "token").write_text(world.TOKEN)
        (folder / "root.json").write_bytes(made.root)
        self.pinned = ["--partner-fingerprint", made.holder.fingerprint]

    def arguments(self, command: str, *options: str, output: bool = True) -> list[str]:
        chosen = ["--output", f"pem={self.pem}"] if output else []
        return [
            command, "--portal", self.portal.address, "--store", world.STORE, "--token-file", str(self.folder / "token"),
            "--root", str(self.folder / "root.json"), "--state-dir", str(self.state), *chosen, *options,
        ]  # fmt: skip

    def run(self, command: str, *options: str, output: bool = True) -> int:
        """Run a command and return its exit code; what it said is in ``said``."""
        code = cli.main(self.arguments(command, *options, output=output))
        printed = self._capsys.readouterr().out.strip().splitlines()
        self.said = json.loads(printed[-1]) if printed else {}
        return code

    def pull(self, *options: str, output: bool = True) -> int:
        return self.run("pull", *options, output=output)

    def serve(self, state: dict[str, bytes]) -> None:
        self.portal.files = dict(state)

    def script(self, name: str, body: str) -> Path:
        """Return a shell script, as a check or a hook."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path


@pytest.fixture
def agent(tmp_path, portal, made, capsys) -> Agent:
    return Agent(tmp_path, portal, made, capsys)
