"""The migrations make the tables that the models describe."""

from io import StringIO

import pytest
from django.core.management import call_command


@pytest.fixture
def with_migrations(settings):
    # --nomigrations hides them from the rest of the suite.
    settings.MIGRATION_MODULES = {}


@pytest.mark.django_db
def test_no_migration_is_missing(with_migrations):
    out = StringIO()

    try:
        call_command("makemigrations", "--check", "--dry-run", "--verbosity", "1", stdout=out, no_color=True)
    except SystemExit:
        pytest.fail(f"Models changed without a migration:\n{out.getvalue()}")
