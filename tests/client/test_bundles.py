"""``trustx check``, ``submit`` and ``status`` against the portal itself, as a partner's pipeline calls them."""

import json
import os
import pty
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from trustx import api, cli
from trustx.commands.bundles import BY_SEVERITY, exit_code
from trustx.stops import Exit

from portal.audit.models import Event
from portal.organizations import services as organizations
from tests.makers import certificates as make
from tests.makers import openpgp
from tests.makers.submissions import hierarchy, signer
from trust.pki.findings import Severity
from trust.submissions.models import Submission

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ci(cast, live_server, tmp_path, now, capsys, monkeypatch):
    """Alder's pipeline: token and address in the environment, a good bundle and its signature on the disk."""
    _, secret = organizations.create_api_token(
        name="CI", scopes=["submit"], lifetime=timedelta(days=1), actor=cast.alder.admin.actor, now=now
    )
    monkeypatch.setenv("TRUSTX_PORTAL", live_server.url)
    monkeypatch.setenv("TRUSTX_TOKEN", secret)
    monkeypatch.setenv("GNUPGHOME", str(openpgp.home()))
    monkeypatch.chdir(tmp_path)
    Path("bundle.pem").write_bytes(hierarchy().bundle)
    Path("bad.pem").write_bytes(make.leaf().pem)

    def run(command: str, *options: str) -> tuple[int, list[dict]]:
        code = cli.main([command, *options])
        run.printed = capsys.readouterr().out
        lines = run.printed.splitlines()
        return code, [json.loads(line) for line in lines] if lines and lines[0].endswith("}") else []

    return run


HERE = ["--partnership", "alder-birch"]


class TestExitCode:
    def test_is_that_of_the_heaviest_finding_that_counts(self):
        assert set(BY_SEVERITY) == {each.value for each in Severity}
        assert exit_code([], "note") == Exit.OK
        assert exit_code(["note", "warning"], "problem") == Exit.OK
        assert exit_code(["note", "warning"], "warning") == Exit.WARNINGS
        assert exit_code(["warning", "problem"], "warning") == Exit.PROBLEMS
        assert exit_code(["problem"], "refuse") == Exit.OK
        assert exit_code(["note", "refuse", "problem"], "refuse") == Exit.REFUSED


@pytest.mark.django_db(transaction=True)
class TestCheck:
    def test_passes_a_good_bundle_and_keeps_nothing(self, ci):
        events = Event.objects.count()

        code, lines = ci("check", "bundle.pem", *HERE)

        assert (code, lines[-1]["outcome"], lines[-1]["signature"]) == (Exit.OK, "passed", "unsigned")
        assert (Submission.objects.exists(), Event.objects.count()) == (False, events)

    def test_tries_the_signature(self, ci, cast):
        Path("bundle.pem.asc").write_bytes(signer(cast).sign_detached(hierarchy().bundle))
        Path("other.pem").write_bytes(hierarchy().bundle + b"\n")

        assert ci("check", "bundle.pem", "--signature", "bundle.pem.asc", *HERE)[1][-1]["signature"] == "good"
        assert ci("check", "other.pem", "--signature", "bundle.pem.asc", *HERE)[0] == Exit.REFUSED

    def test_lists_what_is_wrong_with_its_fix(self, ci):
        code, lines = ci("check", "bad.pem", *HERE)

        assert (code, lines[-1]["outcome"]) == (Exit.REFUSED, "refused")
        found = {each["finding"]["code"]: each["finding"] for each in lines[:-1]}
        assert found["not_ca"]["fix"]
        assert lines[-1]["counts"]["refuse"] >= 1

    def test_fails_from_the_severity_that_is_asked_for(self, ci):
        _, lines = ci("check", "bundle.pem", *HERE)
        counts = lines[-1]["counts"]

        code, _ = ci("check", "bundle.pem", *HERE, "--fail-on", "note")

        assert code == exit_code(list(counts), "note") != Exit.OK

    def test_prints_the_whole_report_as_json(self, ci):
        assert ci("check", "bad.pem", *HERE, "--json")[0] == Exit.REFUSED
        assert json.loads(ci.printed)["outcome"] == "refused"

    @pytest.mark.parametrize("where", ["out.sarif", None])
    def test_writes_sarif_with_the_same_exit_code(self, ci, where):
        code, _ = ci("check", "bad.pem", *HERE, "--sarif", *([where] if where else []))

        run = json.loads(Path(where).read_text() if where else ci.printed)["runs"][0]
        assert code == Exit.REFUSED
        assert {"refuse"} <= {each["properties"]["severity"] for each in run["results"]}

    def test_says_which_partnership_there_is_not(self, ci):
        assert ci("check", "bundle.pem", "--partnership", "no-such")[0] == Exit.NO_ACCESS


