"""``manage.py verify_log``: whether the log is what was recorded; export it, and check an export without a database."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from portal.audit import queries, rules


class Command(BaseCommand):
    """Checks the chain. Ends with status 1 when it does not hold."""

    help = "Check the chain of the audit log: print how many events hold and the head hash. Status 1 when it is broken."
    # An export can be checked where there is no database.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "--export", metavar="FILE", help="Write the whole log as JSON Lines, '-' for standard output."
        )
        group.add_argument("--check", metavar="FILE", help="Check such a file instead of the database.")
        parser.add_argument(
            "--head", metavar="HASH", help="Also demand this hash at the end: one that was kept elsewhere."
        )

    def handle(self, *args: Any, export: str | None, check: str | None, head: str | None, **options: Any) -> None:
        if export:
            self._export(export)
            return
        checked, last, broken = _check_file(Path(check)) if check else queries.verify()
        if broken:
            raise CommandError(f"The chain is broken. {broken.sentence}", returncode=1)
        if head and head != last:
            raise CommandError(f"The log ends in another hash than you kept: {last}", returncode=1)
        self.stdout.write(f"{checked} events checked. The chain holds.\nHead hash: {last}")

    def _export(self, name: str) -> None:
        if name == "-":
            written = _write(self.stdout._out)  # type: ignore[attr-defined,arg-type]
        else:
            with Path(name).open("x", encoding="utf-8") as file:
                written = _write(file)
        print(f"{written} events exported.", file=sys.stderr)


def _write(file: TextIO) -> int:
    written = 0
    for line in queries.lines():
        facts = {**line.facts, "previous_hash": line.previous_hash, "hash": line.hash}
        file.write(json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n")
        written += 1
    return written


def _check_file(path: Path) -> tuple[int, str, rules.Break | None]:
    checked, last = 0, rules.GENESIS

    def counted() -> Iterator[rules.Line]:
        nonlocal checked, last
        for line in _lines_of(path):
            yield line
            checked, last = checked + 1, line.hash

    broken = rules.first_break(counted())
    return checked, last, broken


def _lines_of(path: Path) -> Iterator[rules.Line]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    facts = json.loads(text)
                    previous, own = facts.pop("previous_hash"), facts.pop("hash")
                    yield rules.Line(facts["sequence"], facts, previous, own)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise CommandError(f"Line {number} of {path} is no line of an export.", returncode=2) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=2) from error
