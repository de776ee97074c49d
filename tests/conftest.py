"""Fixtures by name, for all tests; what a test needs beyond them comes from ``tests.makers``."""

import pytest
import time_machine
from django.core.cache import cache

from portal.counting import services as counting
from tests.cast import cast  # noqa: F401
from tests.moments import EVERYTHING_VALID
from tests.order import long_files_first


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Give the workers of a run the long files first. A run without workers keeps the order in which things were asked for."""
    if hasattr(config, "workerinput"):
        long_files_first(items)


@pytest.fixture(autouse=True)
def _fresh_cache(request):
    """Start each test that uses Django's cache with an empty one."""
    yield
    cache.clear()
    counting.forget()


@pytest.fixture(autouse=True)
def _the_run_began_just_now(request):
    """Start each test at the moment around which everything is made, however long the tests before it took.

    Not those with programs beside them that tell the time themselves.
    """
    if any(request.node.get_closest_marker(each) for each in ("real_clock", "processes", "production")):
        yield
        return
    with time_machine.travel(EVERYTHING_VALID, tick=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def _emptying_databases_is_allowed():
    """Let transactional tests empty append-only tables: SQLite has no TRUNCATE, so its triggers would refuse."""
    from django.core.management.commands import flush

    from portal.audit import triggers

    original = flush.Command.handle

    def handle(self, **options):
        triggers.remove(options["database"])
        original(self, **options)
        triggers.install(options["database"])

    flush.Command.handle = handle
    yield
    flush.Command.handle = original


@pytest.fixture
def now():
    """The moment at which every made key and certificate is in force."""
    return EVERYTHING_VALID
