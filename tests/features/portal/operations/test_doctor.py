"""The doctor finds what is wrong with a deployment, names it, and says how to mend it. One thing is spoiled in each test."""

import json
import os
import shutil
import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django.utils.functional import empty

from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.mail import keys as mail_keys
from portal import sealing
from portal.audit import triggers
from portal.audit.models import ChainHead, Event
from portal.operations import jobs, services
from portal.operations.doctor import database, examine, files, keys, log, outside, processes, rules, tools
from portal.operations.doctor.rules import Finding, State
from tests.makers import events, stores
from tests.makers.certificates import leaf
from tests.makers.running import free_port
from trust.stores.tuf.models import TufRepository
from trust.stores.tuf.signing import new_key


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


class TestDatabase:
    @pytest.mark.real_clock
    def test_is_well_in_tests_but_that_sqlite_does_not_wait_for_the_disk(self, db):
        wanting = [each.name for each in database.check() if each.state is not State.WELL]

        assert wanting == (["journal"] if connection.vendor == "sqlite" else [])

    def test_whose_migrations_were_not_applied_is_told_to_be_migrated(self, db, settings):
        settings.MIGRATION_MODULES = {}  # the suite makes its tables without them

        wrong(database.check(), "migrations", "manage.py migrate")

    def test_that_is_away_is_said_and_nothing_else_is_asked(self, db, monkeypatch):
        from django.db import OperationalError

        def refuse():
            raise OperationalError("connection refused\nby something")

        with monkeypatch.context() as patched:
            patched.setattr(connection, "ensure_connection", refuse)
            found = list(database.check())

        wrong(found, "database", "connection refused", "DATABASE_URL")
        assert len(found) == 1

    def test_of_sqlite_in_production_is_a_warning(self, db, settings):
        if connection.vendor != "sqlite":
            pytest.skip("this runs on PostgreSQL")
        settings.EMBEDDED = False

        assert only(database.check(), "database").state is State.WARNING

    @pytest.mark.django_db(transaction=True)
    def test_whose_log_can_be_changed_is_wrong(self):
        if connection.vendor != "sqlite":
            pytest.skip("this runs on PostgreSQL")
        assert database._append_only().state is State.WELL
        triggers.remove()
        try:
            wrong([database._append_only()], "append-only tables", "audit_event", "manage.py migrate")
        finally:
            triggers.install()


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


class TestKeys:
    def test_that_are_no_keys_are_refused(self, settings):
        settings.FIELD_ENCRYPTION_KEYS = ["tooshort"]

        wrong([keys.usable()], "encryption keys", "scripts/make-secrets")

    def test_open_what_they_sealed(self, cast, now):
        stores.published(cast)

        found = list(keys.check(now))

        assert rules.worst(found) is State.WELL
        assert "1 stores" in only(found, "signing keys").said

    def test_that_were_exchanged_leave_second_factors_closed(self, cast, settings, now):
        assert Authenticator.objects.exists()
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

        wrong(keys.check(now), "sealed texts", "second factors", "FIELD_ENCRYPTION_KEYS")

    def test_may_be_followed_by_newer_ones(self, cast, settings, now):
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]

        assert only(keys.check(now), "sealed texts").state is State.WELL

    def test_that_the_root_does_not_name_are_strangers(self, cast, now):
        version = stores.published(cast)
        stranger = {role: new_key() for role in ("targets", "snapshot", "timestamp")}
        TufRepository.objects.update(sealed_keys=sealing.seal(json.dumps(stranger)))

        wrong(keys.check(now), "signing keys", version.store.name)

    def test_signed_stores_that_end_are_named(self, cast, now):
        stores.published(cast)

        wrong(keys.check(now + timedelta(hours=20)), "signed stores", "timestamp", "trust.stores.sign_again")

    def test_a_client_certificate_belongs_to_its_key_and_has_not_ended(self, settings, tmp_path, now):
        made, other = leaf(), leaf(service="payments")
        for name, text in (("certificate", made.pem), ("key", made.key_pem()), ("other", other.key_pem())):
            (tmp_path / name).write_bytes(text)
        settings.WEBHOOK_CLIENT_CERTIFICATE = str(tmp_path / "certificate")
        settings.WEBHOOK_CLIENT_KEY = str(tmp_path / "key")
        assert keys.client_certificate(now).state is State.WELL

        ended = keys.client_certificate(made.certificate.not_valid_after_utc)
        settings.WEBHOOK_CLIENT_KEY = str(tmp_path / "other")
        mixed_up = keys.client_certificate(now)

        wrong([ended], "client certificate", "ended")
        wrong([mixed_up], "client certificate", "do not belong together")

    def test_a_client_certificate_that_is_not_there_is_said(self, settings, now):
        settings.WEBHOOK_CLIENT_CERTIFICATE = "/nowhere/certificate.pem"

        wrong([keys.client_certificate(now)], "client certificate", "WEBHOOK_CLIENT_KEY")


