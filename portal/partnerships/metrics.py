"""Partnerships by state."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count
from prometheus_client import Metric

from portal import metrics
from portal.partnerships.models import Partnership


def collect(now: datetime) -> Iterator[Metric]:
    """Yield how many partnerships there are by state."""
    family = metrics.gauge("partnerships", "Partnerships by state.", ["state"])
    for state, count in Partnership.objects.order_by("state").values_list("state").annotate(Count("pk")):
        family.add_metric([state], count)
    yield family
