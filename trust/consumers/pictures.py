"""The pull strip: in which quarters of an hour of the last seven days a consumer pulled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trust.consumers import rules
from trust.consumers.models import PullRecord


@dataclass(frozen=True)
class Strip:
    """One row of a picture: where the ticks are, in percent from the left, and the same in words."""

    ticks: tuple[str, ...]
    days: tuple[tuple[str, str], ...]
    words: str


def pull_strip(record: PullRecord | None, now: datetime) -> Strip:
    """Return the picture of a consumer's pulls of one store."""
    history = rules.PullHistory(bytes(record.history), record.history_until) if record and record.history else None
    back = history.ticks(now) if history else []
    ticks = tuple(f"{100 * (1 - each / rules.QUARTERS):.2f}%" for each in back)
    days = tuple((f"{100 * (1 - offset / 7):.2f}%", f"{now - timedelta(days=offset):%a}") for offset in range(6, 0, -1))
    words = f"Pulled in {len(back)} of {rules.QUARTERS} quarters of an hour in the last 7 days"
    return Strip(ticks, days, words)
