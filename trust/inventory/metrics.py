"""Service certificates that end."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from prometheus_client import Metric

from portal import metrics
from trust.inventory.models import ServiceCertificate


def collect(now: datetime) -> Iterator[Metric]:
    """Yield when the first service certificate ends, how many there are, and how many have ended."""
    found = ServiceCertificate.objects.filter(retired_at=None).aggregate(
        first=Min("certificate__not_after", filter=Q(certificate__not_after__gt=now)),
        ended=Count("pk", filter=Q(certificate__not_after__lte=now)),
        all=Count("pk"),
    )
    yield metrics.moment(
        metrics.gauge("service_certificate_expiry_timestamp_seconds", "When the first service certificate ends."),
        found["first"],
    )
    yield metrics.one(metrics.gauge("service_certificates", "Service certificates in the inventory."), found["all"])
    yield metrics.one(
        metrics.gauge("service_certificates_expired", "Service certificates in the inventory that have ended."),
        found["ended"],
    )