@pytest.mark.django_db(transaction=True)
class TestSubmit:
    def test_signs_hands_in_and_says_what_became_of_it(self, ci, cast):
        key = signer(cast).fingerprint
        assert ci("sign", "bundle.pem", "--key", key)[0] == Exit.OK

        code, lines = ci("submit", "bundle.pem", "--signature", "bundle.pem.asc", *HERE)
        assert (code, lines[-1]["outcome"]) == (Exit.OK, "waiting_for_call")
        submission = Submission.objects.get()
        code, lines = ci("status", str(submission.pk))
        assert (code, lines[-1]["submission"]["number"]) == (Exit.OK, submission.number)

    @pytest.mark.parametrize(
        ("uptake", "says"),
        [
            (None, ""),
            ({"complete": True, "safe_to_use_from": "2026-11-30T06:00:00Z"}, "It is safe to issue from its CAs: every"),
            (
                {"complete": False, "safe_to_use_from": "2026-12-01T06:00:00Z"},
                "from 2026-12-01T06:00:00Z, when the last",
            ),
            ({"complete": False, "safe_to_use_from": None}, "Ask your partner before you issue from its CAs"),
            ("nonsense", ""),
        ],
    )
    def test_says_from_when_its_cas_can_be_used(self, monkeypatch, capsys, uptake, says):
        accepted = {"state": "accepted", "number": 7, "id": "0198", "uptake": uptake}
        monkeypatch.setattr(api.Api, "submission", lambda *_, **__: accepted)
        monkeypatch.setenv("TRUSTX_TOKEN", "txa_x")

        code = cli.main(["status", "01980000-0000-7000-8000-000000000000", "--portal", "https://portal.example"])

        said = json.loads(capsys.readouterr().out)
        assert (code, said["submission"]["uptake"]) == (Exit.OK, uptake)
        assert says in said["fix"] if says else said["fix"] == ""

    def test_says_why_it_was_refused(self, ci, cast):
        ci("sign", "bad.pem", "--key", signer(cast).fingerprint)

        code, lines = ci("submit", "bad.pem", "--signature", "bad.pem.asc", *HERE)

        assert code == Exit.REFUSED
        assert "not_ca" in {each["code"] for each in lines[-1]["problem"]["findings"]}


class TestUsage:
    @pytest.mark.parametrize("missing", ["TRUSTX_PORTAL", "TRUSTX_TOKEN"])
    def test_says_what_is_missing(self, tmp_path, monkeypatch, capsys, missing):
        monkeypatch.setenv("TRUSTX_PORTAL", "https://portal.example")
        monkeypatch.setenv("TRUSTX_TOKEN", "txp_x")
        monkeypatch.delenv(missing)
        (tmp_path / "b").write_bytes(b"x")

        assert cli.main(["check", str(tmp_path / "b"), *HERE]) == Exit.USAGE
        assert missing in capsys.readouterr().out

    @pytest.mark.parametrize("portal", ["http://portal.example", "http://localhost.evil.example", "file:///etc"])
    def test_does_not_send_a_token_in_clear(self, tmp_path, monkeypatch, portal):
        monkeypatch.setenv("TRUSTX_TOKEN", "txp_x")
        (tmp_path / "b").write_bytes(b"x")

        assert cli.main(["check", str(tmp_path / "b"), *HERE, "--portal", portal]) == Exit.USAGE


def commands() -> list[list[str]]:
    """Return every command that has a help of its own."""
    top = cli.parser()._subparsers._group_actions[0].choices
    inner = top["notice"]._subparsers._group_actions[0].choices
    return [[name] for name in top] + [["notice", name] for name in inner]


class TestHelp:
    @pytest.mark.parametrize("command", commands(), ids=" ".join)
    def test_has_an_example_that_parses(self, command, capsys):
        with pytest.raises(SystemExit) as ended:
            cli.main([*command, "--help"])
        assert ended.value.code == 0
        assert f"trustx {' '.join(command)}" in capsys.readouterr().out.partition("Examples:")[2]

    def test_examples_are_commands_that_there_are(self):
        import shlex

        top = cli.parser()._subparsers._group_actions[0].choices
        inner = top["notice"]._subparsers._group_actions[0].choices
        for parser in [*top.values(), *inner.values()]:
            text = parser.epilog.removeprefix("Examples:\n").replace("\\\n", " ")
            for line in filter(None, text.splitlines()):
                words = shlex.split(line, comments=True)
                assert words[0] == "trustx"
                assert cli.parser().parse_args([word.replace("0198…", str(UUID_EXAMPLE)) for word in words[1:]])


UUID_EXAMPLE = "01890a5d-ac96-774b-bcce-b302099a8057"


class TestTerminal:
    def test_speaks_in_sentences_where_somebody_looks(self, tmp_path):
        """On a real pseudo-terminal: words on standard output, and no JSON."""
        (tmp_path / "b.pem").write_bytes(hierarchy().bundle)
        leader, follower = pty.openpty()
        done = subprocess.Popen(
            [sys.executable, "-m", "trustx", "check", str(tmp_path / "b.pem"), *HERE, "--portal", "http://127.0.0.1:1"],
            stdout=follower, stderr=follower, stdin=follower, cwd=ROOT / "client",
            env={**os.environ, "TRUSTX_TOKEN": "txp_x"},
        )  # fmt: skip
        os.close(follower)
        shown = b""
        try:
            while part := os.read(leader, 4096):
                shown += part
        except OSError:
            pass  # the end of a pseudo-terminal
        os.close(leader)

        assert done.wait() == Exit.UNREACHABLE
        assert "Checking b.pem…" in shown.decode()
        assert b"trustx: unreachable" in shown
        assert b"{" not in shown
