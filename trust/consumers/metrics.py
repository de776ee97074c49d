"""Who pulls, who is behind, and who has gone silent."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Sum
from prometheus_client import Metric

from portal import metrics
from trust.consumers import counting
from trust.consumers.models import PullRecord
from trust.stores import metrics as stores


def collect(now: datetime) -> Iterator[Metric]:
    """Yield how many consumers stand how with the stores they may pull, in all and of each store, and how often they pull."""
    standing = counting.of_stores(now)
    everywhere = metrics.gauge("consumers", "Consumers by how they stand, counted once for each store.", ["state"])
    for state in counting.STATES:
        everywhere.add_metric([state.value], sum(each[state] for each in standing.values()))
    yield everywhere
    family = metrics.gauge(
        "trust_store_consumers", "Consumers of a trust store by how they stand.", ["organization", "store", "state"]
    )
    for store in stores.shown():
        for state in counting.STATES:
            count = standing.get(store.pk, {}).get(state, 0)
            family.add_metric([store.organization, store.name, state.value], count)
    yield family
    pulls = metrics.counter("pulls_total", "Pulls of trust stores by consumers, answers of 304 among them.")
    pulls.add_metric([], PullRecord.objects.aggregate(all=Sum("pull_count"))["all"] or 0)
    yield pulls
