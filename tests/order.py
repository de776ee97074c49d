"""In which order the workers of a run take the files of the suite: the long ones first, so that no core is left waiting for one.

xdist's own order is by the number of tests, so a file with one test of a minute came last (``pyproject.toml`` turns that order
off). The seconds are of one core that shares the machine. They need not be exact: they tell which files are long for the few
tests that they have. A file that is not here counts by its tests.
"""

from collections import Counter

import pytest

SECONDS_A_TEST = 0.3
SECONDS = {
    "tests/browser/test_the_exchange.py": 150,
    "tests/promises/test_permissions.py": 113,
    "tests/journeys/test_a_fault_loses_nothing.py": 90,
    "tests/attacks/test_every_address.py": 60,
    "tests/browser/test_call.py": 60,
    "tests/features/portal/operations/test_demo.py": 60,
    "tests/journeys/test_a_lost_message_is_found_again.py": 60,
    "tests/journeys/test_a_webhook_survives_its_worker.py": 60,
    "tests/promises/test_api_schema.py": 50,
    "tests/client/test_killed.py": 40,
}


def long_files_first(items: list[pytest.Item]) -> None:
    """Put the files that take long first; what is in a file keeps its order. The same for every worker of a run."""
    tests = Counter(_file(item) for item in items)
    items.sort(key=lambda item: (-SECONDS.get(_file(item), tests[_file(item)] * SECONDS_A_TEST), _file(item)))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
