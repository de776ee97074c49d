"""``manage.py take_bounce RECIPIENT < mail``: a mail that came back, from the mail server's pipe."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications.mail import bounces
from notifications.mail.reports import MAX_BYTES


class Command(BaseCommand):
    """Takes one mail on standard input. Ends well whatever it is, since a mail server bounces what its pipe refuses."""

    help = "Take a mail that came back, on standard input, for the envelope recipient that the mail server names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipient", help="The envelope recipient: bounces+…@your.domain.")

    def handle(self, *args: Any, recipient: str, **options: Any) -> None:
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
        outcome = bounces.take(content=content, recipient=recipient[:320], now=timezone.now())
        self.stdout.write(f"{outcome.taken}: {outcome.sentence}")
