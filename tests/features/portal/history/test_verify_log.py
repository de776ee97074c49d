"""``manage.py verify_log``: the chain, its export, and an export checked offline."""

import json

import pytest
from django.core.management import CommandError, call_command

from portal.audit.models import Event
from tests.makers.events import record


@pytest.fixture
def export(cast, now, tmp_path):
    for _ in range(4):
        record(cast.birch.organization, now)
    file = tmp_path / "audit.jsonl"
    call_command("verify_log", "--export", str(file))
    return file


class TestVerifyLog:
    def test_prints_the_count_and_the_head(self, export, capsys):
        call_command("verify_log")

        said = capsys.readouterr().out
        assert "4 events checked. The chain holds." in said
        assert Event.objects.get(sequence=4).hash in said

    def test_demands_the_head_that_was_kept_elsewhere(self, export):
        head = Event.objects.get(sequence=4).hash

        call_command("verify_log", "--head", head)
        with pytest.raises(CommandError, match="another hash"):
            call_command("verify_log", "--head", "0" * 64)


class TestCheck:
    def test_holds_for_an_export(self, export, capsys):
        call_command("verify_log", "--check", str(export))

        assert "4 events checked" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda lines: lines[:1] + lines[2:], "Event 2 is missing"),
            (lambda lines: [*lines[:2], lines[2].replace('"tries":9', '"tries":1'), lines[3]], "Event 3 was changed"),
            (lambda lines: [lines[1], *lines], "missing before event 2"),
            (lambda lines: [*lines[:3], "{}"], "Line 4"),
            (lambda lines: [*lines[:3], "not json"], "Line 4"),
        ],
        ids=["removed", "changed", "inserted", "not a line", "not JSON"],
    )
    def test_names_what_was_done_to_it(self, export, spoil, said):
        lines = export.read_text().splitlines()
        export.write_text("\n".join(spoil(lines)) + "\n")

        with pytest.raises(CommandError, match=said):
            call_command("verify_log", "--check", str(export))

    def test_never_overwrites_an_export(self, export):
        with pytest.raises(FileExistsError):
            call_command("verify_log", "--export", str(export))

        assert json.loads(export.read_text().splitlines()[0])["sequence"] == 1
