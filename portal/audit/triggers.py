"""Database triggers that refuse to change or remove lines of append-only tables, on SQLite and PostgreSQL.

They are made after each migrate, so that they are there whichever way the tables came to be.
"""

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate

# Other features add theirs with ``protect``.
_TABLES: set[str] = {"audit_event"}

SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""
POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
"""
POSTGRES = """
CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse_change()
"""


def protect(table: str) -> None:
    """Declare ``table`` append-only; call it from the ``ready`` of the app that owns the table."""
    _TABLES.add(table)


def connect(app: Any) -> None:
    """Make the triggers after each migrate, whichever app was migrated last."""
    post_migrate.connect(lambda using, **_: install(using), weak=False, dispatch_uid="append-only")


def install(using: str = "default") -> None:
    """Make the triggers of all append-only tables that exist. Safe to repeat."""
    connection = connections[using]
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRES_FUNCTION)
        for table in sorted(_TABLES & present):
            if connection.vendor == "postgresql":
                cursor.execute(POSTGRES.format(table=table))
                continue
            for verb in ("UPDATE", "DELETE"):
                cursor.execute(SQLITE.format(table=table, verb=verb))


def missing(using: str = "default") -> list[str]:
    """Return the append-only tables that exist and lack a trigger, by name."""
    connection = connections[using]
    present = set(connection.introspection.table_names())
    names: tuple[str, ...]
    if connection.vendor == "postgresql":
        sql, names = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal", ("{table}_append_only",)
    else:
        sql, names = "SELECT name FROM sqlite_master WHERE type = 'trigger'", ("{table}_no_UPDATE", "{table}_no_DELETE")
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found = {name for (name,) in cursor.fetchall()}
    return [table for table in sorted(_TABLES & present) if not {each.format(table=table) for each in names} <= found]


def remove(using: str = "default") -> None:
    """Drop the triggers of SQLite, which has no TRUNCATE: only tests that empty their database need this."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for table in sorted(_TABLES):
                for verb in ("UPDATE", "DELETE"):
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
