"""How often one token may pull: bounds what a broken loop or a stolen token can ask of a process, far above what pulling needs."""

import time
from uuid import UUID

from django.conf import settings

from portal import errors
from trust.stores.serve.access import Access

WINDOW = 10  # seconds
_MOST_KEPT = 200_000


class Rate:
    """How often one token may still pull before ``ends`` (seconds since 1970). Counted by each process, on both paths together."""

    __slots__ = ("ends", "left")

    def __init__(self) -> None:
        self.ends, self.left = 0.0, 0

    def take(self, now: float) -> bool:
        """Count a pull, and say whether it may be answered; ``now`` is in seconds since 1970. One that may not is not counted."""
        if not self.ends - WINDOW <= now < self.ends:
            self.ends, self.left = (now // WINDOW + 1) * WINDOW, settings.SERVE_MOST_PULLS
        if self.left <= 0:
            return False
        self.left -= 1
        return True


_rates: dict[UUID, Rate] = {}


def of(token_id: UUID) -> Rate:
    """Return what is counted of a token."""
    found = _rates.get(token_id)
    if found is None:
        if len(_rates) >= _MOST_KEPT:
            _rates.clear()
        found = _rates[token_id] = Rate()
    return found


def require(access: Access) -> None:
    """Count a pull. Raises TooMany when the token pulled too often; people in a session are not counted."""
    if access.token_id is None:
        return
    now = time.time()
    if not of(access.token_id).take(now):
        raise errors.TooMany(
            f"This token pulled more than {settings.SERVE_MOST_PULLS} times in {WINDOW} seconds.",
            code="too_many_pulls",
            retry_after=WINDOW - int(now) % WINDOW,
            fix="Pull at the interval that the consumer promises, and send If-None-Match.",
        )
