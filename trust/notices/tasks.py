"""The notices' part of the schedule."""

from celery import shared_task
from django.utils import timezone

from trust.notices import life
from trust.notices.feed import watching


@shared_task(name="trust.notices.sweep")
def sweep() -> int:
    """Let due notices take effect and mark what the services have adopted."""
    return life.sweep(now=timezone.now())


@shared_task(name="trust.notices.watch_feed")
def watch_feed() -> int:
    """Tell of programs that stopped reading the feed of notices or read it again."""
    return watching.watch(now=timezone.now())
