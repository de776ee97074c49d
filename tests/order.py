"""In which order the workers of a run take the files of the suite: the long ones first, so that no core is left waiting for one.

xdist's own order is by the number of tests, so a file with one test of a minute came last (``pyproject.toml`` turns that order
off). The seconds are rough, from a machine with much else to do; the longest of all are a guess. They only tell which files are
long for the few tests that they have. A file that is not here counts by its tests.
"""

from collections import Counter

import pytest

SECONDS_A_TEST = 0.3
SECONDS = {
    "tests/browser/test_the_exchange.py": 200,
    "tests/journeys/test_a_fault_loses_nothing.py": 180,
    "tests/journeys/test_a_lost_message_is_found_again.py": 146,
    "tests/browser/test_pages.py": 144,
    "tests/journeys/test_a_webhook_survives_its_worker.py": 120,
    "tests/promises/test_permissions.py": 113,
    "tests/browser/test_call.py": 60,
    "tests/browser/test_call_pages.py": 55,
    "tests/promises/test_api_schema.py": 50,
    "tests/attacks/test_every_address.py": 34,
    "tests/journeys/test_a_revocation_reaches_everyone.py": 34,
    "tests/browser/test_keys.py": 30,
    "tests/browser/test_notices.py": 30,
    "tests/attacks/test_lock_order.py": 30,
    "tests/browser/test_submissions.py": 26,
    "tests/promises/test_query_counts.py": 20,
    "tests/attacks/test_two_publishers.py": 15,
    "tests/attacks/test_bad_receivers.py": 12,
    "tests/client/test_killed.py": 10,
    "tests/features/trust/stores/test_envoy.py": 10,
}


def long_files_first(items: list[pytest.Item]) -> None:
    """Put the files that take long first; what is in a file keeps its order. The same for every worker of a run."""
    tests = Counter(_file(item) for item in items)
    items.sort(key=lambda item: (-SECONDS.get(_file(item), tests[_file(item)] * SECONDS_A_TEST), _file(item)))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
