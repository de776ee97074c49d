"""How every process learns that something it keeps in memory may no longer be served.

Three ways, each covering for the one before:

1. *Shared memory.* The processes of one machine map one small file. Each served thing (a store's name, a token's digest) hashes to
   a slot of it; whoever changes the thing adds one to the slot after commit. Readers compare one number per request.
2. *PostgreSQL's NOTIFY*, sent inside the transaction of the change, tells the other machines which slot.
3. *A row that counts changes*, read twice a second. When it is ahead of what arrived, everything is looked up again. When it
   cannot be read for ``settings.SERVE_MAX_STALENESS`` seconds, nothing is served from memory: fail closed.
"""

import fcntl
import hashlib
import mmap
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from trust.stores.models import ServeGeneration

CHANNEL = "trust_exchange_serve"
_SLOTS = 8192
_APPLIED, EVERYTHING, _FIRST = 0, 1, 2


def store_key(organization_id: object, name: str) -> str:
    """Return the name under which a store's changes are told."""
    return f"store:{organization_id}:{name}"


def token_key(digest: str) -> str:
    """Return the name under which a token's changes are told."""
    return f"token:{digest}"


def slot_of(key: str) -> int:
    """Return the place in shared memory that stands for ``key``. Two keys may share one: that only costs a look-up."""
    return _FIRST + int.from_bytes(hashlib.blake2s(key.encode(), digest_size=4).digest(), "big") % (_SLOTS - _FIRST)


class SharedCounters:
    """Counters in a file that all processes of this machine map into memory."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._descriptor).st_size < _SLOTS * 8:
            os.ftruncate(self._descriptor, _SLOTS * 8)
        self._map = mmap.mmap(self._descriptor, _SLOTS * 8)
        # Aligned words of eight bytes are read and written whole on the machines that we run on.
        self.words = memoryview(self._map).cast("Q")
        self._lock = threading.Lock()

    @property
    def everything(self) -> int:
        """Return the counter that stands for all keys."""
        return self.words[EVERYTHING]

    @property
    def applied(self) -> int:
        """Return the number of the last change in an unbroken row of changes that arrived here."""
        return self.words[_APPLIED]

    def at(self, slot: int) -> int:
        """Return the counter of one slot."""
        return self.words[slot]

    def apply(self, key: str, number: int) -> None:
        """Tell this machine's processes that ``key`` changed, with change ``number``; doing it twice does no harm."""
        with self._exclusively():
            self.words[slot_of(key)] += 1
            if number == self.words[_APPLIED] + 1:
                self.words[_APPLIED] = number

    def catch_up(self, number: int) -> None:
        """Tell this machine's processes that anything may have changed up to ``number``."""
        with self._exclusively():
            self.words[EVERYTHING] += 1
            self.words[_APPLIED] = number

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        # The lock on the file keeps processes apart, the other one the threads of this process.
        with self._lock:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)


@cache
def counters() -> SharedCounters:
    """Return this process's view of the shared counters."""
    return SharedCounters(settings.DATA_DIR / "serve-generation")


def changed(keys: Iterable[str]) -> None:
    """Record that the things behind ``keys`` changed, inside the caller's transaction; every process learns it after commit.

    Raises RuntimeError outside a transaction: a change that is told and then rolled back would only cost a look-up, but one that
    is made and never told would go on being served.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A change of what is served is told inside its transaction.")
    for key in keys:
        number = _count()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{number} {key}"])
        transaction.on_commit(partial(counters().apply, key, number), robust=True)


def _count() -> int:
    if not ServeGeneration.objects.filter(id=1).update(number=F("number") + 1):
        ServeGeneration.objects.get_or_create(id=1)
        ServeGeneration.objects.filter(id=1).update(number=F("number") + 1)
    return current_number()


def current_number() -> int:
    """Return how many changes were committed, as the database has it."""
    return ServeGeneration.objects.filter(id=1).values_list("number", flat=True).first() or 0
