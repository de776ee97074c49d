"""``manage.py doctor``: what is wrong with this deployment, and how to mend it."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.operations.doctor.examine import examine
from portal.operations.doctor.rules import EXIT, State, worst

_MARKS = {State.WELL: "ok  ", State.WARNING: "warn", State.WRONG: "FAIL"}


class Command(BaseCommand):
    """Examines the deployment. Ends with status 0 when all is well, 1 with warnings, 2 when something is wrong."""

    help = (
        "Say what is wrong with this deployment and how to mend it, one line each. "
        "Status 0: all is well; 1: there are warnings; 2: something is wrong."
    )
    # What Django's own checks would refuse is one of the findings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            type=Path,
            help="compare the audit log with the head in FILE, and keep the new head there; best on another machine's disk",
        )

    def handle(self, *args: Any, checkpoint: Path | None, **options: Any) -> None:
        findings = []
        for finding in examine(timezone.now(), checkpoint):
            findings.append(finding)
            if not options["json"]:
                style = {State.WARNING: self.style.WARNING, State.WRONG: self.style.ERROR}.get(finding.state, str)
                fix = f"  To mend it: {finding.fix}" if finding.fix else ""
                self.stdout.write(f"{style(_MARKS[finding.state])}  {finding.name:<24} {finding.said}{fix}")
                self.stdout.flush()
        state = worst(findings)
        if options["json"]:
            told = [{"name": f.name, "state": f.state, "said": f.said, "fix": f.fix} for f in findings]
            self.stdout.write(json.dumps({"state": state, "findings": told}, ensure_ascii=False, indent=1))
        if EXIT[state]:
            counts = {each: sum(finding.state is each for finding in findings) for each in (State.WRONG, State.WARNING)}
            sentence = f"{counts[State.WRONG]} wrong, {counts[State.WARNING]} to look at."
            if options["json"]:
                sys.exit(EXIT[state])
            raise CommandError(sentence, returncode=EXIT[state])
        if not options["json"]:
            self.stdout.write("All is well.")
