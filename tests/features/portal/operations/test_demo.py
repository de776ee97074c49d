"""``manage.py demo`` where it cannot be played; tests/journeys plays it."""

import socket

import pytest
from django.core.management import CommandError, call_command

from portal.organizations.models import Organization


@pytest.mark.django_db
def test_makes_nothing_and_says_what_to_do_when_no_portal_answers(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens

        with pytest.raises(CommandError, match=r"No portal answers .*make run"):
            call_command("demo", base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert not Organization.objects.exists()
    assert not (tmp_path / "demo").exists()
