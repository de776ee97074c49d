"""How often one token may pull: bounds what a broken loop or a stolen token can ask of a process, far above what pulling needs."""

import time
from uuid import UUID

from django.conf import settings

from portal import errors
from trust.stores import windows
from trust.stores.serve.access import Access

WINDOW = 10  # seconds


class Rate(windows.Window):
    """How often one token may still pull in the present window, on both paths together."""

    __slots__ = ()

    def take(self, now: float) -> bool:
        """Count a pull, and say whether it may be answered; ``now`` is in seconds since 1970. One that may not is not counted."""
        return self.admits(now, WINDOW, settings.SERVE_MOST_PULLS)


_rates = windows.Windows[UUID, Rate](Rate, most_kept=200_000)
of = _rates.of


def require(access: Access) -> None:
    """Count a pull. Raises TooMany when the token pulled too often; people in a session are not counted."""
    if access.token_id is None:
        return
    now = time.time()
    if not of(access.token_id).take(now):
        raise errors.TooMany(
            f"This token pulled more than {settings.SERVE_MOST_PULLS} times in {WINDOW} seconds.",
            code="too_many_pulls",
            retry_after=windows.left(now, WINDOW),
            fix="Pull at the interval that the consumer promises, and send If-None-Match.",
        )
