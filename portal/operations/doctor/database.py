"""The database: what it is, whether its tables are those of this release, its clock, and whether it keeps what it is told."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from portal.audit import triggers
from portal.operations.doctor.rules import Finding, skew, warning, well, wrong

POSTGRES_LEAST = 14


def check() -> Iterator[Finding]:
    """Yield what is found about the database. The rest is left out when it does not answer."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        said = f"It does not answer: {str(error).strip().splitlines()[0]}"
        yield wrong("database", said, "Start it, and compare DATABASE_URL with where it runs.")
        return
    yield _vendor()
    if connection.vendor == "sqlite":
        yield _sqlite()
    else:
        yield skew(timezone.now(), _ask("SELECT clock_timestamp()"), "the database's")
    yield (migrations := _migrations())
    if not migrations.fix:
        yield _append_only()


def _ask(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return row[0] if row else None


def _vendor() -> Finding:
    if connection.vendor == "sqlite":
        said = f"SQLite {_ask('SELECT sqlite_version()')}."
        if settings.EMBEDDED:
            return well("database", said)
        fix = "Set DATABASE_URL to a PostgreSQL database: SQLite has one writer, on one machine."
        return warning("database", said, fix)
    number = int(_ask("SHOW server_version_num")) // 10000
    said = f"PostgreSQL {_ask('SHOW server_version')}."
    if number < POSTGRES_LEAST:
        return wrong("database", said, f"Upgrade it to PostgreSQL {POSTGRES_LEAST} or newer.")
    return well("database", said)


def _sqlite() -> Finding:
    mode, synchronous = _ask("PRAGMA journal_mode"), _ask("PRAGMA synchronous")
    said = f"Journal mode {mode}, synchronous {synchronous}."
    if str(mode).lower() != "wal":
        fix = "Leave DATABASES['default']['OPTIONS'] as portal/settings.py makes it; a network disk cannot do WAL."
        return wrong("journal", said, fix)
    if synchronous not in (2, 3):
        return warning(
            "journal", said, "Run with synchronous=FULL: a power failure can lose what was said to be saved."
        )
    return well("journal", said)


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return wrong("migrations", f"{len(missing)} are not applied.", "Run manage.py migrate.")
    return well("migrations", "Every one is applied.")


def _append_only() -> Finding:
    missing = triggers.missing()
    if missing:
        said = f"Lines can be changed or removed: {', '.join(missing)}."
        return wrong("append-only tables", said, "Run manage.py migrate, which makes their triggers again.")
    return well("append-only tables", "The database refuses to change or remove their lines.")


def in_the_future(now: datetime, moments: dict[str, datetime | None]) -> Finding | None:
    """Return a finding when something was written down with a later time than ``now``, which another machine's clock did."""
    ahead = {what: at for what, at in moments.items() if at is not None and at > now}
    if not ahead:
        return None
    what, at = max(ahead.items(), key=lambda each: each[1])
    return skew(now, at, f"that of the process that wrote {what}")
