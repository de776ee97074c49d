"""Background tasks about the inventory."""

from celery import shared_task
from django.utils import timezone

from trust.inventory import expiries


@shared_task(name="trust.inventory.tell_expiries")
def tell_certificate_expiries() -> int:
    """Tell owners and partners about certificates that expire soon; idempotent."""
    return expiries.tell_expiries(now=timezone.now())
