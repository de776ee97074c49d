"""Notices that nobody has acknowledged. Rehearsals are left out: they wake nobody."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from prometheus_client import Metric

from notifications.acknowledgements.queries import unacknowledged
from portal import metrics
from trust.notices.rules import MEANINGS

# Up to how many hours after it was received; a notice counts in the first that it fits.
AGES = (("1h", 1), ("4h", 4), ("1d", 24), ("7d", 168))
URGENCY = {"urgent": True, "normal": False}
_URGENT = Q(kind__in=[kind.value for kind, meaning in MEANINGS.items() if meaning.urgent])


def collect(now: datetime) -> Iterator[Metric]:
    """Yield unacknowledged notices by urgency and age, the age of the oldest, and how many are past their deadline."""
    ages: dict[str, Q] = {}
    since = Q()
    for name, hours in AGES:
        edge = now - timedelta(hours=hours)
        ages[name] = since & Q(received_at__gt=edge)
        since = Q(received_at__lte=edge)
    ages["older"] = since
    columns = {
        f"{urgency}_{name}": Count("pk", filter=(_URGENT if urgent else ~_URGENT) & within)
        for urgency, urgent in URGENCY.items()
        for name, within in ages.items()
    }
    found = (
        unacknowledged()
        .filter(rehearsal=False)
        .aggregate(**columns, oldest=Min("received_at"), overdue=Count("pk", filter=Q(acknowledge_by__lte=now)))
    )
    family = metrics.gauge(
        "notices_unacknowledged", "Notices that nobody has acknowledged, by urgency and age.", ["urgency", "age_within"]
    )
    for urgency in URGENCY:
        for name in ages:
            family.add_metric([urgency, name], found[f"{urgency}_{name}"])
    yield family
    yield metrics.one(
        metrics.gauge("notices_unacknowledged_oldest_age_seconds", "Age of the oldest of them; 0 when there is none."),
        metrics.age(found["oldest"], now),
    )
    yield metrics.one(
        metrics.gauge("notices_overdue", "Notices that nobody has acknowledged by their deadline."), found["overdue"]
    )
