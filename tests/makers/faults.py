"""Faults by position: the k-th write to the database fails, as on a full disk, for each k until the act passes.

SQLite tests itself in this way; here it shows that facts and their events are kept together, wherever an act is broken off.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.db import OperationalError, connection

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
MOST = 200  # writes of one act


class Broken(OperationalError):
    """The write that failed."""


class _Failing:
    def __init__(self, position: int) -> None:
        self.left, self.hit = position, False

    def __call__(self, execute: Callable, sql: str, params: Any, many: bool, context: dict) -> Any:
        if WRITES.match(sql):
            self.left -= 1
            if self.left == 0:
                self.hit = True
                raise Broken('could not extend file "base/1/2": No space left on device')
        return execute(sql, params, many, context)


@contextlib.contextmanager
def at(position: int) -> Iterator[_Failing]:
    """Let write number ``position`` (from 1) of this connection fail."""
    failing = _Failing(position)
    with connection.execute_wrapper(failing):
        yield failing


def each_position(act: Callable[[], object], *, after: Callable[[], None]) -> int:
    """Do ``act`` with its first write failing, then its second, and so on until it passes whole; return how many writes it makes.

    After each failure ``after`` is called, which asserts what must hold. An act that swallows the failure is called on as well.
    """
    for position in range(1, MOST):
        with at(position) as failing:
            try:
                act()
            except Broken:
                assert failing.hit
        after()
        if not failing.hit:
            return position - 1
    raise AssertionError(f"More than {MOST} writes.")
