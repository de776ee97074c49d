"""``manage.py version_floor``: whether the database is older than what was published, and the decision to go on from it.

::

    version_floor                                      name each store of which services have a later version; status 1 then
    version_floor go-on NAME --organization SLUG --reason "..."   decide that this database is what there is
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal import errors
from portal.organizations.acting import PORTAL
from trust.stores import floor
from trust.stores.models import TrustStore
from trust.stores.tuf import services as tuf


class Command(BaseCommand):
    """Shows and decides."""

    help = (
        "Say which stores were published beyond what the database knows, as after a restored backup, and go on from it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act")
        go_on = acts.add_parser(
            "go-on", help="Go on from this database; the next version is above every one given away."
        )
        go_on.add_argument("store")
        go_on.add_argument("--organization", required=True, help="The slug of the relying organization.")
        go_on.add_argument("--reason", required=True)

    def handle(self, *args: Any, act: str | None, **options: Any) -> None:
        try:
            self._go_on(**options) if act else self._show()
        except errors.Refusal as refusal:
            raise CommandError(f"{refusal.sentence} {refusal.fix}".strip(), returncode=1) from refusal

    def _show(self) -> None:
        found = [each for store in TrustStore.objects.order_by("name") if (each := floor.behind(store))]
        for each in found:
            self.stdout.write(each.sentence)
        if found:
            raise CommandError(f"{len(found)} stores are behind. Nothing of them is published.", returncode=1)
        self.stdout.write("No store is behind what was published.")

    def _go_on(self, *, store: str, organization: str, reason: str, **options: Any) -> None:
        found = TrustStore.objects.filter(name=store, relying__slug=organization).first()
        if found is None:
            raise CommandError(f"{organization} has no store {store}.", returncode=2)
        now = timezone.now()
        number = floor.go_on(store=found, actor=PORTAL, reason=reason, now=now)
        tuf.leap(store=found, now=now)
        self.stdout.write(f"The next version of {found.name} is v{number}.")
