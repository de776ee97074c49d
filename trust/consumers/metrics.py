"""Who pulls, who is behind, and who has gone silent."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, DateTimeField, F, FloatField, Func, Q, Sum, Value
from prometheus_client import Metric

from portal import metrics
from trust.consumers import rules
from trust.consumers.models import NOT_TAKEN, Consumer, PullRecord
from trust.consumers.rules import State
from trust.stores import metrics as stores

STATES = (State.CURRENT, State.BEHIND, State.SILENT, State.NEVER_PULLED)


def collect(now: datetime) -> Iterator[Metric]:
    """Yield how many consumers stand how with the stores they may pull, in all and of each store, and how often they pull."""
    listed = Consumer.stores.through.objects.filter(consumer__retired_at=None)
    totals = dict(listed.order_by().values_list("truststore_id").annotate(Count("id")))
    pulled = {row["store"]: row for row in _pulled(now)}
    standing = {store_id: _states(total, pulled.get(store_id)) for store_id, total in totals.items()}
    everywhere = metrics.gauge("consumers", "Consumers by how they stand, counted once for each store.", ["state"])
    for state in STATES:
        everywhere.add_metric([state.value], sum(each[state] for each in standing.values()))
    yield everywhere
    family = metrics.gauge(
        "trust_store_consumers", "Consumers of a trust store by how they stand.", ["organization", "store", "state"]
    )
    for store in stores.shown():
        for state in STATES:
            count = standing.get(store.pk, {}).get(state, 0)
            family.add_metric([store.relying.slug, store.name, state.value], count)
    yield family
    pulls = metrics.counter("pulls_total", "Pulls of trust stores by consumers, answers of 304 among them.")
    pulls.add_metric([], PullRecord.objects.aggregate(all=Sum("pull_count"))["all"] or 0)
    yield pulls


class _Seconds(Func):
    """The seconds of a duration; SQLite has it as a number of microseconds."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)"
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="((%(expressions)s) / 1000000.0)", **context)


def _pulled(now: datetime) -> Iterator[Mapping[str, Any]]:
    # The rule is that of trust.consumers.rules.state; here the database counts by it.
    fresh = Q(silence__lte=F("consumer__interval_seconds") * rules.MISSED_PULLS)
    latest = Q(version_number__gte=F("store__current_number")) & ~NOT_TAKEN
    rows = (
        PullRecord.objects.filter(consumer__retired_at=None, consumer__stores=F("store"))
        .annotate(silence=_Seconds(Value(now, output_field=DateTimeField()) - F("pulled_at")))
        .order_by()
        .values("store")
        .annotate(
            pulled=Count("id"), current=Count("id", filter=fresh & latest), behind=Count("id", filter=fresh & ~latest)
        )
    )
    yield from rows


def _states(total: int, row: Mapping[str, Any] | None) -> dict[State, int]:
    pulled, current, behind = (row["pulled"], row["current"], row["behind"]) if row else (0, 0, 0)
    return {
        State.CURRENT: current,
        State.BEHIND: behind,
        State.SILENT: pulled - current - behind,
        State.NEVER_PULLED: total - pulled,
    }
