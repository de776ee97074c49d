"""How long publishing takes: ``python -m benchmarks.publish``. Writes docs/measurements/publishing.md.

A store of 150 certificates of which each publication replaces one: composing, every format, reading each back, TUF metadata and the
event, in one transaction. Once with few consumers and old versions, and once with many. CPU time beside time, because it moves less
when other work runs on the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machines import ROOT, SERVER_CORE, Machines

OUTPUT = ROOT / "docs" / "measurements" / "publishing.md"
CERTIFICATES = 150
FEW, MANY = (10, 1), (10_000, 1_000)  # consumers, versions before


def publications(times: int, consumers: int, versions: int) -> list[tuple[float, float]]:
    """Publish, and return the seconds and the CPU seconds of each time. Runs in a process with a database of its own."""
    from django.core.management import call_command
    from django.db import transaction

    from benchmarks import seed
    from trust.stores import grounds, publishing, rules
    from trust.stores.models import StoreVersion

    call_command("migrate", verbosity=0, run_syncdb=True)
    with transaction.atomic():
        _, submission, actor, second = seed.companies()
        store = seed.store("measured-prod", submission)
        seed.old_versions(store, versions - 1)
        seed.publish(store, submission, CERTIFICATES, actor, second)
        seed.many_consumers(consumers, [store])
    key = seed.ec.generate_private_key(seed.ec.SECP256R1())
    found = []
    for number in range(times):
        row = seed.certificate(1000 + number, key)
        row.save(force_insert=True)
        added = rules.Entry(row.sha256, rules.ANCHOR, str(submission.pk), "110a" * 10, str(seed.uuid.uuid4()))
        started, used = time.perf_counter(), time.process_time()
        with transaction.atomic():
            locked = publishing.lock(store)
            current = grounds.entries_of(publishing.current_version(locked))
            publishing.publish(
                store=locked,
                composition=rules.replace_contents(current, [*current[1:], added]),
                kind=StoreVersion.Kind.SUBMISSION,
                actor=actor,
                now=seed.datetime.now(UTC),
                reason="A measurement.",
                first_people=[second],
                submission=submission,
            )
        found.append((time.perf_counter() - started, time.process_time() - used))
    return found


def measure(times: int, consumers: int, versions: int) -> list[tuple[float, float]]:
    """Return what one configuration takes."""
    with tempfile.TemporaryDirectory(prefix="publishing-") as folder:
        environment = Machines(Path(folder)).environment()
        command = ["taskset", "-c", SERVER_CORE, sys.executable, "-m", "benchmarks.publish", "--inside"]
        words = [str(each) for each in (times, consumers, versions)]
        done = subprocess.run(
            [*command, *words], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        return [tuple(each) for each in json.loads(done.stdout.splitlines()[-1])]


def page(found: dict[tuple[int, int], list[tuple[float, float]]]) -> str:
    """Return the measurements as a page."""
    lines = [
        "# Publishing a version",
        "",
        f"Measured on {datetime.now(UTC):%d %b %Y} with `python -m benchmarks.publish`: a store of {CERTIFICATES} certificates, of"
        " which each publication replaces one; composed, written in every format and read back, signed as TUF metadata, and logged,"
        f" in one transaction on SQLite, on one core. Load of the machine at the end: {os.getloadavg()[0]:.1f}. Target: a second.",
        "",
        "| Consumers | versions before | median, ms | longest, ms | CPU median, ms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (consumers, versions), each in found.items():
        took, used = [wall for wall, _ in each], [cpu for _, cpu in each]
        lines.append(
            f"| {consumers:,} | {versions:,} | {statistics.median(took) * 1000:.0f} | {max(took) * 1000:.0f} |"
            f" {statistics.median(used) * 1000:.0f} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    parser.add_argument("--inside", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        import django

        django.setup()
        print(json.dumps(publications(*options.inside)))
        return
    text = page({each: measure(options.times, *each) for each in (FEW, MANY)})
    print(text)
    if not options.print:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
