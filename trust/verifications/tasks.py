"""Background tasks about verifications."""

from celery import shared_task
from django.utils import timezone

from trust.verifications import services


@shared_task(name="trust.verifications.sweep")
def sweep() -> int:
    """End calls that were paused or left alone for over 15 minutes; idempotent."""
    return services.end_abandoned(now=timezone.now())
