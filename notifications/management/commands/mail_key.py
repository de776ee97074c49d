"""``manage.py mail_key``: the OpenPGP key with which the portal signs its mail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications.mail import keys
from portal import words


class Command(BaseCommand):
    """Makes, renews and shows the mail key. The private part is sealed in the database and never printed."""

    help = "Make the portal's OpenPGP mail key if there is none, and print its public block."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new", action="store_true", help="Make another one and sign with it from now on.")

    def handle(self, *args: Any, new: bool, **options: Any) -> None:
        now = timezone.now()
        key = keys.make(now=now) if new else keys.make_once(now=now)
        self.stderr.write(f"OpenPGP mail key {words.spaced(key.fingerprint)}, until {words.day(key.expires_at)}")
        self.stdout.write(key.public_block)
