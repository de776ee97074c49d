"""When the fan-out looks: on a hint after a commit, and every two seconds whatever happened to the hint."""

import logging
import threading
import time
from typing import Any

from celery import shared_task
from django.utils import timezone

from notifications.deliveries import services as deliveries
from notifications.fanout import digest, services
from notifications.fanout.wording import content_of
from notifications.mail import services as mail
from notifications.webhooks import delivering as webhooks
from notifications.webhooks import watching

logger = logging.getLogger(__name__)
# One batch at a time in a process: a mail server that hangs holds one thread and not all of them.
_mailing = threading.Lock()
# One run takes what becomes due meanwhile; the second place is for the time in which a long run waits for its last answers.
_posting = threading.BoundedSemaphore(2)
# After a hint that could not be sent none is tried for so many seconds: a broker that hangs would hold up every request.
HINTS_REST = 15.0
_no_hints_before = 0.0  # by the steady clock


@shared_task(name="notifications.fanout.sweep")
def sweep() -> None:
    """Write down what is owed because of new events, and start handing it over."""
    if services.sweep(now=timezone.now()):
        _start(deliver_webhooks)
        deliver_mail()


@shared_task(name="notifications.webhooks.deliver")
def deliver_webhooks() -> None:
    """Make the webhooks that are due. Several workers and threads may be at it; each has its own claims."""
    if not _posting.acquire(blocking=False):
        return
    try:
        webhooks.deliver(now=timezone.now())
    finally:
        _posting.release()


@shared_task(name="notifications.webhooks.watch")
def watch_webhooks() -> None:
    """Ask the endpoints that nobody has heard of for a day, and tell again of those that are paused."""
    watching.ask_quiet_endpoints(now=timezone.now())
    watching.tell_of_paused_endpoints(now=timezone.now())


@shared_task(name="notifications.mail.deliver")
def deliver_mail() -> None:
    """Hand over the mail that is due, batch after batch, unless this process is at it already."""
    if not _mailing.acquire(blocking=False):
        return
    try:
        while mail.deliver(now=timezone.now(), content_of=content_of) == mail.BATCH:
            pass
    finally:
        _mailing.release()


@shared_task(name="notifications.fanout.make_digests")
def make_digests() -> None:
    """Make the daily mails that are due, and start handing them over."""
    if digest.make_due(now=timezone.now()):
        deliver_mail()


@shared_task(name="notifications.deliveries.mend")
def mend_plans() -> None:
    """Bring forward what a clock that ran ahead had planned."""
    mended = deliveries.mend_plans(now=timezone.now())
    if mended:
        logger.warning("The clock was set back: %d deliveries were planned by the wrong one and are made now.", mended)


def hint(sequence: int, **_: Any) -> None:
    """Ask a worker to look now. A hint that cannot be sent is no loss: the sweep comes round in two seconds."""
    _start(sweep)


def _start(task: Any) -> None:
    global _no_hints_before
    if time.monotonic() < _no_hints_before:
        return
    try:
        task.apply_async(retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises; the fact itself is committed
        _no_hints_before = time.monotonic() + HINTS_REST
        logger.warning("No hint was sent for %s: %s", task.name, error)
