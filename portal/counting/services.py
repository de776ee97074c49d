"""Counting what happens, for operators.

What is counted is mostly a refusal, whose transaction is rolled back, so counts wait in memory until the request or the task is
over and are written down then. A process that is killed forgets those of the requests it was working on.
"""

import json
import logging
import threading
from collections import Counter
from typing import Any

from django.db import DatabaseError
from django.db.models import F

from portal.counting.models import Tally

logger = logging.getLogger(__name__)
_waiting: Counter[tuple[str, str]] = Counter()
_lock = threading.Lock()


def add(name: str, **labels: str) -> None:
    """Count one of ``name``. Labels come from fixed sets of words, never from what somebody typed."""
    put(name, 1, **labels)


def put(name: str, count: int, /, **labels: str) -> None:
    """Count ``count`` of ``name`` at once."""
    with _lock:
        _waiting[(name, json.dumps(labels, sort_keys=True))] += count


def write_down(**_: Any) -> None:
    """Add what was counted to the database; called at the end of each request and task. Never raises for the database."""
    with _lock:
        taken = dict(_waiting)
        _waiting.clear()
    for key, count in taken.items():
        try:
            _add(*key, count)
        except DatabaseError as error:
            logger.warning("%s of %s were not written down: %s", count, key[0], error)
            with _lock:
                _waiting[key] += count


def forget() -> None:
    """Drop what was counted and not written down, for tests."""
    with _lock:
        _waiting.clear()


def _add(name: str, labels: str, count: int) -> None:
    found = Tally.objects.filter(name=name, labels=labels)
    if not found.update(value=F("value") + count):
        Tally.objects.get_or_create(name=name, labels=labels)
        found.update(value=F("value") + count)
