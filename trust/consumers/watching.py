"""The dead man's watch over consumers: one that stops pulling is told of, once, and once more when it pulls again."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from portal import looking
from portal.audit import services as audit
from portal.organizations.acting import PORTAL
from trust.consumers import counting, rules
from trust.consumers.models import PullRecord

BATCH = 1000
NAMED = 10  # in one telling; the page lists all
_LOOKING = "consumers-watched"


def watch(*, now: datetime) -> int:
    """Tell of consumers that fell silent and of those that pull again; return how many were told of.

    All of one organization are one event, so that an outage of a network is one mail and not a thousand. While the portal was
    away nobody could pull: after that each consumer first has the time in which it would have missed its pulls.
    """
    looked_for = looking.since(_LOOKING, now)
    pulls = counting.pulls()
    in_time = counting.fresh(now)
    silent = pulls.exclude(in_time).filter(
        silence_told_at=None,
        consumer__interval_seconds__lt=(now - looked_for).total_seconds() / rules.MISSED_PULLS,
    )
    again = pulls.filter(in_time).exclude(silence_told_at=None)
    return _tell(silent, "consumer.silent", now, told_at=now) + _tell(again, "consumer.pulls_again", now, told_at=None)


@transaction.atomic
def _tell(found: QuerySet[PullRecord], kind: str, now: datetime, *, told_at: datetime | None) -> int:
    ids = list(found.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    # Another worker that looked at the same moment waits here, and finds them told.
    rows = list(
        PullRecord.objects.select_for_update(of=("self",))
        .filter(pk__in=ids, silence_told_at__isnull=told_at is not None)
        .select_related("consumer", "store")
        .order_by(F("consumer__name"), "pk")
    )
    PullRecord.objects.filter(pk__in=[row.pk for row in rows]).update(silence_told_at=told_at)
    for organization_id in sorted({row.consumer.organization_id for row in rows}):
        mine = [row for row in rows if row.consumer.organization_id == organization_id]
        audit.record(kind, now=now, actor=PORTAL, organization_id=organization_id, data=_data(mine))
    return len(rows)


def _data(rows: Iterable[PullRecord]) -> dict[str, Any]:
    names = list(dict.fromkeys(row.consumer.name for row in rows))
    stores = sorted({row.store.name for row in rows})
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return {
        "consumers": ", ".join(names[:NAMED]) + more,
        "count": len(names),
        "stores": ", ".join(stores[:NAMED]),
        "last_pull_at": min(row.pulled_at for row in rows).isoformat(),
    }
