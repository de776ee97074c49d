"""``trustx`` against what is no portal, or one that is broken: a sentence and an exit code, and never a traceback."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from trustx import api, cli, pulling
from trustx.stops import Exit
from werkzeug import Request, Response

from tests.makers import certificates as make

# The repositories come from a database that pytest-django makes only for tests that say so.
pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
ID = "01890a5d-ac96-774b-bcce-b302099a8057"
CHECK = ("check", "b.pem", "--partnership", "alder-birch")
SARIF = (*CHECK, "--sarif", "found.sarif")
STATUS = ("status", ID)
WAIT = (*STATUS, "--wait", "30")


@pytest.fixture
def ask(httpserver, tmp_path, monkeypatch, capsys):
    """Run a command against a server that gives ``answers``, the last one for ever; return its exit code and what it said."""
    monkeypatch.setattr(api, "_PAUSES", ())
    monkeypatch.setenv("TRUSTX_TOKEN", "txt_0123456789")
    monkeypatch.chdir(tmp_path)
    Path("b.pem").write_bytes(b"x")

    def run(command, *answers: tuple[int, object]) -> tuple[int, dict]:
        left = list(answers)

        def answer(_: Request) -> Response:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            text = body if isinstance(body, str) else json.dumps(body)
            return Response(text, status, {"Location": "https://evil.example/"} if status == 302 else {})

        httpserver.clear()
        httpserver.expect_request(re.compile("/")).respond_with_handler(answer)
        code = cli.main([*command, "--portal", httpserver.url_for("")])
        printed = capsys.readouterr()
        assert not printed.err
        return code, json.loads(printed.out.splitlines()[-1])

    return run


class TestWhatIsNoPortal:
    @pytest.mark.parametrize(
        ("command", "status", "body", "code"),
        [
            pytest.param(CHECK, 200, "<html>", Exit.REFUSED, id="a page"),
            pytest.param(CHECK, 200, [1], Exit.REFUSED, id="a list"),
            pytest.param(CHECK, 200, {}, Exit.REFUSED, id="a report without findings"),
            pytest.param(CHECK, 200, {"findings": [{"severity": "note"}]}, Exit.REFUSED, id="a finding without words"),
            pytest.param(CHECK, 200, {"findings": 5}, Exit.REFUSED, id="findings that are none"),
            pytest.param(SARIF, 200, {"runs": [{}]}, Exit.REFUSED, id="a run without results"),
            pytest.param(CHECK, 302, "", Exit.REFUSED, id="a redirect"),
            pytest.param(CHECK, 400, {"errors": None, "detail": 5}, Exit.REFUSED, id="a problem without errors"),
            pytest.param(CHECK, 400, {"errors": [5, {}]}, Exit.REFUSED, id="errors that are none"),
            pytest.param(CHECK, 401, "no", Exit.NO_ACCESS, id="nobody"),
            pytest.param(CHECK, 429, "slow", Exit.UNREACHABLE, id="too often"),
            pytest.param(STATUS, 404, {}, Exit.NO_ACCESS, id="nothing there"),
            pytest.param(("notice", "show", "HF-1", "--json"), 200, {}, Exit.REFUSED, id="no notice"),
            pytest.param(
                ("notice", "show", "HF-1", "--partner-fingerprint", "ab" * 20),
                200,
                {},
                Exit.REFUSED,
                id="no notice to check",
            ),
        ],
    )
    def test_is_told_in_a_sentence(self, ask, command, status, body, code):
        got, said = ask(command, (status, body))

        assert (got, said["exit"]) == (code, code)
        assert said["said"]

    def test_is_no_root_of_a_store(self, ask, tmp_path):
        Path("token").write_text("txc_1")

        code, said = ask(("root", "--store", "alder-prod", "--token-file", "token", "--out", "r.json"), (200, "<html>"))

        assert (code, Path("r.json").exists()) == (Exit.REFUSED, False)
        assert "no root of a store" in said["said"]

    @pytest.mark.parametrize("portal", ["https://[::1", "https://", "portal.example", "https://x:port"])
    def test_is_found_out_by_its_address(self, tmp_path, monkeypatch, capsys, portal):
        monkeypatch.setenv("TRUSTX_TOKEN", "txt_1")
        for command in (STATUS, ("pull", "--store", "a", "--token-file", "t", "--root", "r", "--state-dir", "s")):
            assert cli.main([*command, "--portal", portal]) == Exit.USAGE
            assert "https://portal.example" in json.loads(capsys.readouterr().out)["fix"]

    def test_is_not_looked_for_with_cas_that_are_none(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv("TRUSTX_TOKEN", "txt_1")
        (tmp_path / "empty").write_text("")
        for file, why in (("nope", "No such file"), ("empty", "holds no CA")):
            command = [*STATUS, "--portal", "https://127.0.0.1:1", "--ca-file", str(tmp_path / file)]
            assert cli.main(command) == Exit.USAGE
            assert why in json.loads(capsys.readouterr().out)["said"]


class TestWaitingForADecision:
    def test_outlives_a_portal_that_is_started_anew(self, ask, monkeypatch):
        monkeypatch.setattr(api.time, "sleep", lambda _: None)
        waiting, decided = ({"state": each, "number": 7, "id": ID} for each in ("waiting_for_call", "accepted"))

        assert ask(WAIT, (200, waiting), (503, ""), (200, waiting), (200, decided))[0] == Exit.OK
        assert ask(WAIT, (200, waiting), (401, ""))[0] == Exit.NO_ACCESS

    def test_ends_with_a_code_of_its_own_when_there_is_none(self, ask):
        waiting = {"state": "waiting_for_approval", "number": 7, "id": ID}

        assert ask((*STATUS, "--wait", "0.001"), (200, waiting))[0] == Exit.UNDECIDED
        assert ask(STATUS, (200, waiting))[0] == Exit.OK
        assert ask(WAIT, (200, waiting | {"state": "withdrawn"}))[0] == Exit.REFUSED

    @pytest.mark.parametrize("wait", ["nan", "inf", "-1", "x"])
    def test_takes_a_number_of_seconds(self, wait, capsys):
        assert cli.main([*STATUS, f"--wait={wait}", "--portal", "https://portal.example"]) == Exit.USAGE
        assert "no number of seconds" in capsys.readouterr().out


class TestAPrivateKey:
    @pytest.mark.parametrize("kind", ["PEM", "old PEM", "zip", "OpenPGP"])
    def test_never_leaves_the_machine(self, tmp_path, monkeypatch, capsys, kind):
        monkeypatch.setenv("TRUSTX_TOKEN", "txt_1")
        root = make.root()
        content = root.pem + root.key_pem()
        if kind == "old PEM":
            content = root.key_pem(form=make.PrivateFormat.TraditionalOpenSSL)
        elif kind == "OpenPGP":
            content = b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxVgE\n-----END PGP PRIVATE KEY BLOCK-----\n"
        elif kind == "zip":
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("root.pem", content)
            content = packed.getvalue()
        (tmp_path / "b.pem").write_bytes(content)
        for command in ("check", "submit"):
            # Nobody listens there: who tried to send it would say so.
            asked = [command, str(tmp_path / "b.pem"), *CHECK[2:], "--portal", "http://127.0.0.1:1"]

            assert cli.main(asked) == Exit.REFUSED
            printed = capsys.readouterr().out
            assert "Nothing was sent" in printed
            assert root.key_pem().decode().splitlines()[1] not in printed


class TestARun:
    def test_in_which_something_is_unexpected_says_so_and_is_no_traceback(self, agent, monkeypatch, capsys):
        agent.pull()

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("nobody thought of this")

        monkeypatch.setattr(pulling, "verified", fail)

        assert agent.pull() == Exit.UNEXPECTED
        assert agent.said["said"] == "RuntimeError: nobody thought of this"
        assert "TRUSTX_DEBUG" in agent.said["fix"]
        assert json.loads((agent.state / "status.json").read_text())["exit"] == Exit.UNEXPECTED
        assert agent.run("verify") == Exit.UNEXPECTED

    def test_whose_output_nobody_reads_ends_in_peace(self):
        read, write = os.pipe()
        os.close(read)

        done = subprocess.run(
            [sys.executable, "-m", "trustx", *STATUS, "--portal", "http://127.0.0.1:1"],
            stdout=write, stderr=subprocess.PIPE, cwd=ROOT / "client", env={**os.environ, "TRUSTX_TOKEN": "txt_1"}, check=False,
        )  # fmt: skip
        os.close(write)

        assert (done.returncode, done.stderr) == (Exit.UNREACHABLE, b"")
