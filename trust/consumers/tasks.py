"""Background tasks about consumers."""

from celery import shared_task
from django.utils import timezone

from trust.consumers import watching


@shared_task(name="trust.consumers.watch")
def watch_consumers() -> int:
    """Tell of consumers that fell silent or pull again."""
    return watching.watch(now=timezone.now())
