"""What the doctor says of the database, the files and the log."""

import json
import shutil
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.functional import empty

from portal.audit import triggers
from portal.audit.models import ChainHead, Event
from portal.operations.doctor import database, files, log, rules
from portal.operations.doctor.rules import State
from tests.features.portal.operations.test_doctor import only, wrong
from tests.makers import events
from tests.makers.running import free_port


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
