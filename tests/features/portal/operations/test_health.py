"""Health: what load balancers ask, and what orchestrators ask, with the failing check named and no secret said."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from portal.operations import rules, services
from tests.makers.events import record


@pytest.fixture
def alive(db):
    """A worker that reported just now."""
    services.beat(name=services.WORKER, now=timezone.now())


def ask() -> tuple[int, dict]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


class TestHealthz:
    def test_asks_no_database(self):
        answer = Client().get("/healthz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


class TestReadyz:
    def test_is_ready_when_every_check_passes(self, alive):
        status, body = ask()

        assert (status, body["failing"]) == (200, [])
        assert set(body["checks"]) >= {"database", "migrations", "sealing", "tools", "worker", "events"}

    def test_names_the_worker_that_never_reported(self, db):
        status, body = ask()

        assert (status, body["failing"]) == (503, ["worker"])

    def test_names_the_tool_that_is_missing(self, alive, settings):
        settings.GPGV_BINARY = "gpgv-that-is-not-there"

        status, body = ask()

        assert (status, body["failing"]) == (503, ["tools"])
        assert "gpgv" in body["checks"]["tools"]["said"]

    def test_names_keys_that_cannot_be_used_and_does_not_say_them(self, alive, settings):
        settings.FIELD_ENCRYPTION_KEYS = ["no-fernet-key"]

        status, body = ask()

        assert (status, body["failing"]) == (503, ["sealing"])
        assert "no-fernet-key" not in str(body)

    def test_names_events_that_nobody_reads(self, alive, cast):
        record(cast.birch.organization, timezone.now() - timedelta(minutes=5))

        status, body = ask()

        assert (status, body["failing"]) == (503, ["events"])


class TestProbe:
    def test_says_the_same_on_the_command_line(self, alive, capsys):
        call_command("probe", "worker", "database")

        assert capsys.readouterr().out.count("ok ") == 2

    def test_ends_badly_when_a_check_fails(self, db):
        with pytest.raises(CommandError, match="not ready"):
            call_command("probe", "worker")

    def test_refuses_a_check_that_does_not_exist(self, alive):
        with pytest.raises(CommandError, match="no check named"):
            call_command("probe", "weather")


class TestRules:
    def test_a_worker_is_silent_after_a_minute(self, now):
        assert rules.worker(now - timedelta(seconds=60), now).passed
        assert not rules.worker(now - timedelta(seconds=61), now).passed

    def test_events_may_wait_two_minutes(self, now):
        assert rules.events(None, now).passed
        assert rules.events(now - timedelta(seconds=120), now).passed
        assert not rules.events(now - timedelta(seconds=121), now).passed
