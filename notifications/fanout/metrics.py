"""How far the fan-out is behind the log."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import Metric

from notifications.fanout import queries
from portal import metrics


def collect(now: datetime) -> Iterator[Metric]:
    """Yield the number of the last event that was read, and for how long the oldest unread one waits."""
    read = metrics.counter("events_read_total", "Events of the log that the fan-out has read.")
    read.add_metric([], queries.position())
    yield read
    yield metrics.one(
        metrics.gauge(
            "events_oldest_unread_age_seconds", "Age of the oldest event that was not read; 0 when all were."
        ),
        metrics.age(queries.oldest_waiting_at(), now),
    )
