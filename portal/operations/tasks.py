"""Background tasks of the shell itself."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from portal.operations import jobs, services

__all__ = ["heartbeat", "jobs"]  # importing jobs is what makes the worker write down its runs


@shared_task(name="portal.operations.heartbeat")
def heartbeat() -> None:
    """Show that scheduler, broker and worker work together: the scheduler sent this and a worker runs it."""
    services.beat(name=services.WORKER, now=timezone.now())


@worker_ready.connect
def _started(**_: Any) -> None:
    # The first beat of the schedule is ten seconds away, and whoever waits for readiness should not be.
    services.beat(name=services.WORKER, now=timezone.now())
