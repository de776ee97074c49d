"""How often one token may pull: bounds what a broken loop or a stolen token can ask of a process, far above what pulling needs."""

import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from portal import errors
from trust.stores import windows
from trust.stores.serve.access import Access

WINDOW = 10  # seconds


@dataclass(frozen=True, slots=True)
class Refusal:
    """How Django refused a request in the window that ends at ``ends``: given again without Django, for as long as it lasts."""

    ends: float
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def headers_at(self, now: float) -> list[tuple[str, str]]:
        """Return the headers with the seconds that are left now."""
        left = str(windows.left(now, WINDOW))
        return [(name, left if name.lower() == "retry-after" else value) for name, value in self.headers]


class Rate(windows.Window):
    """How often one token may still pull in the present window, on both paths together, and how it was refused more."""

    __slots__ = ("refusal",)

    def __init__(self) -> None:
        super().__init__()
        self.refusal: Refusal | None = None

    def refused(self) -> Refusal | None:
        """Return how it was refused in the present window; None when it was not."""
        return self.refusal if self.refusal is not None and self.refusal.ends == self.ends else None

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
