"""Notices that are due to take effect, and the programs that read the feed of notices."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import Metric

from portal import metrics
from trust.notices.feed import queries as feed
from trust.notices.models import Notice
from trust.notices.rules import State


def collect(now: datetime) -> Iterator[Metric]:
    """Yield how long the oldest notice that should have taken effect has waited, and how the readers of the feed stand."""
    due = Notice.objects.filter(state=State.ANNOUNCED.value, executed_at__isnull=True, effective_at__lte=now)
    oldest = due.order_by("effective_at").values_list("effective_at", flat=True).first()
    yield metrics.one(
        metrics.gauge(
            "notice_effect_delay_seconds",
            "For how long the oldest due notice has not taken effect; 0 when none is due.",
        ),
        metrics.age(oldest, now),
    )
    readers = metrics.gauge(
        "notice_feed_readers", "Programs that read the feed of notices of a partnership, by how they stand.", ["state"]
    )
    for state, count in feed.counts(now).items():
        readers.add_metric([state.value], count)
    yield readers
