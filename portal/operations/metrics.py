"""The processes themselves: worker, scheduled jobs, broker, and what runs here."""

import platform
from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from prometheus_client import Metric

from portal import metrics
from portal.counting import durations
from portal.counting import queries as counted
from portal.operations import broker, jobs
from portal.operations.models import Heartbeat, Job


def collect(now: datetime) -> Iterator[Metric]:
    """Yield when the worker showed itself, when each job ran well, how long requests took, and what waits in the broker."""
    beats = metrics.gauge(
        "heartbeat_timestamp_seconds", "When the background worker last ran a task of the scheduler.", ["process"]
    )
    for name, at in Heartbeat.objects.order_by("name").values_list("name", "at"):
        beats.add_metric([name], at.timestamp())
    yield beats
    yield from _jobs()
    yield _requests()
    yield from _broker()
    info = metrics.gauge("build_info", "What runs here; the value is always 1.", ["python", "database"])
    info.add_metric([platform.python_version(), connection.vendor], 1)
    yield info


def _jobs() -> Iterator[Metric]:
    ran = dict(Job.objects.values_list("name", "succeeded_at"))
    failures = {labels.get("job"): value for labels, value in counted.of(jobs.JOB_FAILURES)}
    last = metrics.gauge("job_last_success_timestamp_seconds", "When a scheduled job last ended well.", ["task"])
    interval = metrics.gauge("job_interval_seconds", "How often a job is scheduled.", ["task"])
    failed = metrics.counter("job_failures_total", "Runs of a scheduled job that failed.", ["task"])
    for name, seconds in sorted(jobs.schedule().items()):
        interval.add_metric([name], seconds)
        failed.add_metric([name], failures.get(name, 0))
        if at := ran.get(name):
            last.add_metric([name], at.timestamp())
    yield from (last, interval, failed)


def _requests() -> Metric:
    family = metrics.histogram(
        "http_request_duration_seconds",
        "How long requests took, by kind of address and class of answer, over all web processes.",
        ["route", "status"],
    )
    took = {(each["route"], each["status"]): value for each, value in counted.of(durations.MICROSECONDS)}
    for key, buckets in durations.histogram(counted.of(durations.BUCKETS)).items():
        family.add_metric(key, buckets, took.get(key, 0) / 1_000_000)
    return family


def _broker() -> Iterator[Metric]:
    waiting = broker.waiting()
    yield metrics.one(metrics.gauge("broker_up", "1 when the broker answers, else 0."), int(waiting is not None))
    messages = metrics.gauge("broker_messages", "Messages that wait in the broker for a worker.")
    yield metrics.one(messages, waiting) if waiting is not None else messages
