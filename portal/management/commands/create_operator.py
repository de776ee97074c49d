"""``manage.py create_operator``: the first person who can run the portal."""

import getpass
import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.organizations.models import User


class Command(BaseCommand):
    help = "Create a portal operator, who runs the portal and can act for no organization."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--password-env", metavar="NAME", help="take the password from this environment variable instead of asking"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(email__iexact=options["email"]).exists():
            raise CommandError(f"There is a login for {options['email']} already.")
        password = self._password(options["password_env"])
        user = User(email=options["email"], name=options["name"])
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        User.objects.create_user(options["email"], password, name=options["name"], is_operator=True)
        self.stdout.write(f"Operator {options['name']} created. Sign in and set up a passkey or an authenticator app.")

    def _password(self, variable: str | None) -> str:
        if variable:
            return os.environ.get(variable, "")
        try:
            return getpass.getpass("Password (at least 12 characters): ")
        except EOFError as error:
            raise CommandError(
                "Nobody can type a password here: name a variable that has it with --password-env."
            ) from error
