"""Taking deliveries in hand, and writing down what became of them."""

import random
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from notifications.deliveries import queries, rules
from notifications.deliveries.models import Attempt, Delivery
from notifications.deliveries.rules import Channel, Outcome, State
from portal import errors
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right

MAX_DETAIL = 2000  # characters of the other side's answer that are kept
UNDELIVERABLE = {Channel.MAIL: "mail.undeliverable", Channel.WEBHOOK: "webhook.undeliverable"}


@dataclass(frozen=True)
class Answer:
    """What came of a try: whether it was handed over, the other side's number, and what it said."""

    delivered: bool
    detail: str
    status_code: int | None = None
    exchange: dict[str, Any] = field(default_factory=dict)


def lease() -> timedelta:
    """Return how long a claim lasts: ``settings.DELIVERY_LEASE_SECONDS``, or ``rules.LEASE`` without it."""
    seconds = getattr(settings, "DELIVERY_LEASE_SECONDS", None)
    return timedelta(seconds=seconds) if seconds else rules.LEASE


def claim(*, channel: Channel, now: datetime, limit: int, without: Collection[str] = ()) -> list[Delivery]:
    """Take up to ``limit`` due deliveries in hand and return them, each with a new attempt begun.

    Those to the recipients in ``without`` are left where they are.

    Two workers never get the same one: the update takes only what is still due, and pushes it out of reach for the time
    of the lease. What a killed worker held becomes due again by itself when the lease runs out, and its attempt is
    written down as interrupted.
    """
    found = queries.due(channel, now)
    if without:
        found = found.exclude(recipient__in=without)
    if not found.exists():
        return []
    token = uuid.uuid4()
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            found = found.select_for_update(skip_locked=True)
        ids = list(found.values_list("id", flat=True)[:limit])
        queries.due(channel, now).order_by().filter(id__in=ids).update(
            next_attempt_at=now + lease(), claim=token, tries=F("tries") + 1
        )
        # In the order in which things happened, so that a person's mails come in it too.
        mine = Delivery.objects.filter(id__in=ids, claim=token).order_by("event_id", "created_at")
        claimed = list(mine.select_related("event", "organization"))
        again = [each for each in claimed if each.tries > 1]
        if again:
            Attempt.objects.filter(delivery__in=again, finished_at=None).update(
                finished_at=now, outcome=Outcome.INTERRUPTED, detail="The worker stopped before it knew the answer."
            )
        Attempt.objects.bulk_create(Attempt(delivery=each, number=each.tries, started_at=now) for each in claimed)
    return claimed


def mend_plans(*, now: datetime) -> int:
    """Bring forward what was planned while the clock ran ahead, and return how many deliveries that were.

    After the clock was set back, what was due "now" would wait for as long as the clock had been wrong. Such a plan shows
    by itself: it begins in the future, or was made by a try in the future, or a claim lasts longer than a lease.
    """
    later = Delivery.objects.filter(next_attempt_at__gt=now + rules.CLOCKS_DIFFER)
    future_try = Attempt.objects.filter(
        delivery=OuterRef("pk"), number=OuterRef("tries"), started_at__gt=now + rules.CLOCKS_DIFFER
    )
    held = later.filter(claim__isnull=False, next_attempt_at__gt=now + lease() + rules.CLOCKS_DIFFER)
    planned = later.filter(Q(tries=F("tries_before")) | Exists(future_try), claim=None)
    return held.update(next_attempt_at=now + lease()) + planned.update(next_attempt_at=now)


def finish(delivery: Delivery, answer: Answer, *, now: datetime) -> State:
    """Write down what came of the try that ``claim`` began, and return the state that the delivery has then.

    A failed try plans the next one, or, if it was the last, makes the delivery a dead letter and records that as an event,
    which tells the organization. A worker that was so slow that somebody else took over still reports a success, since
    the receiver has it; its failure says nothing about the other's try and changes nothing.
    """
    with transaction.atomic():
        Attempt.objects.filter(delivery=delivery, number=delivery.tries).update(
            finished_at=now,
            outcome=Outcome.DELIVERED if answer.delivered else Outcome.FAILED,
            status_code=answer.status_code,
            detail=_printable(answer.detail),
            exchange=answer.exchange,
        )
        if answer.delivered:
            _move(delivery, State.DELIVERED, now=now, anyhow=True)
            return State.DELIVERED
        wait = rules.next_wait(
            Channel(delivery.channel),
            urgent=delivery.urgent,
            tries=delivery.tries - delivery.tries_before,
            spread=random.random(),  # noqa: S311 - spreads load, keeps no secret
        )
        if wait is not None:
            _mine(delivery).update(next_attempt_at=now + wait, claim=None)
            return State.PENDING
        if _move(delivery, State.DEAD, now=now):
            _tell(delivery, answer, now=now)
        return State.DEAD


def drop(delivery: Delivery, reason: str, *, now: datetime) -> None:
    """Write down that nobody is owed the delivery any more, and why."""
    with transaction.atomic():
        Attempt.objects.filter(delivery=delivery, number=delivery.tries).update(
            finished_at=now, outcome=Outcome.FAILED, detail=reason
        )
        _move(delivery, State.DROPPED, now=now)


