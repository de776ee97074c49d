"""How fast webhooks leave: one worker process against a bare client, a slow receiver among quick ones, and a long log.

Run ``python -m benchmarks.fanout``; it starts a PostgreSQL and receivers of its own and writes docs/measurements/fanout.md.

*Worker*: what the Celery task does, in one process: claims, signs (Ed25519, a key for each endpoint), posts with up to 50 in flight
through the guard, and records every attempt with its request and answer. *Serial*: the same bodies and headers to the same
receivers by one ``requests.Session``, one after another, and nothing recorded.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "docs" / "measurements" / "fanout.md"
ENDPOINTS, EVENTS = 50, 20  # a thousand deliveries
LISTENERS = 10
LOG = 1_000_000
SWEEPS = 30
WORKER_CORE, OTHER_CORE = 0, 1


def on_core(core: int) -> None:
    """Keep this process, and what it starts, to one core, if the machine has it."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {core})


class Receivers:
    """The process of the receivers, on the other core."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.listeners", str(LISTENERS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: on_core(OTHER_CORE),
        )
        self.ports: list[int] = json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def report(self) -> dict[str, tuple[float, int]]:
        """Return what arrived since the last report: path -> moment of the last request, number."""
        assert self._process.stdin
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        return {path: (last, count) for path, (last, count) in json.loads(self._line()).items()}

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def in_child(act: str) -> dict[str, Any]:
    """Run ``act`` in a fresh process on the worker's core, and return what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fanout", "--act", act],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: on_core(WORKER_CORE),
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measured(work: Any) -> dict[str, float]:
    """Return what ``work`` took: seconds, and seconds of user and system time of this process."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"began": began, "seconds": took, "cpu": cpu}


def worker() -> dict[str, float]:
    """Deliver what is due, as the task does, and return what it took."""
    from notifications.fanout import tasks
    from notifications.webhooks import delivering  # noqa: F401 - imported before the clock starts

    _warm_up()
    return measured(tasks.deliver_webhooks)


def serial() -> dict[str, float]:
    """Make the same posts with one ``requests.Session``."""
    import requests

    posts = _prepared()

    def work() -> None:
        with requests.Session() as session:
            for url, body, headers in posts:
                session.post(url, data=body, headers=headers, timeout=10).raise_for_status()

    return measured(work)


def _warm_up() -> None:
    """Open the database's connection and load what the first delivery loads, as in a worker that runs already."""
    from django.utils import timezone

    from notifications.webhooks import delivering

    delivering.deliver(now=timezone.now().replace(year=2000))


def _prepared() -> list[tuple[str, bytes, dict[str, str]]]:
    from django.utils import timezone

    from notifications.models import Delivery, WebhookEndpoint
    from notifications.webhooks import outbound

    endpoints = {str(each.pk): each for each in WebhookEndpoint.objects.all()}
    posts = [
        outbound.post(endpoints[each.recipient], message_id=str(each.pk), body=each.body, now=timezone.now(), key=1)
        for each in Delivery.objects.filter(channel="webhook", recipient_label__startswith="quick")
    ]
    return [(each.url, each.body, each.headers) for each in posts]


def make_due(ports: list[int]) -> None:
    """Make the endpoints and a thousand deliveries of about 2 KB."""
    from django.utils import timezone

    from portal.organizations.models import Organization, User
    from tests.makers.events import record

    now = timezone.now()
    birch = Organization.objects.create(slug="birch", name="Birch", short_code="BI", created_at=now)
    User.objects.create_user("ana@birch.example", "correct horse battery", name="Ana")
    for number in range(ENDPOINTS):
        _endpoint(birch, f"quick-{number}", f"http://127.0.0.1:{ports[number % len(ports)]}/quick/{number}", now)
    _endpoint(birch, "slow", f"http://127.0.0.1:{ports[0]}/slow", now)
    data = {"label": "BI-2026-001", "title": "A drill", "reason": "x" * 1500, "rehearsal": True}
    for _ in range(EVENTS):
        record(birch, now, kind="notice.apply_failed", data=data)
    from notifications.fanout import services

    services.sweep(now=now)


