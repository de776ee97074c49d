"""Notices that are due to take effect."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import Metric

from portal import metrics
from trust.notices.models import Notice
from trust.notices.rules import State


def collect(now: datetime) -> Iterator[Metric]:
    """Yield notices by state, and how long the oldest that should have taken effect has waited."""
    due = Notice.objects.filter(state=State.ANNOUNCED.value, executed_at__isnull=True, effective_at__lte=now)
    oldest = due.order_by("effective_at").values_list("effective_at", flat=True).first()
    yield metrics.one(
        metrics.gauge(
            "notice_effect_delay_seconds",
            "For how long the oldest due notice has not taken effect; 0 when none is due.",
        ),
        metrics.age(oldest, now),
    )