@pytest.fixture
def data_folder(settings, tmp_path) -> Path:
    """A data folder as the portal makes it, with a secret."""
    folder = tmp_path / "var"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets/secret_key").write_text("x")
    for each in (folder, folder / "secrets"):
        each.chmod(0o700)
    (folder / "secrets/secret_key").chmod(0o600)
    settings.DATA_DIR = folder
    return folder


class TestMailKey:
    def test_that_is_missing_is_a_warning(self, db, now):
        found = only([keys.mail_key(now)], "mail key")

        assert found.state is State.WARNING
        assert "manage.py mail_key" in found.fix

    def test_that_ends_soon_is_a_warning(self, db, now):
        made = mail_keys.make(now=now)

        assert keys.mail_key(now).state is State.WELL
        assert keys.mail_key(made.expires_at - timedelta(days=29)).state is State.WARNING

    def test_that_cannot_be_opened_is_said(self, db, now, settings):
        mail_keys.make(now=now)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

        wrong(keys.check(now), "sealed texts", "1 mail keys")


class TestFiles:
    def test_of_a_new_installation_are_well(self, data_folder):
        found = list(files.check())

        assert only(found, "data folder").state is only(found, "secrets").state is State.WELL

    def test_that_others_can_read_are_named_with_the_command_that_closes_them(self, data_folder):
        (data_folder / "secrets/secret_key").chmod(0o644)
        data_folder.chmod(0o755)

        found = list(files.check())

        wrong(found, "secrets", "secret_key", "chmod go=")
        wrong(found, "data folder", "chmod 700")

    def test_a_data_folder_that_is_not_there_is_said(self, data_folder):
        shutil.rmtree(data_folder)

        wrong(files.check(), "data folder", "EXCHANGE_DATA_DIR")

    def test_static_files_that_were_not_collected_are_said(self, settings, tmp_path):
        settings.STATIC_ROOT = tmp_path / "static"
        settings.STORAGES = {
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
        }
        staticfiles_storage._wrapped = empty
        try:
            wrong(files.check(), "static files", "manage.py collectstatic")
            call_command("collectstatic", "--no-input", verbosity=0)
            staticfiles_storage._wrapped = empty
            assert only(files.check(), "static files").state is State.WELL
            newer = tmp_path / "newer" / "css"
            newer.mkdir(parents=True)
            (newer / "newer.css").write_text("p {}")
            settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, newer.parent]
            wrong(files.check(), "static files", "manage.py collectstatic")
            settings.STATIC_ROOT = tmp_path / "nowhere"
            staticfiles_storage._wrapped = empty
            with pytest.raises(CommandError, match=r"so that every page fails\. Run: manage\.py collectstatic"):
                call_command("serve", port=str(free_port()))
        finally:
            staticfiles_storage._wrapped = empty

    @pytest.mark.parametrize(
        ("free", "state"), [(100 * 1024**2, State.WRONG), (5 * 1024**3, State.WARNING), (50 * 1024**3, State.WELL)]
    )
    def test_a_disk_that_is_full_or_nearly_is_said(self, free, state):
        assert rules.space("disk", "/var", free=free, total=100 * 1024**3).state is state


class Closing(threading.Thread):
    """A server on a free port that says one line to whoever comes, and goes on."""

    def __init__(self, line: bytes) -> None:
        super().__init__(daemon=True)
        self.line, self.listener = line, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self.line)