def _endpoint(organization: Any, name: str, url: str, now: datetime) -> Any:
    from notifications.models import WebhookEndpoint
    from notifications.webhooks import services

    made = WebhookEndpoint.objects.create(
        organization=organization,
        name=name,
        url=url,
        event_types=["notice.*"],
        state="active",
        created_at=now,
        proven_at=now,
    )
    services._new_key(made, now)
    return made


def due_again() -> int:
    """Make all deliveries due as if never tried, and return how many there are."""
    from django.utils import timezone

    from notifications.models import Attempt, Delivery

    Attempt.objects.all().delete()
    Delivery.objects.filter(recipient_label="slow").update(state="dead", next_attempt_at=None)
    return Delivery.objects.filter(recipient_label__startswith="quick").update(
        state="pending", tries=0, next_attempt_at=timezone.now(), claim=None, finished_at=None
    )


def to_slow(*, state: str) -> None:
    """Make the slow endpoint take part, or not."""
    from notifications.models import WebhookEndpoint

    WebhookEndpoint.objects.filter(name="slow").update(
        state=state, failures=0, failing_since=None, told_at=None, warned=False, last_success_at=None
    )


def spread(receivers: Receivers, *, slow: bool) -> dict[str, float]:
    """Deliver the thousand, and return after how many seconds the last of the quick ones was tried, and when all was over.

    With ``slow``, as many deliveries as one quick endpoint has are due to the slow one, and are the first in line.
    """
    from django.utils import timezone

    from notifications.models import Delivery

    to_slow(state="active" if slow else "paused")
    due_again()
    if slow:
        before = timezone.now() - timedelta(minutes=1)
        Delivery.objects.filter(recipient_label="slow").update(
            state="pending", tries=0, next_attempt_at=before, claim=None, finished_at=None
        )
    receivers.report()
    took = in_child("worker")
    arrived = receivers.report()
    quick = {path: each for path, each in arrived.items() if path.startswith("/quick")}
    if sum(count for _, count in quick.values()) != ENDPOINTS * EVENTS:
        raise SystemExit(f"Not every delivery arrived: {arrived}")
    return {"last": max(moment for moment, _ in quick.values()) - took["began"], "over": took["seconds"]}


def sweeps() -> tuple[float, float]:
    """Return the median milliseconds of a sweep that finds nothing, and of one that finds one event."""
    from django.utils import timezone

    from notifications.fanout import services
    from portal.organizations.models import Organization
    from tests.makers.events import record

    birch = Organization.objects.get(slug="birch")
    idle, busy = [], []
    for _ in range(SWEEPS):
        idle.append(measured(lambda: services.sweep(now=timezone.now()))["seconds"])
        record(birch, timezone.now())
        busy.append(measured(lambda: services.sweep(now=timezone.now()))["seconds"])
    return statistics.median(idle) * 1000, statistics.median(busy) * 1000


