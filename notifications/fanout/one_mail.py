"""One mail, and not two, of a notice that takes effect as it comes: the mail that says it came says what it did.

Only the mails are made one. Both events keep their row in the inbox and their webhooks, since machines act on each.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel, State
from portal.audit.models import Event

CAME, TOOK_EFFECT = "notice.received", "notice.executed"
# A notice is kept before it takes effect, in a transaction of its own. For so long its mail waits to be able to say both.
HOLD = timedelta(seconds=10)


def of(owed: Iterable[Delivery], now: datetime) -> list[Delivery]:
    """Return ``owed`` without the mails of effects that the mail about the same notice to the same person will tell.

    That mail is written when it is handed over, so one that was not tried yet tells of the effect whoever wins the race; after a
    first try the effect has a mail of its own. The mail of a notice whose moment has come waits for its effect, ``HOLD`` at
    most; the effect lets it go.
    """
    owed = list(owed)
    came = [each for each in owed if _mails(each, CAME)]
    happened = {each.event.subject_id for each in owed if _mails(each, TOOK_EFFECT)}
    for each in came:
        if _is_due(each.event) and each.event.subject_id not in happened:
            each.next_attempt_at = now + HOLD
    told = {_about(each) for each in came} | _let_go(happened, now)
    return [each for each in owed if not (_mails(each, TOOK_EFFECT) and _about(each) in told)]


def _let_go(notices: set[str], now: datetime) -> set[tuple[str, str]]:
    """Make the mails about these notices due that nobody has tried yet, and return about what and to whom they are."""
    if not notices:
        return set()
    untried = Delivery.objects.filter(
        event__kind=CAME, event__subject_id__in=notices, channel=Channel.MAIL, state=State.PENDING, tries=0
    )
    found = {_about(each) for each in untried.select_related("event")}
    if found:
        untried.update(next_attempt_at=now)
    return found


def _mails(delivery: Delivery, kind: str) -> bool:
    return delivery.channel == Channel.MAIL and delivery.event.kind == kind


def _about(delivery: Delivery) -> tuple[str, str]:
    return delivery.event.subject_id, delivery.recipient


def _is_due(event: Event) -> bool:
    moment = event.data.get("effective_at")
    return bool(moment) and event.data.get("key_verified") is True and datetime.fromisoformat(moment) <= event.at
