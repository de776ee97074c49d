"""Writes down when scheduled tasks ran: celery's own signals, heard in the worker."""

import threading
import time
from datetime import datetime
from typing import Any

from celery import current_app
from celery.signals import task_failure, task_postrun, task_prerun, task_success
from django.db import DatabaseError
from django.utils import timezone

from portal.counting import services as counting
from portal.operations.models import Job

JOB_FAILURES = "job_failures"
# A task that comes round every two seconds is not written down each time.
WRITE_EVERY = 10.0  # seconds, in one process
_written: dict[str, float] = {}
_running = threading.local()


def schedule() -> dict[str, float]:
    """Return the tasks of the schedule with the seconds between their runs."""
    return {entry["task"]: float(entry["schedule"]) for entry in current_app.conf.beat_schedule.values()}


def labels() -> dict[str, str]:
    """Return the tasks of the schedule with what the schedule calls them."""
    return {entry["task"]: label for label, entry in current_app.conf.beat_schedule.items()}


def succeeded(*, name: str, milliseconds: int, now: datetime) -> None:
    """Write down that a run of a task ended well."""
    Job.objects.update_or_create(name=name, defaults={"succeeded_at": now, "milliseconds": milliseconds})


def failed(*, name: str, failure: str, now: datetime) -> None:
    """Write down that a run of a task failed, with the kind of error; its text may hold what must not be kept."""
    Job.objects.update_or_create(name=name, defaults={"failed_at": now, "failure": failure[:300]})


@task_prerun.connect
def _begins(**_: Any) -> None:
    _running.since = time.monotonic()


@task_success.connect
def _succeeded(sender: Any = None, **_: Any) -> None:
    name = getattr(sender, "name", "")
    if name in schedule() and time.monotonic() - _written.get(name, -WRITE_EVERY) >= WRITE_EVERY:
        _written[name] = time.monotonic()
        spent = time.monotonic() - getattr(_running, "since", time.monotonic())
        _try(lambda: succeeded(name=name, milliseconds=int(spent * 1000), now=timezone.now()))


@task_failure.connect
def _failed(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    name = getattr(sender, "name", "")
    if name in schedule():
        counting.add(JOB_FAILURES, job=name)
        _try(lambda: failed(name=name, failure=type(exception).__name__, now=timezone.now()))


@task_postrun.connect
def _ended(**_: Any) -> None:
    counting.write_down()


def _try(write: Any) -> None:
    # What a task did stands, whether or not its run can be written down.
    try:
        write()
    except DatabaseError:
        _written.clear()
