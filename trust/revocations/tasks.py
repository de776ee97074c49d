"""The schedule's part of watching revocations."""

from celery import shared_task
from django.utils import timezone

from trust.revocations import services


@shared_task(name="trust.revocations.watch")
def watch_revocations() -> int:
    """Ask the CRL addresses and OCSP responders that are due, and bring what follows from them up to date; idempotent."""
    return services.watch(now=timezone.now())
