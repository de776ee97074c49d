"""What is owed, how long it waits, and what was given up."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count
from prometheus_client import Metric

from notifications.deliveries import queries
from notifications.deliveries.rules import Channel
from notifications.deliveries.services import UNDELIVERABLE
from portal import metrics
from portal.audit.models import Event


def collect(now: datetime) -> Iterator[Metric]:
    """Yield deliveries that are owed and due by channel, the age of the oldest of both, and dead letters so far."""
    rows = queries.owed(now)
    label = ["channel"]
    pending = metrics.gauge(
        "deliveries_pending", "Deliveries that are owed, those that wait for their next try too.", label
    )
    waiting = metrics.gauge("deliveries_due", "Deliveries that a worker should take now.", label)
    delay = metrics.gauge(
        "delivery_oldest_due_age_seconds", "For how long the oldest due delivery has been due; 0 when none is.", label
    )
    age = metrics.gauge(
        "delivery_oldest_pending_age_seconds", "Age of the oldest delivery that is owed; 0 if none is.", label
    )
    for channel in Channel:
        row: Mapping[str, Any] = rows.get(channel.value, {})
        pending.add_metric([channel.value], row.get("owed", 0))
        waiting.add_metric([channel.value], row.get("due", 0))
        delay.add_metric([channel.value], metrics.age(row.get("oldest_due"), now))
        age.add_metric([channel.value], metrics.age(row.get("oldest"), now))
    yield from (pending, waiting, delay, age, _dead())


def _dead() -> Metric:
    # A dead letter is an event, so the log counts them, and its index by kind makes that cheap.
    kinds = {kind: channel for channel, kind in UNDELIVERABLE.items()}
    events = Event.objects.filter(kind__in=kinds).order_by()
    found = dict(events.values_list("kind").annotate(Count("sequence")))
    dead = metrics.counter("dead_letters_total", "Deliveries that were given up after their last try.", ["channel"])
    for kind, channel in kinds.items():
        dead.add_metric([channel.value], found.get(kind, 0))
    return dead
