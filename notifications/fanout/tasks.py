"""When the fan-out looks: on a hint after a commit, and every two seconds whatever happened to the hint."""

import logging
import threading
from typing import Any

from celery import shared_task
from django.utils import timezone

from notifications.deliveries.models import Delivery
from notifications.fanout import rules, services, telling
from notifications.mail import messages
from notifications.mail import services as mail
from portal.partnerships.models import Partnership

logger = logging.getLogger(__name__)
# One batch at a time in a process: a mail server that hangs holds one thread and not all of them.
_mailing = threading.Lock()


@shared_task(name="notifications.fanout.sweep")
def sweep() -> None:
    """Write down what is owed because of new events, and start handing it over."""
    if services.sweep(now=timezone.now()):
        deliver_mail()


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


def content_of(delivery: Delivery) -> messages.Content:
    """Return what a mail says: the words of its event by the table."""
    event = delivery.event
    partnership = Partnership.objects.select_related("first_organization", "second_organization").filter(
        pk=event.partnership_id
    )
    rule = rules.TABLE[event.kind]
    words = telling.of(event, rule, telling.facts_of(event, partnership.first()))
    return messages.Content(subject=words.subject, facts=words.facts, next=words.next, path=words.path)


def hint(sequence: int, **_: Any) -> None:
    """Ask a worker to look now. A hint that cannot be sent is no loss: the sweep comes round in two seconds."""
    try:
        sweep.apply_async(retry=False, expires=60)
    except Exception as error:  # whatever the broker's client raises; the fact itself is committed
        logger.warning("No hint was sent for event %d: %s", sequence, error)
