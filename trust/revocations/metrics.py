"""CRLs and OCSP responders: which of them answer, when the first CRL ends, whether they are asked in time, and gaps."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from prometheus_client import Metric

from portal import metrics
from trust.revocations import sources
from trust.revocations.models import RevocationGap
from trust.revocations.rules import GapKind, SourceKind, Standing


def collect(now: datetime) -> Iterator[Metric]:
    """Yield watched addresses by what came of asking them, when CRLs end, how late asking is, and open gaps."""
    watched = sources.watched(now).order_by()
    family = metrics.gauge(
        "revocation_sources",
        "CRL and OCSP addresses that are watched, by what came of asking them last.",
        ["kind", "state"],
    )
    found = {(kind, state): count for kind, state, count in watched.values_list("kind", "state").annotate(Count("pk"))}
    for kind in SourceKind:
        for state in Standing:
            family.add_metric([kind.value, state.value], found.get((kind.value, state.value), 0))
    yield family
    times = watched.aggregate(
        first=Min("next_update", filter=Q(kind=SourceKind.CRL, next_update__gt=now)),
        ended=Count("pk", filter=Q(kind=SourceKind.CRL, next_update__lte=now)),
        oldest=Min("next_check_at", filter=Q(next_check_at__lte=now)),
    )
    yield metrics.moment(
        metrics.gauge(
            "crl_expiry_timestamp_seconds", "When the first CRL of those that have not ended ends (nextUpdate)."
        ),
        times["first"],
    )
    yield metrics.one(
        metrics.gauge("crls_expired", "Watched CRL addresses whose last believed CRL has ended."), times["ended"]
    )
    yield metrics.one(
        metrics.gauge(
            "revocation_check_delay_seconds",
            "For how long the longest due address has not been asked; 0 if none is due.",
        ),
        metrics.age(times["oldest"], now),
    )
    gaps = metrics.gauge("revocation_gaps", "Revocations that only the notice or only the CA's list says.", ["kind"])
    rows = RevocationGap.objects.filter(closed_at=None).order_by().values_list("kind").annotate(Count("pk"))
    counts = dict(rows)
    for each in GapKind:
        gaps.add_metric([each.value], counts.get(each.value, 0))
    yield gaps
