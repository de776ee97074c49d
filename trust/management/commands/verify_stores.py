"""``manage.py verify_stores``: whether every published version is what the log says was published."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit import queries
from trust.stores import integrity
from trust.stores.models import StoreVersion


class Command(BaseCommand):
    """Names each row that was changed. Ends with status 1 when there is one."""

    help = (
        "Check every published version and its files against the audit log; name each row that differs. Status 1 then."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        _, _, broken = queries.verify()
        if broken:
            raise CommandError(f"The audit log itself does not hold: {broken.sentence}", returncode=1)
        found = list(integrity.damages())
        for each in found:
            self.stdout.write(f"{each.row}: {each.sentence}")
        if found:
            raise CommandError(f"{len(found)} rows are not what was published.", returncode=1)
        self.stdout.write(f"{StoreVersion.objects.count()} versions checked. All are as published.")
