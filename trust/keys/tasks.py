"""Background tasks about keys."""

from celery import shared_task
from django.utils import timezone

from trust.keys import services


@shared_task(name="trust.keys.tell_expiries")
def tell_key_expiries() -> int:
    """Tell owners and partners about keys that expire soon; idempotent."""
    return services.tell_expiries(now=timezone.now())
