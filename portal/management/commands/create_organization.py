"""``manage.py create_organization``: a company and the link for its first admin."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal import errors
from portal.organizations import acting, mailing, services


class Command(BaseCommand):
    help = "Create an organization and print the link with which its first admin joins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the company's name, for example 'Meridian Pay'")
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-name", required=True)
        parser.add_argument("--slug", default="", help="the name in addresses; made from the name if left out")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organization, invited = services.create_organization(
                name=options["name"],
                slug=options["slug"],
                admin_email=options["admin_email"],
                admin_name=options["admin_name"],
                actor=acting.operator(None),
                now=timezone.now(),
            )
        except errors.Refusal as refusal:
            raise CommandError(f"{refusal.sentence} {refusal.fix}".strip()) from refusal
        link = mailing.link(invited.secret)
        if options["json"]:
            self.stdout.write(json.dumps({"slug": organization.slug, "name": organization.name, "link": link}))
            return
        self.stdout.write(f"Organization {organization.name} ({organization.slug}) created.")
        self.stdout.write(f"Its first admin joins with this link, once, within 7 days:\n  {link}")
