"""Background tasks about submissions."""

from celery import shared_task
from django.utils import timezone

from trust.submissions import services


@shared_task(name="trust.submissions.recheck")
def recheck() -> int:
    """Ask for the calls that waiting submissions need by now; idempotent."""
    return services.recheck_waiting(now=timezone.now())


@shared_task(name="trust.submissions.ask_java")
def ask_java() -> int:
    """Ask Java about the anchors of new submissions; idempotent."""
    return services.ask_java(now=timezone.now())
