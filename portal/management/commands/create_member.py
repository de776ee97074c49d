"""``manage.py create_member``: the link with which a person joins an organization."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from portal import errors
from portal.organizations import acting, invitations, mailing
from portal.organizations.models import Membership, Organization
from portal.organizations.rules import Role


class Command(BaseCommand):
    help = "Invite a member into an organization and print the link with which they join."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="the organization's slug")
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", choices=[role.value for role in Role], default=Role.VIEWER.value)
        parser.add_argument("--responder", action="store_true")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization called {options['organization']}.")
        if Membership.objects.filter(organization=organization, user__email__iexact=options["email"]).exists():
            raise CommandError(f"{options['email']} is a member of {organization.name} already.")
        try:
            with transaction.atomic():
                invited = invitations.open_invitation(
                    organization=organization,
                    email=options["email"].lower(),
                    name=options["name"],
                    role=options["role"],
                    responder=options["responder"],
                    actor=acting.operator(None),
                    now=timezone.now(),
                )
        except errors.Refusal as refusal:
            raise CommandError(f"{refusal.sentence} {refusal.fix}".strip()) from refusal
        link = mailing.link(invited.secret)
        if options["json"]:
            self.stdout.write(json.dumps({"organization": organization.slug, "email": options["email"], "link": link}))
        else:
            self.stdout.write(
                f"{options['name']} joins {organization.name} with this link, once, within 7 days:\n  {link}"
            )
