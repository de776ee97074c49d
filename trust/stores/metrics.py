"""What trust stores serve and when it ends.

Series of single stores are bounded by ``settings.METRICS_STORES``: the stores whose contents end first are shown, the totals
always cover all.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, F, Min, Q
from prometheus_client import Metric

from portal import metrics
from trust.certificates.models import Certificate
from trust.stores.models import StoreEntry, TrustStore
from trust.stores.tuf import queries as tuf
from trust.submissions.models import SubmissionCertificate

KEPT_AS = "first-ends-of-stores"
KEPT_FOR = 24 * 3600  # seconds
# From the shortest to the longest; a certificate counts in the first that it fits.
WINDOWS = (("7d", 7), ("30d", 30), ("90d", 90), ("365d", 365))
_CURRENT = Q(version__number=F("version__store__current_number"))


class Shown(NamedTuple):
    """A store that has series of its own. ``first_end`` is when the first certificate of its current version ends."""

    pk: UUID
    name: str
    organization: str
    current_number: int
    first_end: datetime | None


def shown() -> list[Shown]:
    """Return the stores that have series of their own, those whose contents end first; no models are made of them."""
    rows = list(TrustStore.objects.order_by().values_list("pk", "name", "relying__slug", "current_number"))
    ends = _first_ends({pk: number for pk, _, _, number in rows})
    stores = [Shown(*row, ends[row[0]]) for row in rows]
    stores.sort(key=lambda each: (each.first_end is None, each.first_end, each.organization, each.name))
    return stores[: settings.METRICS_STORES]


def _first_ends(current: Mapping[UUID, int]) -> dict[UUID, datetime | None]:
    """Return when the first certificate of each store's current version ends. Versions never change, so each is asked for once."""
    kept: dict[UUID, tuple[int, datetime | None]] = cache.get(KEPT_AS, {})
    missing = [pk for pk, number in current.items() if pk not in kept or kept[pk][0] != number]
    if missing:
        entries = StoreEntry.objects.filter(_CURRENT)
        if kept:
            entries = entries.filter(version__store__in=missing)
        found = dict(entries.order_by().values_list("version__store").annotate(Min("certificate__not_after")))
        kept = {pk: kept[pk] for pk in current if pk in kept} | {pk: (current[pk], found.get(pk)) for pk in missing}
        cache.set(KEPT_AS, kept, KEPT_FOR)
    return {pk: end for pk, (_, end) in kept.items()}


def collect(now: datetime) -> Iterator[Metric]:
    """Yield what is trusted and when it ends, each store's version, and when signed metadata ends."""
    yield from _trusted(now)
    yield from _each_store(now)
    yield from _signed(now)


def _trusted(now: datetime) -> Iterator[Metric]:
    windows = {"expired": Q(not_after__lte=now)}
    since = now
    for name, days in WINDOWS:
        until = now + timedelta(days=days)
        windows[name] = Q(not_after__gt=since, not_after__lte=until)
        since = until
    windows["later"] = Q(not_after__gt=since)
    counts = {f"in_{name}": Count("pk", filter=window) for name, window in windows.items()}
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
    for role in SubmissionCertificate.Role.values:
        # Each certificate once, however many stores have it; a join would count in every one of them and then compare.
        trusted = StoreEntry.objects.filter(_CURRENT, role=role).order_by().values("certificate")
        row = Certificate.objects.filter(pk__in=trusted).aggregate(
            first=Min("not_after", filter=Q(not_after__gt=now)), all=Count("pk"), **counts
        )
        if not row["all"]:
            continue
        for name in windows:
            certificates.add_metric([role, name], row[f"in_{name}"])
        if row["first"]:
            first.add_metric([role], row["first"].timestamp())
    yield from (certificates, first)


def _each_store(now: datetime) -> Iterator[Metric]:
    labels = ["organization", "store"]
    version = metrics.gauge("trust_store_version", "Number of the current version of a trust store.", labels)
    ends = metrics.gauge(
        "trust_store_expiry_timestamp_seconds", "When the first certificate of a store's current version ends.", labels
    )
    for store in shown():
        names = [store.organization, store.name]
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
