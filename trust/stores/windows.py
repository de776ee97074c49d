"""Counting how often somebody comes in a stretch of time. In memory: each process counts for itself."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Counted = TypeVar("Counted", bound="Window")


class Window:
    """How often one asker may still come before ``ends`` (seconds since 1970)."""

    __slots__ = ("ends", "left")

    def __init__(self) -> None:
        self.ends, self.left = 0.0, 0

    def admits(self, now: float, seconds: int, most: int) -> bool:
        """Count one, and say whether it is among the ``most`` of this window; ``now`` is in seconds since 1970.

        One that is not admitted is not counted.
        """
        if not self.ends - seconds <= now < self.ends:
            self.ends, self.left = (now // seconds + 1) * seconds, most
        if self.left <= 0:
            return False
        self.left -= 1
        return True

    def is_used_up(self, now: float) -> bool:
        """Say whether no more are admitted in the present window; counts nothing."""
        return now < self.ends and self.left <= 0


class Windows(Generic[Key, Counted]):
    """The windows of many askers. With more than ``most_kept`` all are forgotten, so that strangers cannot fill the memory."""

    def __init__(self, kind: type[Counted], most_kept: int) -> None:
        self._kind, self._most_kept = kind, most_kept
        self._kept: dict[Key, Counted] = {}

    def of(self, key: Key) -> Counted:
        """Return what is counted of an asker."""
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= self._most_kept:
                self._kept.clear()
            found = self._kept[key] = self._kind()
        return found

    def clear(self) -> None:
        """Forget everybody."""
        self._kept.clear()


def left(now: float, seconds: int) -> int:
    """Return how many seconds are left of the present window, at least 1."""
    return seconds - int(now) % seconds
