"""Whether the portal can do its work, one check a thing that it needs. Answers hold no secrets."""

import shutil
from collections.abc import Callable
from datetime import datetime

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from notifications.fanout import queries as fanout
from portal import sealing
from portal.operations import rules
from portal.operations.models import Heartbeat
from portal.operations.rules import Check
from trust.stores.tuf import queries as tuf


def readiness(now: datetime) -> list[Check]:
    """Return what each check says at ``now``. When the database does not answer, the checks that ask it are left out."""
    database = _database()
    checks = [database, _sealing(), _tools()]
    if database.passed:
        checks += [_asked("migrations", _migrations), _asked("worker", lambda: _worker(now))]
        checks += [_asked("events", lambda: rules.events(fanout.oldest_waiting_at(), now))]
        checks += [_asked("signed stores", lambda: rules.signed_stores(tuf.alarming(now), tuf.unsigned_roots(), now))]
    return checks


def _asked(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except DatabaseError:
        return Check(name, False, "The table is missing or does not answer. Run manage.py migrate.")


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return Check("database", False, "The database does not answer.")
    return Check("database", True, f"The {connection.display_name} database answers.")


def _migrations() -> Check:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Check("migrations", False, f"{len(missing)} migrations are not applied. Run manage.py migrate.")
    return Check("migrations", True, "Every migration is applied.")


def _sealing() -> Check:
    try:
        usable = sealing.unseal(sealing.seal("ready")) == "ready"
    except (ValueError, InvalidToken):
        usable = False
    said = "Secrets can be sealed and opened." if usable else "FIELD_ENCRYPTION_KEYS cannot be used."
    return Check("sealing", usable, said)


def _tools() -> Check:
    needed = {"gpg": settings.GPG_BINARY, "gpgv": settings.GPGV_BINARY, "openssl": settings.OPENSSL_BINARY}
    missing = [name for name, program in needed.items() if shutil.which(program) is None]
    if missing:
        return Check("tools", False, f"Not installed: {', '.join(missing)}. No signature can be checked without.")
    return Check("tools", True, "gpg, gpgv and openssl are installed.")


def _worker(now: datetime) -> Check:
    last = Heartbeat.objects.filter(name="worker").values_list("at", flat=True).first()
    return rules.worker(last, now)
