"""Broker, worker, scheduler, and what waits for them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings

from notifications.deliveries import queries as deliveries
from notifications.fanout import queries as fanout
from portal.audit.models import Event
from portal.operations import broker, jobs, rules
from portal.operations.doctor import database
from portal.operations.doctor.rules import Finding, warning, well, wrong
from portal.operations.models import Heartbeat, Job

# A job is late when it missed three runs, and two minutes more, since its runs are written down now and then.
MISSED_RUNS = 3
PATIENCE = timedelta(minutes=2)
DUE_FOR = timedelta(minutes=5)


def check(now: datetime) -> Iterator[Finding]:
    """Yield what is found about background work at ``now``."""
    waiting = broker.waiting()
    yield _broker(waiting)
    beat = Heartbeat.objects.filter(name="worker").values_list("at", flat=True).first()
    yield _worker(beat, now, reachable=waiting is not None)
    event = Event.objects.order_by("-sequence").values_list("at", flat=True).first()
    if clock := database.in_the_future(now, {"the heartbeat": beat, "the last event": event}):
        yield clock
    yield _jobs(now)
    yield _events(now)
    yield _deliveries(now)


def _broker(waiting: int | None) -> Finding:
    if waiting is None:
        where = "the folders in EXCHANGE_DATA_DIR" if not settings.REDIS_URL else "REDIS_URL"
        return wrong("broker", "It does not answer.", f"Start it, and compare {where} with where it runs.")
    return well("broker", f"It answers; {waiting} messages wait.")


def _worker(beat: datetime | None, now: datetime, *, reachable: bool) -> Finding:
    judged = rules.worker(beat, now)
    if judged.passed:
        return well("worker and scheduler", judged.said)
    said = judged.said.partition(". ")[0] + "."
    # Whoever answers a call is a worker, so that then it is the scheduler that is missing.
    if reachable and current_app.control.ping(timeout=1.0):
        said, fix = f"{said} A worker answers, so the scheduler is missing.", "Start the scheduler: celery … beat."
    else:
        fix = "Start a worker and the scheduler: celery … worker and celery … beat, or manage.py serve for all."
    return wrong("worker and scheduler", said, fix)


def _jobs(now: datetime) -> Finding:
    ran = {job.name: job for job in Job.objects.all()}
    late = [
        name
        for name, seconds in sorted(jobs.schedule().items())
        if (job := ran.get(name))
        and job.succeeded_at
        and now - job.succeeded_at > MISSED_RUNS * timedelta(seconds=seconds) + PATIENCE
    ]
    failing = [
        f"{job.name} ({job.failure})"
        for job in ran.values()
        if job.failed_at and (job.succeeded_at is None or job.failed_at > job.succeeded_at)
    ]
    if failing:
        return wrong("scheduled jobs", f"Failed when last run: {', '.join(failing)}.", "Look at the worker's log.")
    if late:
        said = f"Have not ended well for a while: {', '.join(late)}."
        return warning("scheduled jobs", said, "Look at the worker's log; see also worker and scheduler.")
    return well("scheduled jobs", f"{len(ran)} of {len(jobs.schedule())} have run.")


def _events(now: datetime) -> Finding:
    judged = rules.events(fanout.oldest_waiting_at(), now)
    if judged.passed:
        return well("events", judged.said)
    return wrong("events", judged.said.partition(". ")[0] + ".", "Start the worker, or look at its log.")


def _deliveries(now: datetime) -> Finding:
    oldest = deliveries.oldest_due_at(now)
    if oldest is None:
        return well("deliveries", "Nothing is due.")
    waited = int((now - oldest).total_seconds())
    said = f"The oldest delivery that is due has waited for {waited} s."
    if now - oldest > DUE_FOR:
        return wrong("deliveries", said, "Start more workers, and look for time-outs in their logs.")
    return well("deliveries", said)
