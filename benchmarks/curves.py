"""How pages and sweeps grow with partnerships: ``python -m benchmarks.curves [--certificates 100000]``.

Ten, a hundred and a thousand partnerships share the same number of certificates. Opens each page as a signed-in officer, in this
process, and runs each sweep when there is nothing new to do; medians of several times. Writes docs/measurements/curves.md.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "measurements" / "curves.md"
SIZES = (10, 100, 1000)
PAGES = {
    "Home": "/",
    "Partnerships": "/partnerships/",
    "One partnership": "/p/partner-7-birch/",
    "Its checklist": "/p/partner-7-birch/onboarding/",
    "Inventory": "/inventory/",
    "Inventory, trusted and ending in 30 days": "/inventory/?state=trusted&expiring=30",
    "Inventory, by subject": "/inventory/?q=issuing",
    "Expiry picture": "/inventory/expiry/",
    "Trust stores": "/trust-stores/",
    "Notices": "/notices/",
    "Audit log": "/audit/",
    "Search": "/search/?q=partner-7",
    "Partnerships, over the API": "/api/v1/partnerships",
    "Inventory, over the API": "/api/v1/inventory",
}
TIMES = 5
Measured = dict[str, tuple[int, float]]  # queries, seconds


def seeded(count: int, certificates: int) -> Any:
    """Make ``count`` partnerships with ``certificates`` in all, and return a browser in which an officer is signed in."""
    from django.db import transaction

    from tests.cast import everybody
    from tests.makers import many

    with transaction.atomic():
        cast = everybody()
        many.partners(cast, range(1, count + 1), certificates=certificates // count)
    return cast.birch.officer.client()


def sweeps() -> dict[str, Callable[[], object]]:
    """Return the sweeps by name, and a scrape; each does nothing new when it is run again."""
    from django.utils import timezone

    from notifications.acknowledgements import services as acknowledgements
    from notifications.fanout import services as fanout
    from portal.operations import exposition
    from trust.inventory import expiries
    from trust.notices import life

    return {
        "Sweep of events, told already": lambda: fanout.sweep(now=timezone.now()),
        "Sweep of expiring certificates, told already": lambda: expiries.tell_expiries(now=timezone.now()),
        "Sweep of notices that wait": lambda: life.sweep(now=timezone.now()),
        "Sweep of silence about notices": lambda: acknowledgements.sweep(now=timezone.now()),
        "Scrape of /metrics": lambda: exposition.written(timezone.now(), ""),
    }


def measured(act: Callable[[], object]) -> tuple[int, float]:
    """Return how many queries ``act`` makes, and the median of its seconds, once everything is warm."""
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    act()
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        act()
        queries = len(asked)
    seconds = []
    for _ in range(TIMES):
        cache.clear()
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return queries, statistics.median(seconds)


def opened(browser: Any, address: str) -> None:
    answer = browser.get(address)
    assert answer.status_code in (200, 302), (address, answer.status_code)


def one_size(count: int, certificates: int) -> Measured:
    """Measure everything with ``count`` partnerships, in a database of its own."""
    from django.test.utils import setup_databases, teardown_databases

    databases = setup_databases(verbosity=0, interactive=False)
    try:
        browser = seeded(count, certificates)
        found = {name: measured(lambda at=address: opened(browser, at)) for name, address in PAGES.items()}
        acts = sweeps()
        while acts["Sweep of events, told already"]():
            pass
        return found | {name: measured(act) for name, act in acts.items()}
    finally:
        teardown_databases(databases, verbosity=0)


def report(results: dict[int, Measured], certificates: int) -> str:
    """Return the measurement as Markdown."""
    first, last = SIZES[0], SIZES[-1]
    lines = [
        "# How pages grow with partnerships",
        "",
        f"Measured on {datetime.now(UTC):%-d %b %Y} with `python -m benchmarks.curves`: {certificates:,} CA certificates among "
        f"{', '.join(f'{size:,}' for size in SIZES)} partnerships of one organization, each with a verified key, an agreement, a "
        "published store, a service, a notice that waits, a webhook and a contact. SQLite, one process, nothing kept in caches, "
        f"medians of {TIMES}. Python {platform.python_version()}.",
        "",
        "| | " + " | ".join(f"{size:,}: queries | ms" for size in SIZES) + f" | **time, {last:,} to {first:,}** |",
        "| --- |" + " --- | --- |" * len(SIZES) + " --- |",
    ]
    for name in results[first]:
        cells = " | ".join(f"{results[size][name][0]} | {results[size][name][1] * 1000:,.0f}" for size in SIZES)
        ratio = results[last][name][1] / results[first][name][1]
        lines.append(f"| {name} | {cells} | **{ratio:.1f}** |")
    lines += [
        "",
        "Prometheus gives up on a scrape after 10 s by default; what `/metrics` takes is to be far below that. "
        "The number of queries is what a page costs by its nature; `tests/promises/test_query_counts.py` holds it still. "
        "Milliseconds move from machine to machine, and with what else runs there; the ratios are what to keep.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=int, default=100_000)
    certificates = parser.parse_args().certificates
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ.setdefault("EXCHANGE_DATA_DIR", tempfile.mkdtemp(prefix="curves-"))
    import django
    from django.conf import settings
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    settings.MIGRATION_MODULES = dict.fromkeys(("portal", "trust", "notifications"))
    results = {}
    for size in SIZES:
        results[size] = one_size(size, certificates)
        print(f"{size} partnerships: measured", flush=True)
    OUTPUT.write_text(report(results, certificates), encoding="utf-8")
    print(OUTPUT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
