"""Background tasks about the contact directory."""

from celery import shared_task
from django.utils import timezone

from portal.partnerships import contact_services


@shared_task(name="portal.partnerships.ask_for_reviews")
def ask_for_reviews() -> int:
    """Ask quarterly whether each contact is still right; idempotent."""
    return contact_services.ask_for_reviews(now=timezone.now())
