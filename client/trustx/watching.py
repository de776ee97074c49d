"""Pulling again and again: one cheap question first, and the whole update when something is new or the timestamp ages."""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from trustx import lists, placing
from trustx.fetching import Portal
from trustx.installing import Installer
from trustx.pulling import memory
from trustx.settings import Settings
from trustx.stops import Stop
from trustx.update import REFRESH_HINT, expires_at

# How long an unchanged ETag may stand for a verified timestamp. The portal's timestamps last a day and are renewed every hour.
VERIFY_AT_LEAST_EVERY = timedelta(hours=2)
JITTER = 0.2
# For how long the portal is asked to hold a question back, in seconds: less than proxies wait for an answer.
WAIT = 50


class Ending(threading.Event):
    """Ends an agent: at once while it only asks, and after the run while it changes something."""

    def __init__(self) -> None:
        super().__init__()
        self._asking = False

    def on_signal(self, *_: object) -> None:
        """End the agent. To be called as a signal's handler, which is the only way out of a read that waits."""
        self.set()
        if self._asking:
            raise _Ended

    def ask(self, question: Callable[[], bool]) -> bool:
        """Return the answer to a question that may take minutes; yes, nothing changed, when the agent ends meanwhile."""
        try:
            self._asking = True
            return question()
        except _Ended:
            return True
        finally:
            self._asking = False


class _Ended(BaseException):
    """No error: it passes everything that handles errors."""


def watch(settings: Settings, run: Callable[[], Any], ended: Ending) -> None:
    """Call ``run`` when the store may be new, until ``ended``; about every ``interval`` seconds, never all at once."""
    last, hasty = None, False
    while not ended.is_set():
        began = time.monotonic()
        stale = last is None or datetime.now(UTC) - last > VERIFY_AT_LEAST_EVERY
        unchanged = not stale and ended.ask(lambda: is_unchanged(settings))
        held = time.monotonic() - began > 1
        done = not unchanged and bool(run())
        if not unchanged:
            last = datetime.now(UTC) if done else None
        # Where the portal holds the question back until something is new, the next one follows at once; so it does after a run, for
        # what was published meanwhile. After a second run in a row not: whatever asked for it may ask for ever.
        at_once = settings.wait and (held or (done and not hasty))
        hasty = done and not held
        ended.wait((1.0 if at_once else interval(settings)) * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret


def interval(settings: Settings) -> float:
    """Return the seconds between two questions: as set, else as the portal's signed metadata asks."""
    try:
        return settings.interval or float(memory(settings).get("refresh_hint", REFRESH_HINT))
    except Stop:
        return REFRESH_HINT


def is_unchanged(settings: Settings) -> bool:
    """Say whether the files are as they were left and the portal still serves them. Anything doubtful is a no."""
    try:
        if not memory(settings):
            return False
        paths = Installer(settings).place.paths()
        contents = {extension: placing.read(path) for extension, path in paths.items()}
        if placing.read(settings.state_dir / "journal.json") is not None or None in contents.values():
            return False
        extension = settings.wanted[0]
        digest = hashlib.sha256(contents[extension] or b"").hexdigest()
        portal = Portal(settings)
        if not _is_fresh(settings) or not lists.is_unchanged(settings, portal):
            return False
        return portal.is_unchanged(extension, digest, settings.wait)
    except Stop:
        return False


def _is_fresh(settings: Settings) -> bool:
    expires = expires_at(settings)
    return expires is not None and expires > datetime.now(UTC)
