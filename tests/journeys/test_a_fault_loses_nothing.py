"""The broker, the database or the clock fails while webhooks are due, and receivers misbehave: nothing is lost, and what comes
twice comes under the same id (cases 54, 55 and 61 of the threat model).

Real processes throughout. The servers are the tests' own, so that other tests do not lose theirs. Outages last as long as it takes
to see them; ``scripts/test-outages`` runs the same tests with outages of two minutes (``OUTAGE_SECONDS``).
"""

import os
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from tests.makers import listener as listeners
from tests.makers import servers
from tests.makers.clock import Clock
from tests.makers.running import RunningPortal, database, wait_for
from tests.makers.smtp import Sink

# How long what fails stays away, in seconds, with facts recorded in the middle of it.
OUTAGE = float(os.environ.get("OUTAGE_SECONDS", "0"))
pytestmark = [pytest.mark.processes, pytest.mark.timeout(600 + 4 * OUTAGE)]
on_postgresql = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"),
    reason="starts PostgreSQL or Redis; run where DATABASE_URL names a PostgreSQL, as .ci/run does",
)


@pytest.fixture
def listener():
    with listeners.running() as running:
        yield running


@pytest.fixture
def sink():
    with Sink() as sink:
        yield sink


@pytest.fixture
def make(tmp_path, sink):
    """Return what makes an installation with two people, and kill it afterwards."""
    made: list[RunningPortal] = []

    def portal(**environment: str) -> RunningPortal:
        portal = RunningPortal(
            tmp_path,
            database_url=environment.pop("database_url", "") or ends.enter_context(database()),
            EMAIL_URL=f"smtp://127.0.0.1:{sink.port}",
            WEBHOOK_ALLOWED_ADDRESSES="127.0.0.1/32",
            **{"DELIVERY_LEASE_SECONDS": "15"} | environment,
        )
        made.append(portal)
        portal.manage("migrate", "--run-syncdb", "--verbosity", "0")
        portal.facts("people")
        return portal

    with ExitStack() as ends:
        yield portal
        for each in made:
            each.kill_group()


def rehearse(portal: RunningPortal, count: int) -> None:
    """Commit ``count`` facts that the endpoint hears of; a process that cannot would fail the test."""
    writer = portal.begin("rehearse", str(count))
    writer.communicate(timeout=150)
    assert writer.returncode == 0


def outage(portal: RunningPortal | None = None, *, facts: int = 0) -> None:
    """Let the outage last, with ``facts`` committed when half of it is over."""
    time.sleep(OUTAGE / 2)
    if portal is not None and facts:
        rehearse(portal, facts)
    time.sleep(OUTAGE / 2)


def settled(portal: RunningPortal) -> dict:
    """Wait until nothing is owed any more, and return the report."""
    report = portal.facts("settled", "200")
    assert set(report["deliveries"].values()) == {"delivered"}
    assert (report["cursor"], report["chain"]) == (report["events"], [report["events"], True])
    return report


def ids(listener, path: str = "/hook") -> Counter:
    return Counter(each.id for each in listener.at(path))


def assert_repeats_are_told_apart(listener) -> None:
    """Whatever came twice came with the same bytes under the same id."""
    bodies: dict[str, set[bytes]] = {}
    for each in listener.received:
        bodies.setdefault(each.id, set()).add(each.body)
    assert all(len(seen) == 1 for seen in bodies.values())


@on_postgresql
class TestTheBroker:
    @pytest.fixture
    def redis(self, tmp_path):
        with servers.running(servers.Redis(tmp_path)) as redis:
            yield redis

    def test_that_stops_and_loses_its_messages_costs_time_only(self, make, listener, redis):
        portal = make(REDIS_URL=redis.url)
        portal.facts("webhook", listener.url("/hook"))
        portal.start()
        rehearse(portal, 2)
        wait_for(lambda: len(ids(listener)) == 2, seconds=120, what="the first two are delivered")
        workers = portal.processes()

        redis.stop()
        rehearse(portal, 2)
        outage(portal, facts=1)
        up, _ = portal.get("/healthz")
        redis.start()
        settled(portal)

        assert up == 200
        assert set(workers) <= set(portal.processes()), "no process had to be started again"
        assert len(ids(listener)) == 5
        assert_repeats_are_told_apart(listener)

    def test_that_answers_nothing_holds_up_nobody_who_records_a_fact(self, make, listener, redis):
        portal = make(REDIS_URL=redis.url)
        portal.facts("webhook", listener.url("/hook"))
        portal.start()

        with redis.frozen():
            rehearse(portal, 1)
            outage(portal, facts=1)
            up, _ = portal.get("/healthz")
        settled(portal)

        assert up == 200
        assert len(ids(listener)) == 2
        assert_repeats_are_told_apart(listener)


