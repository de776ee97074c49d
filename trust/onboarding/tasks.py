"""Background tasks about reviews."""

from celery import shared_task
from django.utils import timezone

from trust.onboarding import reviews


@shared_task(name="trust.onboarding.open_reviews")
def open_reviews() -> int:
    """Open the reviews that are due; idempotent."""
    return reviews.open_due(now=timezone.now())
