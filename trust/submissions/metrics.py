"""Submissions by state."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count
from prometheus_client import Metric

from portal import metrics
from trust.submissions.models import Submission


def collect(now: datetime) -> Iterator[Metric]:
    """Yield how many submissions there are by state."""
    family = metrics.gauge("submissions", "Submissions by state.", ["state"])
    for state, count in Submission.objects.order_by("state").values_list("state").annotate(Count("pk")):
        family.add_metric([state], count)
    yield family