@on_postgresql
class TestTheDatabase:
    def test_that_crashes_during_attempts_loses_none_of_them(self, make, listener):
        with servers.running(servers.Postgres()) as postgres:
            portal = make(database_url=postgres.url)
            portal.facts("webhook", listener.url("/hook"))
            portal.start()
            workers = portal.processes()
            listener.manner = "hang"
            rehearse(portal, 4)
            wait_for(lambda: len(ids(listener)) == 4, seconds=120, what="four attempts are under way")

            postgres.stop()
            listener.manner = "ok"
            wait_for(lambda: portal.get("/readyz")[0] == 503, seconds=120, what="the portal says that it is not ready")
            outage()
            postgres.start()
            report = settled(portal)
            wait_for(lambda: portal.get("/readyz")[0] == 200, seconds=120, what="the portal is ready again")

            assert set(workers) <= set(portal.processes()), "no process had to be started again"
            assert len(ids(listener)) == 4
            assert min(ids(listener).values()) >= 2, "each was sent again under its id"
            assert_repeats_are_told_apart(listener)
            assert "interrupted" in report["outcomes"]
            portal.kill_group()


@on_postgresql
class TestTheBrokerAndTheWorker:
    def test_that_fail_together_lose_nothing(self, make, listener, tmp_path):
        """The worker is killed in the middle of its attempts while there is no broker; the broker comes back to new processes."""
        with servers.running(servers.Redis(tmp_path)) as redis:
            portal = make(REDIS_URL=redis.url)
            portal.facts("webhook", listener.url("/hook"))
            portal.start()
            listener.manner = "hang"
            rehearse(portal, 3)
            wait_for(lambda: len(ids(listener)) == 3, seconds=120, what="three attempts are under way")

            redis.stop()
            portal.kill("celery")
            portal.ended()
            listener.manner = "ok"
            outage(portal, facts=2)
            redis.start()
            portal.start()
            report = settled(portal)

            assert len(ids(listener)) == 5
            assert_repeats_are_told_apart(listener)
            assert "interrupted" in report["outcomes"]
            portal.kill_group()


class TestTheClock:
    def test_set_back_by_an_hour_does_not_make_anything_wait_for_an_hour(self, make, listener, tmp_path):
        clock = Clock(tmp_path)
        portal = make(**clock.environment)
        portal.facts("webhook", listener.url("/hook"))
        clock.set(hours=1)
        listener.manner = "retry-after/3600"
        portal.start()
        rehearse(portal, 2)
        wait_for(lambda: len(ids(listener)) == 2, seconds=120, what="the first attempts")

        listener.manner = "ok"
        clock.set(hours=0)
        rehearse(portal, 1)
        settled(portal)

        assert len(ids(listener)) == 3
        assert_repeats_are_told_apart(listener)

    def test_set_forward_by_an_hour_sends_again_at_most_under_the_same_id(self, make, listener, tmp_path):
        clock = Clock(tmp_path)
        portal = make(**clock.environment)
        portal.facts("webhook", listener.url("/hook"))
        portal.start()
        listener.manner = "hang"
        rehearse(portal, 2)
        wait_for(lambda: len(ids(listener)) == 2, seconds=120, what="two attempts are under way")

        clock.set(hours=1)
        listener.manner = "ok"
        rehearse(portal, 1)
        settled(portal)

        assert len(ids(listener)) == 3
        assert_repeats_are_told_apart(listener)


MANNERS = {
    "hang": "No complete answer within 10 seconds.",
    "garbage": "What the endpoint answered is not HTTP.",
    "redirect": "The endpoint answered 302, a redirect. Redirects are not followed: enter the final URL.",
    "close": "The endpoint closed the connection before it answered.",
    "status/500": "The endpoint answered 500.",
}


class TestAnEndpoint:
    def test_with_bad_manners_is_shown_and_gets_everything_once_it_behaves(self, make, listener):
        portal = make()
        portal.facts("webhook", *(listener.url(f"/{manner}") for manner in MANNERS))
        portal.start()
        rehearse(portal, 2)

        def all_tried() -> bool:
            attempts = portal.facts("report")["attempts"]
            return len({label for label, _, outcome, _, _ in attempts if outcome == "failed"}) == len(MANNERS)

        wait_for(all_tried, seconds=180, what="each endpoint had an attempt that failed")
        shown = portal.facts("report")["attempts"]
        listener.manner = "ok"
        portal.facts("hasten")
        report = settled(portal)

        for number, sentence in enumerate(MANNERS.values()):
            reasons = {
                reason for label, _, outcome, _, reason in shown if (label, outcome) == (f"hook-{number}", "failed")
            }
            assert reasons == {sentence}
        assert list(report["deliveries"].values()).count("delivered") >= 2 * len(MANNERS)
        for manner in MANNERS:
            assert len(ids(listener, f"/{manner}")) == 2
        assert_repeats_are_told_apart(listener)
