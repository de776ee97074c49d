"""What somebody meets who types ``trustx`` for the first time, and what programs read."""

import argparse
import ast
import io
import json
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import trustx
from trustx import cli
from trustx.settings import Settings
from trustx.stops import MEANS, Exit

# The repositories come from a database that pytest-django makes only for tests that say so.
pytestmark = pytest.mark.django_db
README = Path(trustx.__file__).parent.parent / "README.md"


def parsers(parser: argparse.ArgumentParser):
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from parsers(each)


ALL = {each.prog: each for each in parsers(cli.parser())}


def said(capsys) -> dict:
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


class TestHelp:
    @pytest.mark.parametrize("name", ALL)
    def test_says_of_every_command_what_it_does(self, name):
        text = ALL[name].format_help()

        assert ALL[name].description
        assert "trustx" in text.partition("Examples:")[2] or name == "trustx"

    @pytest.mark.parametrize("name", ALL)
    def test_says_of_every_option_what_it_is_for(self, name):
        actions = [each for each in ALL[name]._actions if not isinstance(each, argparse._SubParsersAction)]

        assert [each.dest for each in actions if not each.help] == []

    def test_and_readme_know_every_setting(self):
        """The README says that an option of the same name wins over a setting."""
        other = {"outputs": "output", "lists": "list", "report": "no_report"}
        options = {each.dest for each in ALL["trustx watch"]._actions}

        named = README.read_text(encoding="utf-8")
        assert [each.name for each in fields(Settings) if each.name not in named] == []
        assert {other.get(each.name, each.name) for each in fields(Settings)} <= options

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
    def test_is_read_on_any_terminal(self, monkeypatch, encoding):
        """An old terminal, or LC_ALL=C in a container, has no "…"; that must not keep anybody from the rest."""
        paper = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(paper, encoding=encoding))

        with pytest.raises(SystemExit) as ended:
            cli.main(["pull", "--help"])

        sys.stdout.flush()
        assert ended.value.code == 0
        assert "--when-expired" in paper.getvalue().decode(encoding)

    def test_of_verify_offers_nothing_that_changes_something(self):
        text = ALL["trustx verify"].format_help()

        assert not re.search(r"--(check|reload|probe|interval|no-report)", text)

    def test_and_readme_name_every_exit_code(self):
        text, readme = ALL["trustx"].format_help(), README.read_text(encoding="utf-8")

        assert set(MEANS) == set(Exit)
        for code in Exit:
            assert re.search(rf"^ +{int(code)}  {re.escape(MEANS[code])}$", text, re.MULTILINE), code
            assert re.search(rf"^\| {int(code)} \| ", readme, re.MULTILINE), code


class TestMistakes:
    @pytest.mark.parametrize(
        ("typed", "names"),
        [
            (["pul"], "pul"),
            (["pull", "--nosuch"], "--nosuch"),
            (["root"], "--portal"),
            (["pull", "--config", "nope.toml"], "nope.toml"),
            (["pull", "--portal", "https://portal.example"], "token_file"),
            (["pull", "--output", "pem"], "--output FORMAT=FILE"),
        ],
    )
    def test_are_told_to_programs_in_one_line_with_what_to_do(self, capsys, typed, names):
        code = cli.main(typed)

        told = said(capsys)
        assert (code, told["exit"], told["outcome"]) == (2, 2, "usage")
        assert names in told["said"]
        assert set(told) == {"exit", "outcome", "said", "fix"}

    def test_of_the_address_are_no_matter_of_access(self, agent, capsys):
        where = ["--store", "alder-prod", "--token-file", str(agent.folder / "token"), "--out", str(agent.folder / "r")]

        assert cli.main(["root", "--portal", "http://127.0.0.1:1", *where]) == Exit.UNREACHABLE
        assert "HTTPConnection" not in said(capsys)["said"]
        assert cli.main(["root", "--portal", agent.portal.address, "--store", "nosuch", *where[2:]]) == Exit.NO_ACCESS
        assert said(capsys)["fix"]

    def test_of_a_format_are_answered_with_what_there_is(self, agent):
        assert agent.run("pull", "--output", "nosuch=x") == Exit.USAGE
        assert "anchors.pem, " in agent.said["fix"]

    def test_of_the_key_are_answered_with_whose_signature_there_is(self, agent, made):
        assert agent.pull("--partner-fingerprint", "ab" * 20) == Exit.NOT_COVERED

        assert made.holder.fingerprint.upper() in agent.said["said"].replace(" ", "")
        assert "by phone" in agent.said["fix"]

    def test_that_are_not_of_typing_always_say_what_to_do_next(self):
        """Of what was typed wrong the sentence itself says it; whoever reads the rest may have been woken up."""
        lacking = [
            f"{path.name}:{call.lineno}"
            for path in Path(trustx.__file__).parent.rglob("*.py")
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Stop"
            if ast.unparse(call.args[0]) != "Exit.USAGE"
            if len(call.args) < 3 and "fix" not in {each.arg for each in call.keywords}
        ]

        assert lacking == []


class TestAGoodRun:
    def test_says_whether_the_partners_own_signature_stands_behind_the_store(self, agent):
        agent.pull()
        assert "Only the portal says" in agent.said["said"]

        agent.pull(*agent.pinned)
        assert "each of which the partner signed" in agent.said["said"]
