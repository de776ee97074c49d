"""What pages cost with many consumers: ``python -m benchmarks.consumers [--consumers 100000]``.

Opens each page as a signed-in member, in this process, and takes the median of several times. Writes
docs/measurements/consumers.md.
"""

import argparse
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "measurements" / "consumers.md"
PAGES = {
    "Consumers": "/consumers/",
    "Consumers that are silent": "/consumers/?state=silent",
    "Consumers by name": "/consumers/?q=service-777",
    "One consumer": "/consumers/service-7/",
    "Consumers of a store, by version": "/trust-stores/small-prod/consumers/",
    "A trust store": "/trust-stores/small-prod/",
    "Trust stores": "/trust-stores/",
    "Adoption, over the API": "/api/v1/trust-stores/small-prod/adoption",
}
TIMES = 5


def seeded(count: int) -> object:
    """Make ``count`` consumers in every state, and return a browser in which an officer is signed in."""
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    from allauth.mfa.models import Authenticator
    from django.core.management import call_command
    from django.db import transaction
    from django.test import Client

    from benchmarks import seed
    from portal import sealing
    from trust.consumers.models import Consumer, PullRecord

    call_command("migrate", verbosity=0, run_syncdb=True)
    with transaction.atomic():
        _, submission, actor, second = seed.companies()
        store = seed.store("small-prod", submission)
        seed.old_versions(store, 4)
        seed.publish(store, submission, 7, actor, second)
        seed.many_consumers(count, [store])
        PullRecord.objects.bulk_create(
            (
                PullRecord(
                    consumer=each,
                    store=store,
                    pulled_at=seed.NOW - seed.timedelta(hours=at % 3),
                    version_number=5 if at % 20 else 1 + at % 4,
                )
                for at, each in enumerate(Consumer.objects.order_by("name"))
                if at % 50
            ),
            batch_size=5000,
        )
    # Whoever has no second factor is asked to set one up before anything is shown.
    Authenticator.objects.create(
        user=actor.user, type=Authenticator.Type.TOTP, data={"secret": sealing.seal("MEASURED")}
    )
    client = Client()
    client.force_login(actor.user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time.time()}]
    session["account_authentication_methods_user"] = str(actor.user.pk)
    session["organization"] = str(store.relying_id)
    session.save()
    return client


def measure(count: int) -> dict[str, tuple[float, float, float, int]]:
    """Return milliseconds, CPU milliseconds, those of the first time when nothing is kept, and queries of each page."""
    client = seeded(count)
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    found = {}
    for label, address in PAGES.items():
        took, used, asked = [], [], 0
        cache.clear()
        for _ in range(TIMES):
            started, cpu = time.perf_counter(), time.process_time()
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(address)
            took.append(time.perf_counter() - started)
            used.append(time.process_time() - cpu)
            asked = len(captured)
            if answer.status_code != 200:
                raise SystemExit(f"{address} answered {answer.status_code}")
        found[label] = (statistics.median(took) * 1000, statistics.median(used) * 1000, used[0] * 1000, asked)
    return found


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consumers", type=int, default=100_000)
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="consumers-") as folder:
        os.environ |= {"EXCHANGE_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
        found = measure(options.consumers)
    lines = [
        "# Pages with many consumers",
        "",
        f"Measured on {datetime.now(UTC):%d %b %Y} with `python -m benchmarks.consumers`: {options.consumers:,} consumers of one"
        f" store, on SQLite, median of {TIMES}. Load of the machine at the end: {os.getloadavg()[0]:.1f}, so look at the CPU time.",
        "",
        "| Page | ms | CPU, ms | CPU of the first time, ms | queries |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {label} | {took:,.0f} | {used:,.0f} | {first:,.0f} | {asked} |"
            for label, (took, used, first, asked) in found.items()
        ),
        "",
        "Numbers of more than 10,000 consumers of a store are kept for 15 seconds; the first time has nothing kept.",
        "",
        "The pull does not grow with the number of consumers: see [serving](serving.md).",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if not options.print:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
