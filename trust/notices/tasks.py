"""The notices' part of the schedule."""

from celery import shared_task
from django.utils import timezone

from trust.notices import life


@shared_task(name="trust.notices.sweep")
def sweep() -> int:
    """Let due notices take effect and mark what the services have adopted."""
    return life.sweep(now=timezone.now())