def fill_log() -> None:
    """Add a million events to the log, and a hundred thousand finished deliveries, as years of use do."""
    from django.db import connection

    from portal.organizations.models import Organization

    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO audit_event (sequence, at, kind, actor_kind, actor_id, actor_label, audience, subject_kind, subject_id,
                                     data, previous_hash, hash)
            SELECT head.sequence + n, now(), 'webhook.undeliverable', 'portal', '', 'Portal', 'organization', 'delivery', '1',
                   '{"recipient": "pager-bridge"}', repeat('0', 64), repeat('0', 64)
            FROM audit_chain_head AS head, generate_series(1, %s) AS n
            """,
            [LOG],
        )
        cursor.execute("UPDATE audit_chain_head SET sequence = sequence + %s", [LOG])
        cursor.execute("UPDATE notifications_cursor SET sequence = sequence + %s", [LOG])
        cursor.execute(
            """
            INSERT INTO notifications_delivery (id, event_id, organization_id, channel, recipient, recipient_label, urgent, body,
                                                state, tries, tries_before, created_at, finished_at)
            SELECT gen_random_uuid(), event.sequence, %s, 'webhook', 'gone', 'gone', false, '', 'delivered', 1, 0, now(), now()
            FROM audit_event AS event WHERE event.sequence > (SELECT max(sequence) - 100000 FROM audit_event)
            """,
            [Organization.objects.get(slug="birch").pk],
        )
        cursor.execute("ANALYZE")


def plans() -> list[tuple[str, str]]:
    """Return what the database does for the two questions that are asked every two seconds."""
    from django.utils import timezone

    from notifications.deliveries import queries as deliveries
    from notifications.deliveries.rules import Channel
    from notifications.fanout import queries
    from portal.audit.models import Event

    new = Event.objects.filter(sequence__gt=queries.position()).order_by("sequence")[:200]
    due = deliveries.due(Channel.WEBHOOK, timezone.now())[:500]
    return [
        ("New events", new.explain(analyze=True, buffers=True)),
        ("Due deliveries", due.explain(analyze=True, buffers=True)),
    ]


def check() -> None:
    """Raise unless every delivery was made, each with one recorded attempt that holds request and answer."""
    from notifications.models import Attempt, Delivery

    made = Delivery.objects.filter(recipient_label__startswith="quick", state="delivered").count()
    kept = Attempt.objects.filter(outcome="delivered", status_code=200, exchange__has_key="request_headers").count()
    if not made == kept == ENDPOINTS * EVENTS:
        raise SystemExit(f"{made} deliveries and {kept} attempts are recorded.")


def page(rounds: list[dict[str, Any]], spreads: dict[str, list[dict[str, float]]], log: dict[str, Any]) -> str:
    """Return the measurement as Markdown."""
    from notifications.webhooks import places

    number = ENDPOINTS * EVENTS

    def median(who: str, what: str) -> float:
        return statistics.median(each[who][what] for each in rounds)

    ratios = [each["serial"]["seconds"] / each["worker"]["seconds"] for each in rounds]
    cpu = [each["serial"]["cpu"] / each["worker"]["cpu"] for each in rounds]
    load = ", ".join(f"{each:.0f}" for each in sorted(each["load"] for each in rounds))
    quick = {name: statistics.median(each["last"] for each in found) for name, found in spreads.items()}
    return "\n".join(
        [
            "# Speed of the fan-out",
            "",
            f"Measured on {datetime.now(UTC):%d %b %Y} with `python -m benchmarks.fanout`: {len(rounds)} interleaved rounds of"
            f" {number:,} deliveries of about 2 KB to {ENDPOINTS} endpoints ({EVENTS} each). The worker, or the serial client, is"
            " one process on one core; receivers and PostgreSQL (its usual settings, fsync on) share the other. Other people's"
            f" programs ran on both (load {load}), so the ratios and the CPU time are what to keep. Python"
            f" {sys.version.split()[0]}.",
            "",
            "| | seconds, median | posts/s | user and system CPU, seconds |",
            "| --- | --- | --- | --- |",
            *(
                f"| {label} | {median(who, 'seconds'):.2f} | {number / median(who, 'seconds'):,.0f} | {median(who, 'cpu'):.2f} |"
                for who, label in (
                    ("serial", "serial `requests.Session`, no records"),
                    ("worker", "worker, every attempt recorded"),
                )
            ),
            "",
            f"**Worker to serial: {statistics.median(ratios):.2f} by the clock** (rounds: {_list(ratios)}) **and"
            f" {statistics.median(cpu):.2f} by CPU time** (rounds: {_list(cpu)}); at least 0.4 is wanted. Above 1 the worker is"
            " the faster one: it keeps up to 50 posts in flight where the serial client waits for each answer, and claims and"
            " records in groups. On a busy machine the serial client waits longer for each answer, which flatters the worker by"
            " the clock and not by CPU time. The CPU time of PostgreSQL is not in these figures.",
            "",
            "With batches one after another, a locked and rewritten row for each endpoint and group, and attempts changed by one"
            " CASE for each column, the same measurement stood at 0.35 by the clock and 0.38 by CPU time.",
            "",
            "*Worker* is what the Celery task does: claim, sign with Ed25519 (a key for each endpoint), post through the guard, and"
            " write each attempt with request and answer. After each round it is checked that every delivery is delivered and has"
            " one attempt with its request and its 200.",
            "",
            "## One slow endpoint",
            "",
            f"{EVENTS} deliveries to an endpoint that answers after 10 seconds stand first in line, before the {number:,}. The last"
            f" of the others was tried {quick['with']:.2f} s after the worker began, against {quick['without']:.2f} s without the"
            f" slow one (medians of {len(spreads['with'])}). **The bound:** an endpoint that has not answered yet gets"
            f" {places.UNKNOWN} of the {places.PLACES} places, one that answers soon at most {places.PER_ENDPOINT}. A post that is"
            f" not answered after {places.SLOW_AFTER:g} s leaves its place to another and waits on in a room of {places.ROOM}; from"
            f" then on its endpoint begins there, with at most {places.ROOM_PER_ENDPOINT} at once, until it answers sooner. So"
            f" {places.ROOM} endpoints that begin to hang in the same moment hold up the others for"
            f" {places.ROOM // places.PLACES * places.SLOW_AFTER:g} s, once; more than"
            f" {places.ROOM + places.PLACES} can take every place, for at most the 10 s of a timeout, once, since the next"
            " time they are known. What a slow one has due beyond its share is put back, and counts as not tried.",
            "",
            "## A million events in the log",
            "",
            "| | sweep that finds nothing, ms | sweep that finds one event, ms |",
            "| --- | --- | --- |",
            f"| log of {log['few']:,} events | {log['before'][0]:.1f} | {log['before'][1]:.1f} |",
            f"| log of {log['many']:,} events, 100,000 finished deliveries | {log['after'][0]:.1f} | {log['after'][1]:.1f} |",
            "",
            f"Medians of {SWEEPS}. The cursor is found by the log's primary key, and what is due by an index that holds only"
            " what is pending:",
            "",
            *(f"{name}:\n\n```text\n{plan}\n```\n" for name, plan in log["plans"]),
        ]
    )


def _list(ratios: list[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in ratios)


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Start a PostgreSQL with its usual settings, on the other core, and point this process and its children there."""
    from tests.makers import servers

    cores = os.sched_getaffinity(0)
    on_core(OTHER_CORE)
    server = servers.Postgres()
    try:
        server.start()
        os.sched_setaffinity(0, cores)
        os.environ["DATABASE_URL"] = server.url
        os.environ["WEBHOOK_ALLOWED_ADDRESSES"] = "127.0.0.1/32"
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
        yield
    finally:
        server.remove()


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--print", action="store_true", help="print the page and leave the file alone")
    parser.add_argument("--act", choices=["worker", "serial"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.act:
        import django

        django.setup()
        print(json.dumps({"worker": worker, "serial": serial}[options.act]()))
        return
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        receivers = Receivers()
        try:
            text = measure(receivers, options.rounds)
        finally:
            receivers.stop()
    print(text)
    if not options.print:
        OUTPUT.write_text(text, encoding="utf-8")


def measure(receivers: Receivers, count: int) -> str:
    """Run everything and return the page."""
    from portal.audit.models import Event

    make_due(receivers.ports)
    rounds = []
    for _ in range(count):
        once = {"serial": in_child("serial"), "load": os.getloadavg()[0]}
        due_again()
        rounds.append(once | {"worker": in_child("worker")})
        check()
    spreads = {name: [spread(receivers, slow=name == "with") for _ in range(3)] for name in ("without", "with")}
    log: dict[str, Any] = {"before": sweeps(), "few": Event.objects.count()}
    fill_log()
    log |= {"after": sweeps(), "many": Event.objects.count(), "plans": plans()}
    return page(rounds, spreads, log)


if __name__ == "__main__":
    main()
