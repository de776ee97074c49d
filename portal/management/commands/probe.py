"""``manage.py probe CHECK…``: the readiness checks on the command line, for health checks of containers without a port."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.operations import queries


class Command(BaseCommand):
    """Asks the readiness checks. Ends with status 1 when one fails."""

    help = "Print what the readiness checks say; with names, only those. Status 1 when one of them fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="CHECK", help="database, migrations, worker, events, ...")

    def handle(self, *args: Any, names: list[str], **options: Any) -> None:
        checks = queries.readiness(timezone.now())
        unknown = set(names) - {check.name for check in checks}
        if unknown:
            raise CommandError(f"There is no check named {', '.join(sorted(unknown))}, or the database is away.")
        asked = [check for check in checks if not names or check.name in names]
        for check in asked:
            self.stdout.write(f"{'ok  ' if check.passed else 'FAIL'}  {check.name:<11} {check.said}")
        if not all(check.passed for check in asked):
            raise CommandError("The portal is not ready.", returncode=1)
