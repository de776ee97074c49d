"""The agent is killed with SIGKILL at every step that touches the disk or starts a program.

Whoever reads the store at any moment finds the old one or the new one, whole; the next run finishes, and the service has loaded
what lies on disk.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from trustx import cli
from trustx.stops import Exit

from tests.client.world import BASE

pytestmark = pytest.mark.django_db
STEPS = {
    "os.rename",
    "os.remove",
    "os.link",
    "os.symlink",
    "os.mkdir",
    "os.chmod",
    "os.chown",
    "os.rmdir",
    "subprocess.Popen",
}
# Every step up to here is tried in its turn; a pull has fewer, which the test demands to see.
MOST = 60


def run_and_die(folder: Path, arguments: list[str], step: int) -> bool:
    """Run ``trustx`` in a process that is killed before its n-th step below ``folder``, and say whether it was.

    What python-tuf does to its own memory of metadata is its own business and left out.
    """
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event: str, arguments: tuple) -> None:
            nonlocal count
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            path = str(arguments[0]) if arguments else ""
            ours = path.startswith(str(folder)) and "/metadata" not in path
            if (event in STEPS or writes) and ours:
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.addaudithook(hook)
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
                code = cli.main(arguments)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == Exit.OK
    return False


@pytest.mark.parametrize("way", ["files", "directory"])
@pytest.mark.timeout(300)
def test_the_store_is_always_one_of_the_two_and_whole(agent, made, way):
    loaded = agent.folder / "loaded"
    link = agent.folder / "etc" / "trust"
    file = agent.pem if way == "files" else link / "alder-prod.pem"
    hook = agent.script("hook", f"cp {file} {loaded}")
    options = ["--reload", str(hook), "--no-report"]
    if way == "directory":
        options += ["--directory", str(link), "--formats", "pem,json"]
    old, new = (made.states[state][f"{BASE}/current.pem"] for state in ("v1", "v2"))
    assert agent.pull(*options, output=way == "files") == Exit.OK
    for name in ("state", "etc"):
        shutil.copytree(agent.folder / name, agent.folder / "before" / name, symlinks=True)
    agent.serve(made.states["v2"])
    seen, step, killed = set(), 0, True

    while killed:
        step += 1
        assert step < MOST
        for name in ("state", "etc"):
            shutil.rmtree(agent.folder / name)
            shutil.copytree(agent.folder / "before" / name, agent.folder / name, symlinks=True)

        killed = run_and_die(agent.folder, agent.arguments("pull", *options, output=way == "files"), step)

        found = file.read_bytes()
        assert found in (old, new), f"neither old nor new after step {step}"
        seen.add((found == new, killed))
        assert agent.pull(*options, output=way == "files") == Exit.OK
        assert file.read_bytes() == new == loaded.read_bytes()
        assert not (agent.state / "journal.json").exists()
        left = {
            each.name for name in ("etc", "state") for each in (agent.folder / name).iterdir() if each.suffix == ".new"
        }
        assert left == set()

    assert step > 10
    assert {(False, True), (True, True), (True, False)} <= seen


class TestWhatAKilledRunLeft:
    """It is put back by the next run, also when somebody changed the settings in between, and nothing is guessed."""

    def test_is_put_back_before_a_directory_takes_the_place_of_files(self, agent, made):
        agent.pull()
        old = agent.pem.read_bytes()
        (agent.state / "kept").mkdir(exist_ok=True)
        (agent.state / "kept" / "0").write_bytes(old)
        agent.pem.write_bytes(b"half-way")
        journal = {"files": {str(agent.pem): str(agent.state / "kept" / "0")}}
        (agent.state / "journal.json").write_text(json.dumps(journal))
        link = agent.folder / "etc" / "trust"

        assert agent.pull("--directory", str(link), "--formats", "pem", output=False) == Exit.OK

        assert agent.pem.read_bytes() == old
        assert (link / "alder-prod.pem").read_bytes() == old
        assert not (agent.state / "journal.json").exists()

    def test_is_put_back_before_files_take_the_place_of_a_directory(self, agent, made):
        link = agent.folder / "etc" / "trust"
        agent.pull("--directory", str(link), "--formats", "pem", output=False)
        good = os.readlink(link)
        link.unlink()
        link.symlink_to("half-way")
        (agent.state / "journal.json").write_text(json.dumps({"target": good, "link": str(link)}))

        assert agent.pull() == Exit.OK

        assert os.readlink(link) == good
        assert not (agent.state / "journal.json").exists()

    def test_is_asked_about_when_nobody_can_say_where_it_was(self, agent):
        """As earlier versions wrote it, which took the link from the settings."""
        (agent.state).mkdir(mode=0o700)
        (agent.state / "journal.json").write_text('{"target": "x"}')

        assert agent.pull() == Exit.NOT_WRITTEN
        assert "the settings name none" in agent.said["said"]

    @pytest.mark.parametrize(
        "content", ["", "x", "{}", "[]", "[" * 100_000, '{"files": 1}', '{"files": {"a": 1}}', '{"target": 1}', "7"]
    )
    def test_is_not_guessed_from_what_is_damaged(self, agent, content):
        agent.pull()
        agent.pem.write_bytes(b"half-way")
        (agent.state / "journal.json").write_text(content)

        assert agent.pull() == Exit.NOT_WRITTEN
        assert agent.said["said"].startswith(f"{agent.state / 'journal.json'} is damaged")
        assert agent.pem.read_bytes() == b"half-way"
        (agent.state / "journal.json").unlink()
        assert agent.pull() == Exit.OK
