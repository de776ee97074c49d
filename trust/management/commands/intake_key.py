"""``manage.py intake_key``: the OpenPGP key to which partners may encrypt their uploads.

::

    intake_key show        print its fingerprint, and until when it is good
    intake_key new         make the next one; the one before opens what is under way for 30 more days

It counts only while the setting ENCRYPTED_INTAKE is on.
"""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.words import day, spaced
from trust.submissions import envelopes
from trust.submissions.models import IntakeKey


class Command(BaseCommand):
    """Makes and shows the intake key."""

    help = "Make the portal's intake key, or show it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["show", "new"])

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        key = (
            envelopes.new_key(now=timezone.now()) if act == "new" else IntakeKey.objects.filter(retired_at=None).first()
        )
        if key is None:
            raise CommandError("There is no intake key. Make one: intake_key new")
        self.stdout.write(f"{spaced(key.fingerprint.upper())}\nGood until {day(key.expires_at)}.")
        if not settings.ENCRYPTED_INTAKE:
            self.stdout.write("ENCRYPTED_INTAKE is off, so encrypted files are refused and the key is not published.")
