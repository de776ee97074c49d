"""What trust stores serve and when it ends.

Series of single stores are bounded by ``settings.METRICS_STORES``: the stores whose contents end first are shown, the totals
always cover all.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Min, Q
from prometheus_client import Metric

from portal import metrics
from trust.stores.models import StoreEntry, TrustStore
from trust.stores.tuf import queries as tuf

# From the shortest to the longest; a certificate counts in the first that it fits.
WINDOWS = (("7d", 7), ("30d", 30), ("90d", 90), ("365d", 365))
_CURRENT = Q(version__number=F("version__store__current_number"))


def shown() -> list[Any]:
    """Return the stores that have series of their own, with their organization and ``first_end`` (a moment or None)."""
    return list(
        TrustStore.objects.select_related("relying")
        .annotate(
            first_end=Min("versions__entries__certificate__not_after", filter=Q(versions__number=F("current_number")))
        )
        .order_by(F("first_end").asc(nulls_last=True), "relying__slug", "name")[: settings.METRICS_STORES]
    )


def collect(now: datetime) -> Iterator[Metric]:
    """Yield what is trusted and when it ends, each store's version, and when signed metadata ends."""
    yield from _trusted(now)
    yield from _each_store(now)
    yield from _signed(now)


def _trusted(now: datetime) -> Iterator[Metric]:
    ends = F("certificate__not_after")
    windows = {"expired": Q(certificate__not_after__lte=now)}
    since = now
    for name, days in WINDOWS:
        until = now + timedelta(days=days)
        windows[name] = Q(certificate__not_after__gt=since, certificate__not_after__lte=until)
        since = until
    windows["later"] = Q(certificate__not_after__gt=since)
    counts = {f"in_{name}": Count("certificate", distinct=True, filter=window) for name, window in windows.items()}
    rows: Any = (
        StoreEntry.objects.filter(_CURRENT)
        .order_by("role")
        .values("role")
        .annotate(first=Min(ends, filter=Q(certificate__not_after__gt=now)), **counts)
    )
    certificates = metrics.gauge(
        "trusted_certificates",
        "CA certificates in current store versions, by role and by how soon they end.",
        ["role", "ends_within"],
    )
    first = metrics.gauge(
        "trusted_certificate_expiry_timestamp_seconds",
        "When the first CA certificate of a current store version ends, of those that have not.",
        ["role"],
    )
    for row in rows:
        for name in windows:
            certificates.add_metric([row["role"], name], row[f"in_{name}"])
        if row["first"]:
            first.add_metric([row["role"]], row["first"].timestamp())
    yield from (certificates, first)


def _each_store(now: datetime) -> Iterator[Metric]:
    labels = ["organization", "store"]
    version = metrics.gauge("trust_store_version", "Number of the current version of a trust store.", labels)
    ends = metrics.gauge(
        "trust_store_expiry_timestamp_seconds", "When the first certificate of a store's current version ends.", labels
    )
    for store in shown():
        names = [store.relying.slug, store.name]
        version.add_metric(names, store.current_number)
        if store.first_end:
            ends.add_metric(names, store.first_end.timestamp())
    counts = TrustStore.objects.aggregate(all=Count("pk"), empty=Count("pk", filter=Q(current_number=0)))
    yield from (version, ends)
    yield metrics.one(metrics.gauge("trust_stores", "Trust stores."), counts["all"])
    yield metrics.one(
        metrics.gauge("trust_stores_unpublished", "Trust stores that have no version yet."), counts["empty"]
    )


def _signed(now: datetime) -> Iterator[Metric]:
    family = metrics.gauge(
        "tuf_metadata_expiry_timestamp_seconds", "When the first signed metadata of a TUF role ends.", ["role"]
    )
    for role, at in sorted(tuf.nearest().items()):
        family.add_metric([role], at.timestamp())
    yield family
    yield metrics.one(
        metrics.gauge("tuf_roots_unsigned", "Trust stores whose TUF root waits for signatures."),
        len(tuf.unsigned_roots()),
    )
