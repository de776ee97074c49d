"""How long requests took, as a histogram over all processes.

A request adds to numbers in memory and writes nothing: a thread writes them down every ``PERIOD`` seconds, and each process adds
to the same rows, so that whichever is asked answers for all. A process that is killed forgets what it has not written down.
"""

import bisect
import logging
import os
import threading
import time
from collections import Counter

from django.conf import settings
from django.db import connection

from portal.counting import services

logger = logging.getLogger(__name__)
BUCKETS = "request_duration_bucket"
MICROSECONDS = "request_duration_microseconds"
# Upper bounds in seconds: a pull from memory takes less than the first, a page about a tenth, and nobody waits for the last.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ENDLESS = "+Inf"
_NAMES = (*(str(each) for each in BOUNDS), ENDLESS)
PERIOD = 10.0

SOON = BOUNDS[0]

_lock = threading.Lock()
# By route and status: how many by place in _NAMES, and microseconds last.
_waiting: dict[tuple[str, int], list[int]] = {}
_writer: threading.Thread | None = None


class Quick:
    """Answers of one route and status that took less than ``SOON`` seconds: ``count`` of them, which took ``seconds`` together.

    For what is answered tens of thousands of times a second: whoever answers adds to the numbers itself, without a call, which
    no other thread can come between.
    """

    __slots__ = ("count", "route", "seconds", "status")

    def __init__(self, route: str, status: int) -> None:
        self.route, self.status, self.count, self.seconds = route, status, 0, 0.0


_quick: dict[tuple[str, int], Quick] = {}


def quick(route: str, status: int) -> Quick:
    """Return where answers of a route and status that came soon are counted, the same one each time."""
    if _writer is None:
        _begin()
    return _quick.setdefault((route, status), Quick(route, status))


def note(route: str, status: int, seconds: float) -> None:
    """Count one answered request. ``route`` is one of few fixed words and never an address; asks nothing of the database."""
    _add(route, status, bisect.bisect_left(BOUNDS, seconds), 1, seconds)
    if _writer is None:
        _begin()


def _add(route: str, status: int, place: int, count: int, seconds: float) -> None:
    if not count:
        return
    with _lock:
        noted = _waiting.get((route, status))
        if noted is None:
            noted = _waiting[route, status] = [0] * (len(_NAMES) + 1)
        noted[place] += count
        noted[-1] += int(seconds * 1_000_000)


def write_down() -> None:
    """Add what was noted to the rows of all processes. Never raises for the database."""
    for each in list(_quick.values()):
        count, each.count = each.count, 0
        seconds, each.seconds = each.seconds, 0.0
        _add(each.route, each.status, 0, count, seconds)
    with _lock:
        taken = dict(_waiting)
        _waiting.clear()
    for (route, status), noted in sorted(taken.items()):
        labels = {"route": route, "status": f"{status // 100}xx"}
        *counts, micro = noted
        for name, count in zip(_NAMES, counts, strict=True):
            if count:
                services.put(BUCKETS, count, **labels, le=name)
        services.put(MICROSECONDS, micro, **labels)
    services.write_down()


def forget() -> None:
    """Drop what was noted and not written down, for tests."""
    with _lock:
        _waiting.clear()
        for each in _quick.values():
            each.count, each.seconds = 0, 0.0


def _begin() -> None:
    """Start the thread of this process, once."""
    global _writer
    if not settings.SERVE_THREADS:
        return
    with _lock:
        if _writer is None:
            _writer = threading.Thread(target=_write_on, name="durations", daemon=True)
            _writer.start()


def _begin_anew() -> None:
    # Threads do not survive a fork, and what the parent noted is the parent's to write down.
    global _writer, _lock
    _writer, _lock = None, threading.Lock()
    forget()


os.register_at_fork(after_in_child=_begin_anew)


def _write_on() -> None:
    while True:
        time.sleep(PERIOD)
        try:
            write_down()
        except Exception:
            logger.exception("The durations of requests were not written down")
        finally:
            connection.close()


def histogram(rows: list[tuple[dict[str, str], int]]) -> dict[tuple[str, str], list[tuple[str, float]]]:
    """Return the buckets, each with all that took less, by route and status, from rows as they are kept."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for labels, value in rows:
        found.setdefault((labels["route"], labels["status"]), Counter())[labels["le"]] += value
    return {key: _grown(counts) for key, counts in sorted(found.items())}


def _grown(counts: Counter[str]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for name in _NAMES:
        total += counts[name]
        buckets.append((name, float(total)))
    return buckets
