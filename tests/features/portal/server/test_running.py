"""``python -m portal.server`` as containers start it: an environment without Django's settings, several processes, signals."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from portal.server.running import main
from tests.makers.running import ROOT, free_port, wait_for


def answers(port: int) -> bool:
    """Say whether the portal answers there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def workers(parent: int) -> set[int]:
    """Return the processes that serve for a supervisor."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(each) for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()}


def test_several_processes_serve_and_one_that_is_killed_comes_again(tmp_path):
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    command = [sys.executable, "-m", "portal.server", "--port", str(port), "--workers", "2", "--stop-seconds", "3"]
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen(
        command, cwd=ROOT, env={**kept, "EXCHANGE_DATA_DIR": str(tmp_path / "data")}, stdout=log, stderr=log
    )
    try:
        wait_for(lambda: answers(port), seconds=60, what="an answer")
        killed = sorted(workers(server.pid))[0]
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: len(workers(server.pid) - {killed}) == 2, seconds=60, what="another process")
        wait_for(lambda: answers(port), seconds=60, what="an answer")

        server.send_signal(signal.SIGTERM)
        server.wait(30)
        assert not answers(port)
    finally:
        server.kill()
        log.close()


@pytest.mark.parametrize(
    ("processes", "wrong", "said"),
    [
        (
            1,
            {"DATABASE_URL": "nonsense://x"},
            "cannot load portal.asgi:application: DATABASE_URL is no address of a database",
        ),
        (
            2,
            {"DATABASE_URL": "nonsense://x"},
            "cannot load portal.asgi:application: DATABASE_URL is no address of a database",
        ),
        (
            2,
            {"DJANGO_SETTINGS_MODULE": "nothing.here"},
            "cannot load portal.asgi:application: No module named 'nothing'",
        ),
    ],
    ids=["database, one process", "database", "settings"],
)
def test_ends_and_says_why_when_its_processes_cannot_start(tmp_path, processes, wrong, said):
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    command = [sys.executable, "-m", "portal.server", "--port", "0", "--workers", str(processes)]

    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, "EXCHANGE_DATA_DIR": str(tmp_path), **wrong},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 3
    assert said in ended.stderr
    assert ended.stderr.count("The server cannot load") <= processes, "nothing was tried again"
    assert ("so all of them were ended" in ended.stderr) is (processes > 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--tls-key", "x"], "need each other"), (["--port", "x"], "invalid int value")],
    ids=["half of TLS", "no port"],
)
def test_says_what_is_wrong_with_its_words(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert said in capsys.readouterr().err
