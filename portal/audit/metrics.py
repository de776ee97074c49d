"""How long the log is."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import Metric

from portal import metrics
from portal.audit.models import ChainHead


def collect(now: datetime) -> Iterator[Metric]:
    """Yield the head of the event log: its number only grows."""
    head = ChainHead.objects.filter(id=1).values_list("sequence", flat=True).first() or 0
    events = metrics.counter("events_total", "Events in the append-only log, which is the number of its head.")
    events.add_metric([], head)
    yield events
