"""A worker is killed while a receiver hangs: the next one makes the same delivery, under the same id (cases 54 and 55)."""

import pytest

from tests.makers import listener as listeners
from tests.makers.running import RunningPortal, database, wait_for
from tests.makers.smtp import Sink

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


@pytest.fixture
def listener():
    with listeners.running() as running:
        yield running


@pytest.fixture
def portal(tmp_path):
    with database() as url, Sink() as sink:
        portal = RunningPortal(
            tmp_path,
            database_url=url,
            EMAIL_URL=f"smtp://127.0.0.1:{sink.port}",
            DELIVERY_LEASE_SECONDS="3",
            WEBHOOK_ALLOWED_ADDRESSES="127.0.0.1/32",
        )
        portal.manage("migrate", "--run-syncdb", "--verbosity", "0")
        portal.facts("people")
        yield portal
        portal.kill_group()


def test_killed_during_an_attempt(portal, listener):
    listener.manner = "hang"
    portal.facts("webhook", listener.url("/hook"))
    portal.start()
    portal.begin("rehearse", "1").wait()
    wait_for(lambda: len(listener.received) == 1, seconds=60, what="the first attempt")

    portal.kill("celery")
    portal.ended()
    listener.manner = "ok"
    portal.start()
    wait_for(lambda: len(listener.received) >= 2, seconds=60, what="the second attempt")

    wait_for(
        lambda: "pending" not in portal.facts("report")["deliveries"].values(),
        seconds=60,
        what="everything is delivered",
    )
    assert len({each.id for each in listener.received}) == 1
    assert "interrupted" in portal.facts("report")["outcomes"]


def test_one_that_hangs_does_not_hold_up_the_others(portal, listener):
    """The bound: a first attempt is made within seconds of its event, whatever another endpoint does."""
    portal.facts("webhook", listener.url("/hang"))
    portal.facts("webhook", listener.url("/ok"))
    portal.start()
    portal.begin("rehearse", "5").wait()

    wait_for(lambda: len(listener.at("/ok")) >= 5, seconds=9, what="the others were told while one hangs")

    assert len({each.id for each in listener.at("/ok")}) == 5
