"""``manage.py totp SECRET``: the code that an authenticator app would show, for trying out the demonstration."""

import binascii
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.operations.demo.browser import code


class Command(BaseCommand):
    help = "Print the six digits for a TOTP secret now, and for how many seconds they hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("secret", help="the secret, in base32, as the portal showed it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            digits = code(options["secret"].replace(" ", "").upper())
        except (binascii.Error, ValueError) as error:
            raise CommandError("That is not a TOTP secret in base32.") from error
        self.stdout.write(f"{digits}  ({30 - int(time.time()) % 30} s)")