def send_again(*, actor: Actor, delivery_id: uuid.UUID, now: datetime) -> None:
    """Make a dead letter of the actor's organization due again, with the same id, so that a receiver knows a repeat.

    Its schedule begins anew. Raises NotFound for what is not the organization's, and Conflict for what is no dead letter.
    """
    organization = actor.require(Right.MANAGE_DELIVERY)
    mine = Delivery.objects.filter(organization=organization, id=delivery_id)
    if not mine.exists():
        raise errors.NotFound()
    if not _restart(mine.filter(state=State.DEAD), now):
        raise errors.Conflict("This delivery was not given up.", code="not_a_dead_letter", fix="Look at its attempts.")


def repeat(delivery: Delivery, *, now: datetime) -> bool:
    """Make a finished delivery due again, from the start of its schedule; return whether it was finished.

    Its id and body stay the same, so the receiver recognizes the repeat.
    """
    return _restart(Delivery.objects.filter(id=delivery.id, state__in=(State.DEAD, State.DELIVERED)), now) == 1


def send_dead_again(*, recipient: str, since: datetime, now: datetime) -> int:
    """Make every dead letter to one recipient since a moment due again; return how many there were."""
    return _restart(Delivery.objects.filter(recipient=recipient, state=State.DEAD, created_at__gte=since), now)


def _restart(deliveries: Any, now: datetime) -> int:
    return deliveries.update(
        state=State.PENDING, next_attempt_at=now, claim=None, finished_at=None, tries_before=F("tries")
    )


@dataclass(frozen=True)
class Finished:
    """What came of one claimed try, and what follows: when the next is made, or never (a dead letter)."""

    delivery: Delivery
    answer: Answer
    next_attempt_at: datetime | None = None
    # A dead letter is told of, unless what stopped it was told already.
    told: bool = True


def finish_many(finished: Iterable[Finished], *, now: datetime) -> None:
    """Write down what came of many tries at once, in one transaction; by the rules of ``finish``.

    The caller says when each failed one is tried again, since channels have schedules of their own.
    """
    done = list(finished)
    if not done:
        return
    with transaction.atomic():
        # Each was written down when it began; one statement fills in all of them.
        Attempt.objects.bulk_create(
            [_attempt(each.delivery, each.answer, now) for each in done],
            update_conflicts=True,
            unique_fields=["delivery", "number"],
            update_fields=["finished_at", "outcome", "status_code", "detail", "exchange"],
        )
        # A success counts even when somebody else took over meanwhile: the receiver has it.
        delivered = [each.delivery.pk for each in done if each.answer.delivered]
        if delivered:
            Delivery.objects.filter(pk__in=delivered).exclude(state=State.DELIVERED).update(
                state=State.DELIVERED, next_attempt_at=None, claim=None, finished_at=now
            )
        _plan([each for each in done if not each.answer.delivered and each.next_attempt_at is not None])
        for each in done:
            over = not each.answer.delivered and each.next_attempt_at is None
            if over and _move(each.delivery, State.DEAD, now=now) and each.told:
                _tell(each.delivery, each.answer, now=now)


def _plan(failed: list[Finished]) -> None:
    """Write down when each is tried again, of those that nobody else took over meanwhile."""
    for each in failed:
        _mine(each.delivery).update(next_attempt_at=each.next_attempt_at, claim=None)


def _attempt(delivery: Delivery, answer: Answer, now: datetime) -> Attempt:
    return Attempt(
        delivery=delivery,
        number=delivery.tries,
        started_at=now,  # kept as it was when the attempt began
        finished_at=now,
        outcome=Outcome.DELIVERED if answer.delivered else Outcome.FAILED,
        status_code=answer.status_code,
        detail=_printable(answer.detail),
        exchange=answer.exchange,
    )


def put_back(deliveries: Iterable[Delivery], *, at: datetime) -> None:
    """Give back claimed deliveries that were not tried after all; they are due again at ``at``, and no attempt stands."""
    given = list(deliveries)
    if not given:
        return
    with transaction.atomic():
        held = Delivery.objects.filter(id__in=[each.id for each in given], claim__in={each.claim for each in given})
        mine = set(held.filter(state=State.PENDING).select_for_update().values_list("id", flat=True))
        Delivery.objects.filter(id__in=mine).update(next_attempt_at=at, claim=None, tries=F("tries") - 1)
        Attempt.objects.filter(delivery__in=mine, finished_at=None).delete()


def _mine(delivery: Delivery):
    return Delivery.objects.filter(id=delivery.id, state=State.PENDING, claim=delivery.claim)


def _move(delivery: Delivery, state: State, *, now: datetime, anyhow: bool = False) -> bool:
    rows = Delivery.objects.filter(id=delivery.id).exclude(state=State.DELIVERED) if anyhow else _mine(delivery)
    return rows.update(state=state, next_attempt_at=None, claim=None, finished_at=now) == 1


def _tell(delivery: Delivery, answer: Answer, *, now: datetime) -> None:
    audit.record(
        UNDELIVERABLE[Channel(delivery.channel)],
        now=now,
        actor=acting.PORTAL,
        organization_id=delivery.organization_id,
        subject=("delivery", delivery.id),
        data={
            "event": delivery.event_id,
            "event_kind": delivery.event.kind,
            "recipient": delivery.recipient_label,
            "tries": delivery.tries,
            "answer": _printable(answer.detail)[:300],
        },
    )


def _printable(text: str) -> str:
    # PostgreSQL refuses NUL in text, and a receiver may answer with anything.
    return text.replace("\x00", "�")[:MAX_DETAIL]
