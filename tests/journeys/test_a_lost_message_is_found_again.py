"""Whatever is killed at whatever moment: a fact that was committed is told, and nobody finds it twice in the inbox.

These tests run the real process group, kill it with SIGKILL and look at what is left (cases 55 and 61 of the threat model).
"""

import random

import pytest

from tests.makers.running import RunningPortal, database, wait_for
from tests.makers.smtp import Sink

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


@pytest.fixture
def sink():
    with Sink() as sink:
        yield sink


@pytest.fixture
def portal(tmp_path, sink):
    with database() as url:
        portal = RunningPortal(
            tmp_path, database_url=url, EMAIL_URL=f"smtp://127.0.0.1:{sink.port}", DELIVERY_LEASE_SECONDS="3"
        )
        portal.manage("migrate", "--run-syncdb", "--verbosity", "0")
        portal.facts("people")
        yield portal
        portal.kill_group()


def everything_told(portal: RunningPortal) -> dict:
    """Wait until nothing is owed any more, and return the report."""
    last: dict = {}

    def settled() -> bool:
        last.update(portal.facts("report"))
        return last["cursor"] == last["events"] and set(last["deliveries"].values()) == {"delivered"}

    wait_for(settled, seconds=90, what="everything owed was delivered")
    return last


def assert_nothing_lost_or_doubled(portal: RunningPortal, sink: Sink, *, facts: int) -> None:
    report = everything_told(portal)
    assert len(report["facts"]) == facts
    assert sorted(map(tuple, report["inbox"])) == sorted(
        (sequence, f"{name}@birch.example") for sequence in report["facts"] for name in ("ana", "ines")
    )
    # A mail may come twice, when the worker died between handing it over and writing that down; then it says so itself.
    host = "127.0.0.1"
    assert {each.strip("<>") for each in sink.ids()} == {f"{key}@{host}" for key in report["deliveries"]}
    assert report["chain"] == [report["events"], True]


class TestTheProcessGroup:
    def test_killed_between_commit_and_delivery_loses_nothing(self, portal, sink):
        facts, rounds = 12, 2

        for _ in range(rounds):
            portal.start()
            writer = portal.begin("record", str(facts), "0.05")
            for _ in range(random.randint(1, facts)):
                writer.stdout.readline()
            portal.kill_group()
            writer.communicate(timeout=60)
        portal.start()

        assert_nothing_lost_or_doubled(portal, sink, facts=facts * rounds)

    def test_stops_on_ctrl_c_and_leaves_nothing_running(self, portal):
        portal.start()

        assert portal.interrupt() == 0


class TestTheWorker:
    def test_killed_during_an_attempt_gives_the_mail_to_the_next_worker(self, portal, sink):
        sink.hanging.set()
        portal.start()
        portal.begin("record", "1", "0").wait()
        assert sink.someone_waits.wait(60), "no mail was tried"

        portal.kill("celery")
        status = portal.ended()
        sink.hanging.clear()
        portal.start()

        assert status != 0, "the others stop when the worker dies"
        assert_nothing_lost_or_doubled(portal, sink, facts=1)
        assert "interrupted" in portal.facts("report")["outcomes"]
