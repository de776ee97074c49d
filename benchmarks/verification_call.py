"""What a clean verification call costs the two people: keys, clicks and requests, in two real browsers.

Run ``python -m benchmarks.verification_call [calls]``; it writes docs/measurements/verification-call.md. It starts its own server
on a free port, with a database of its own. The people of this measurement do not think or speak: seconds are the machine's share.
"""

import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

import django
from django.conf import settings

# The tables are made from the models, as in the tests.
settings.MIGRATION_MODULES = dict.fromkeys(("portal", "trust", "notifications"))
django.setup()

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from django.test.utils import setup_databases, setup_test_environment, teardown_databases
from django.urls import reverse
from playwright.sync_api import sync_playwright

from tests import cast as casts
from tests.browser.two_people import Seat, sit_down
from tests.makers import calls

REPORT = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "verification-call.md"
KINDS = {"Root CA, SHA-256, 16 groups": ("certificate", 64), "OpenPGP key, version 4, 10 groups": ("openpgp_key", 40)}


def one_call(browser: Any, url: str, cast: casts.Cast, kind: str, length: int) -> dict[str, float]:
    """Make one clean call by keyboard, and return what it took."""
    fingerprint = os.urandom(length // 2).hex()
    about = calls.request(cast, item_kind=kind, fingerprint=fingerprint)
    verifier = sit_down(browser, cast.birch.verifier, url)
    reader = sit_down(browser, cast.alder.verifier, url)
    polls = {"verifier": 0, "reader": 0}
    for name, seat in (("verifier", verifier), ("reader", reader)):
        _count_polls(seat, name, polls)
    verifier.page.goto(reverse("verification_start", args=[cast.partnership.slug, about.pk]))
    started = time.perf_counter()
    verifier.press("Enter")
    verifier.sees("Match the call code")
    reader.page.goto(verifier.page.url)
    reader.press("Enter")
    code = reader.page.locator(".codebig").inner_text()
    verifier.sees("is signed in and on the call.")
    verifier.type(code)
    verifier.sees("Which record will they read from?")
    verifier.press("Space")
    verifier.press("Enter")
    verifier.sees("Type what you hear")
    for index in range(length // 4):
        verifier.type(fingerprint[index * 4 : index * 4 + 4].upper())
        if index + 1 < length // 4:
            verifier.page.locator(f"[data-box='{index + 1}'].m").wait_for()
    verifier.sees("Read it back")
    reader.sees("Listen and compare")
    verifier.press("Enter")
    verifier.sees("You are done. Waiting for")
    reader.press("Enter")
    reader.sees("groups matched.")
    verifier.sees("groups matched.")
    seconds = time.perf_counter() - started
    for seat in (verifier, reader):
        seat.page.context.close()
    return {
        "verifier keys": verifier.keys,
        "verifier clicks": verifier.clicks,
        "reader keys": reader.keys,
        "reader clicks": reader.clicks,
        "verifier requests": verifier.requests - polls["verifier"],
        "reader requests": reader.requests - polls["reader"],
        "polls of both": polls["verifier"] + polls["reader"],
        "machine seconds": seconds,
    }


def _count_polls(seat: Seat, name: str, polls: dict[str, int]) -> None:
    def seen(request: Any) -> None:
        polls[name] += request.url.endswith("/state")

    seat.page.on("request", seen)


def report(results: dict[str, list[dict[str, float]]]) -> str:
    """Return the measurement as Markdown."""
    lines = [
        "# A clean verification call, measured",
        "",
        "Two Chromium browsers at once, keyboard only, one call after another; medians. Made by "
        "`python -m benchmarks.verification_call`.",
        "",
        "| | " + " | ".join(results) + " |",
        "| --- |" + " --- |" * len(results),
    ]
    names = list(next(iter(results.values()))[0])
    for name in names:
        values = [statistics.median(run[name] for run in runs) for runs in results.values()]
        shown = [f"{value:.1f}" if name == "machine seconds" else f"{value:.0f}" for value in values]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    runs = len(next(iter(results.values())))
    lines += [
        "",
        f"{runs} calls of each kind. *Keys*: every key that a person presses, the 4 digits of the call code and the fingerprint "
        "itself included; there is one key for each character that has to be heard, and 8 beside them. *Requests* are those of a "
        "cold browser, style sheet, fonts and icons included; the polls that keep the two pages in step (one a second and page) "
        "are counted apart, since a real call takes minutes. *Machine seconds* is the whole call with nobody thinking or speaking, "
        "on two cores that ran both browsers, the server and other work.",
        "",
    ]
    return "\n".join(lines)


def main(count: int) -> None:
    """Measure ``count`` calls of each kind and write the report."""
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    try:
        cast = casts.everybody()
        calls.contact_of(cast.alder.verifier)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            results = {
                label: [one_call(browser, f"http://127.0.0.1:{server.port}", cast, kind, length) for _ in range(count)]
                for label, (kind, length) in KINDS.items()
            }
            browser.close()
    finally:
        server.terminate()
        teardown_databases(databases, verbosity=0)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(report(results), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
