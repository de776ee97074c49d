"""The clocks' part of the schedule."""

from celery import shared_task
from django.utils import timezone

from notifications.acknowledgements import services


@shared_task(name="notifications.acknowledgements.sweep")
def sweep() -> int:
    """Start the clocks of new notices and let what is due happen."""
    return services.sweep(now=timezone.now())