class TestOutside:
    def test_a_portal_on_one_machine_is_well(self, settings, now):
        settings.BASE_URL, settings.HTTPS = "http://127.0.0.1:8000", False
        settings.ALLOWED_HOSTS = ["127.0.0.1"]

        assert outside._address().state is outside._https(now).state is State.WELL

    @pytest.mark.parametrize(
        ("address", "word"),
        [
            ("portal.example", "https://portal.example"),
            ("https://portal.example/exchange", "more than scheme and name"),
            ("https://other.example", "Add other.example to ALLOWED_HOSTS"),
            ("http://portal.example", "HTTPS is on"),
        ],
    )
    def test_an_address_that_cannot_be_right_is_said(self, settings, address, word):
        settings.BASE_URL, settings.ALLOWED_HOSTS, settings.HTTPS = address, ["portal.example"], True

        wrong([outside._address()], "address", word)

    def test_links_that_lead_nowhere_are_a_warning(self, settings):
        settings.BASE_URL, settings.ALLOWED_HOSTS = "https://localhost", ["localhost"]
        settings.HTTPS, settings.EMBEDDED = True, False

        assert outside._address().state is State.WARNING

    @pytest.mark.enable_socket
    def test_a_certificate_that_browsers_refuse_is_said(self, settings, now, tmp_path):
        made = leaf()
        (tmp_path / "both.pem").write_bytes(made.pem + made.key_pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "both.pem")
        listener = socket.create_server(("127.0.0.1", 0))

        def answer():
            plain, _ = listener.accept()
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                plain.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        settings.BASE_URL, settings.HTTPS = f"https://127.0.0.1:{listener.getsockname()[1]}", True

        found = outside._https(now)
        thread.join(10)
        listener.close()

        wrong([found], "https", "certificate")

    @pytest.mark.enable_socket
    def test_nobody_at_the_address_is_a_warning(self, settings, now):
        settings.BASE_URL, settings.HTTPS = "https://127.0.0.1:1", True

        assert outside._https(now).state is State.WARNING

    @pytest.mark.enable_socket
    def test_a_mail_server_that_is_away_is_said(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

        wrong([outside._mail()], "mail", "127.0.0.1:1", "EMAIL_URL")

    @pytest.mark.enable_socket
    def test_a_mail_server_that_does_not_want_us_is_said(self, settings):
        server = Closing(b"554 no\r\n")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port

        found = outside._mail()
        server.listener.close()

        wrong([found], "mail", "554")

    def test_mail_that_goes_nowhere_is_a_warning(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

        assert outside._mail().state is State.WARNING

    def test_debugging_in_production_is_wrong(self, settings):
        settings.EMBEDDED, settings.DEBUG = False, True

        wrong([outside._advice()], "settings", "DEBUG")


class TestLog:
    @pytest.fixture
    def recorded(self, cast, now):
        for _ in range(3):
            events.record(cast.alder.organization, now)

    def test_that_holds_is_well(self, recorded):
        assert [each.state for each in log.check()] == [State.WELL]

    def test_that_lost_its_end_is_wrong(self, recorded):
        ChainHead.objects.update(sequence=4)

        wrong(log.check(), "audit log", "ends at event 3", "verify_log")

    def test_is_held_against_the_head_that_was_kept(self, recorded, cast, now, tmp_path):
        kept = tmp_path / "head.json"
        assert "first time" in only(log.check(kept), "checkpoint").said
        events.record(cast.alder.organization, now)

        again = only(log.check(kept), "checkpoint")

        assert again.state is State.WELL
        assert "at event 3" in again.said
        assert json.loads(kept.read_text()) == {"sequence": 4, "hash": Event.objects.get(sequence=4).hash}

    def test_that_was_written_anew_does_not_hold_against_the_head(self, recorded, tmp_path):
        kept = tmp_path / "head.json"
        kept.write_text(json.dumps({"sequence": 2, "hash": "0" * 64}))

        wrong(log.check(kept), "checkpoint", "Event 2")
        assert json.loads(kept.read_text())["hash"] == "0" * 64

    def test_a_checkpoint_that_is_none_is_said_and_left_alone(self, recorded, tmp_path):
        kept = tmp_path / "notes.txt"
        kept.write_text("my notes")

        wrong(log.check(kept), "checkpoint", "cannot be read")
        assert kept.read_text() == "my notes"


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
