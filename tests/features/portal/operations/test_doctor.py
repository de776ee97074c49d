"""The doctor finds what is wrong with a deployment, names it, and says how to mend it. One thing is spoiled in each test."""

import json
import os
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from portal.operations import jobs, services
from portal.operations.doctor import examine, files, processes, rules, tools
from portal.operations.doctor.rules import Finding, State
from tests.makers import events


def only(findings, name: str) -> Finding:
    """Return the one finding of this name, which also says what to do unless all is well."""
    (found,) = [each for each in findings if each.name == name]
    assert bool(found.fix) == (found.state is not State.WELL)
    return found


def wrong(findings, name: str, *words: str) -> None:
    found = only(findings, name)
    assert found.state is State.WRONG
    for each in words:
        assert each in found.said + found.fix


class TestTools:
    def test_that_are_installed_are_well(self):
        assert {(each.name, each.state) for each in tools.check()} == {
            ("gpg", State.WELL),
            ("gpgv", State.WELL),
            ("openssl", State.WELL),
        }

    def test_that_are_missing_are_named_with_the_package(self, settings):
        settings.GPGV_BINARY = "no-such-gpgv"

        wrong(tools.check(), "gpgv", "cannot be started", "apt-get install gpgv")

    def test_that_are_too_old_are_named_with_the_version(self, settings, tmp_path):
        old = tmp_path / "openssl"
        old.write_text("#!/bin/sh\necho 'OpenSSL 1.1.1n  15 Mar 2022'\n")
        old.chmod(0o755)
        settings.OPENSSL_BINARY = str(old)

        wrong(tools.check(), "openssl", "OpenSSL 1.1.1n is older than 3.0")


class TestClock:
    @pytest.mark.parametrize(
        ("apart", "state"), [(1.9, State.WELL), (2.1, State.WARNING), (-2.1, State.WARNING), (31, State.WRONG)]
    )
    def test_may_differ_by_two_seconds(self, now, apart, state):
        assert rules.skew(now, now + timedelta(seconds=apart), "the database's").state is state

    def test_of_another_machine_shows_in_what_it_wrote(self, db):
        services.beat(name=services.WORKER, now=timezone.now() + timedelta(minutes=3))

        wrong(processes.check(timezone.now()), "clock", "the heartbeat", "time server")


class TestProcesses:
    def test_are_well_when_the_worker_beats(self, db, now):
        services.beat(name=services.WORKER, now=now)

        assert rules.worst(processes.check(now)) is State.WELL

    def test_that_are_silent_are_told_to_be_started(self, db, now):
        services.beat(name=services.WORKER, now=now)

        wrong(processes.check(now + timedelta(minutes=2)), "worker and scheduler", "120 s ago", "Start a worker")

    def test_name_the_scheduler_when_a_worker_answers(self, db, now, monkeypatch):
        from celery import current_app

        monkeypatch.setattr(current_app.control, "ping", lambda timeout: [{"worker@here": {"ok": "pong"}}])

        wrong(processes.check(now), "worker and scheduler", "the scheduler is missing")

    def test_say_that_the_broker_is_away(self, db, now, monkeypatch):
        from celery import current_app

        monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")

        wrong(processes.check(now), "broker", "does not answer")

    def test_name_the_job_that_fails(self, db, now):
        jobs.succeeded(name="trust.notices.sweep", milliseconds=1, now=now - timedelta(seconds=9))
        jobs.failed(name="trust.notices.sweep", failure="OperationalError", now=now)

        wrong(processes.check(now), "scheduled jobs", "trust.notices.sweep (OperationalError)")

    def test_name_the_job_that_is_late(self, db, now):
        jobs.succeeded(name="trust.notices.sweep", milliseconds=1, now=now - timedelta(minutes=3))

        found = only(processes.check(now), "scheduled jobs")

        assert found.state is State.WARNING
        assert "trust.notices.sweep" in found.said

    def test_say_how_old_the_oldest_unread_event_is(self, cast, now):
        events.record(cast.alder.organization, now)

        wrong(processes.check(now + timedelta(minutes=4)), "events", "240 s old")

    def test_say_how_long_the_oldest_delivery_is_due(self, cast, now):
        events.record(cast.alder.organization, now)
        fanout.sweep(now=now)
        assert Delivery.objects.exists()

        wrong(processes.check(now + timedelta(minutes=6)), "deliveries", "360 s")


class TestCommand:
    @pytest.fixture
    def findings(self, monkeypatch):
        """What the command is to tell, in place of this machine's state."""
        told: list[Finding] = []
        monkeypatch.setattr("portal.management.commands.doctor.examine", lambda now, checkpoint: iter(told))
        return told

    def test_ends_with_status_0_when_all_is_well(self, findings, capsys):
        findings.append(rules.well("gpg", "gpg 2.2.40."))

        call_command("doctor")

        assert "ok    gpg" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("finding", "status"),
        [(rules.warning("disk", "Nearly full.", "Make room."), 1), (rules.wrong("disk", "Full.", "Make room."), 2)],
    )
    def test_ends_with_the_status_of_the_worst(self, findings, finding, status, capsys):
        findings += [rules.well("gpg", "gpg 2.2.40."), finding]

        with pytest.raises(CommandError) as refused:
            call_command("doctor")

        assert refused.value.returncode == status
        assert "To mend it: Make room." in capsys.readouterr().out

    def test_says_the_same_as_json(self, findings, capsys):
        findings.append(rules.wrong("disk", "Full.", "Make room."))

        with pytest.raises(SystemExit) as ended:
            call_command("doctor", "--json")

        assert ended.value.code == 2
        assert json.loads(capsys.readouterr().out) == {
            "state": "wrong",
            "findings": [{"name": "disk", "state": "wrong", "said": "Full.", "fix": "Make room."}],
        }

    def test_examines_everything_even_when_a_check_breaks(self, db, now, monkeypatch):
        def explode():
            raise RuntimeError("secret text of an error")

        monkeypatch.setattr(files, "check", explode)

        found = list(examine.examine(timezone.now()))

        wrong(found, "files", "RuntimeError")
        assert not any("secret text" in each.said for each in found)
        assert {"gpg", "database", "address", "mail"} <= {each.name for each in found}
        assert all(bool(each.fix) == (each.state is not State.WELL) for each in found)
        assert os.path.exists("/proc") is False or "time" in {each.name for each in found}
