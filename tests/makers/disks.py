"""A disk that is full under the database, as the database sees it; what is on it can still be read."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from django.db import OperationalError, connection

TABLE = "trust_submission"  # what grows with every bundle, for it is kept byte for byte
SIZE = "2m"


class Disk(Protocol):
    """The disk of the test's database: how it says that it is full, filling it, and making room again."""

    says: str

    def fill(self) -> None: ...

    def make_room(self) -> None: ...


class OfSqlite:
    """The database's file may grow no further, which is what SQLite sees of a full disk; no page in it is free."""

    says = "full"

    def fill(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE filler (bytes blob)")
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
            cursor.execute(f"PRAGMA max_page_count = {pages}")
            # The pages that earlier tests gave back would take many bundles: they are used up.
            for size in (1_000_000, 100_000, 3_000, 100):
                with contextlib.suppress(OperationalError):
                    while True:
                        cursor.execute("INSERT INTO filler VALUES (zeroblob(%s))", [size])

    def make_room(self) -> None:
        _say("PRAGMA max_page_count = 1000000")
        _say("DROP TABLE IF EXISTS filler")


class OfPostgres:
    """The bundles lie on a file system of 2 MB in memory, really mounted and really full."""

    says = "No space left on device"

    def fill(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE filler (bytes text) TABLESPACE tiny")
            # In ever smaller steps: what is refused takes nothing.
            for rows in (100, 10, 1):
                with contextlib.suppress(OperationalError):
                    while True:
                        cursor.execute(
                            "INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, %s)", [rows]
                        )

    def make_room(self) -> None:
        _say("DROP TABLE IF EXISTS filler")


@contextlib.contextmanager
def small() -> Iterator[Disk]:
    """Give a disk that can be filled; without the rights for one the test is skipped, and says so."""
    if connection.vendor == "sqlite":
        disk = OfSqlite()
        yield disk
        disk.make_room()
        return
    postgres = OfPostgres()
    with _mounted() as folder:
        _say(f"CREATE TABLESPACE tiny LOCATION '{folder}'")
        try:
            _say(f"ALTER TABLE {TABLE} SET TABLESPACE tiny")
            yield postgres
        finally:
            postgres.make_room()
            _say(f"ALTER TABLE {TABLE} SET TABLESPACE pg_default")
            _say("DROP TABLESPACE tiny")


def _say(sql: str) -> None:
    # A cursor of its own each time: requests close the connection between them.
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextlib.contextmanager
def _mounted() -> Iterator[Path]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        (data,) = cursor.fetchone()
    if os.geteuid() != 0 or not Path(data).exists():
        pytest.skip("Mounting a small file system under this PostgreSQL needs root on its machine: NOT tried")
    folder = Path(tempfile.mkdtemp(prefix="full-disk-"))
    folder.chmod(0o755)
    try:
        mount = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mount.returncode:
            pytest.skip(f"No file system could be mounted ({mount.stderr.strip()}): NOT tried")
        try:
            place = folder / "tablespace"
            place.mkdir(mode=0o700)
            owner = Path(data).stat()
            os.chown(place, owner.st_uid, owner.st_gid)
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
