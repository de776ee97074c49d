"""The command that makes the first operator."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.organizations.models import User

OLGA = ("--email", "olga@portal.example", "--name", "Olga")


def test_takes_the_password_from_the_environment(db, monkeypatch):
    monkeypatch.setenv("OPERATORS_PASSWORD", "a sentence nobody else would write")

    call_command("create_operator", *OLGA, "--password-env", "OPERATORS_PASSWORD", stdout=io.StringIO())

    assert User.objects.get(email="olga@portal.example").is_operator


def test_says_how_where_nobody_can_type(db, monkeypatch):
    monkeypatch.setattr("getpass.getpass", _nobody)

    with pytest.raises(CommandError, match="--password-env"):
        call_command("create_operator", *OLGA)


def _nobody(prompt):
    raise EOFError
