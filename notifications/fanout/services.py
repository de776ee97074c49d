"""From events to what is owed because of them."""

import logging
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import CONTACT, Channel, State
from notifications.fanout import one_mail, payloads, queries, rules, telling
from notifications.fanout.models import Cursor, InboxItem
from notifications.mail import preferences
from notifications.mail.rules import Frequency, frequency, weigh
from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import SENT_TO, EndpointState
from portal import errors
from portal.audit import services as audit
from portal.audit.models import Audience, Event
from portal.organizations.acting import PORTAL, Actor
from portal.organizations.models import Membership
from portal.organizations.rules import RESPONDER, Role
from portal.partnerships.models import Contact, Partnership

logger = logging.getLogger(__name__)
UNTOLD = "event.untold"
BATCH = 200  # events in one transaction


def sweep(*, now: datetime) -> int:
    """Read every event after the cursor and write down what is owed because of it; return how many were read.

    The cursor and the debts move in one transaction, and the log's numbers have no gaps and are committed in order, so
    an event is neither missed nor told twice, wherever a process is killed. Sweepers queue on the cursor's row.
    """
    read = 0
    while batch := _sweep_batch(now):
        read += batch
        if batch < BATCH:
            break
    return read


def _sweep_batch(now: datetime) -> int:
    # Asked without a lock first: on SQLite a transaction is the one writer's place in line.
    if not Event.objects.filter(sequence__gt=queries.position()).exists():
        return 0
    with transaction.atomic():
        cursor, _ = Cursor.objects.select_for_update().get_or_create(id=1)
        events = list(Event.objects.filter(sequence__gt=cursor.sequence).order_by("sequence")[:BATCH])
        if events:
            _fan_out(events, now)
            Cursor.objects.filter(id=1).update(sequence=events[-1].sequence, moved_at=now)
    return len(events)


def _fan_out(events: list[Event], now: datetime) -> None:
    told = [(event, rule) for event in events if (rule := rules.TABLE.get(event.kind)) is not None]
    if not told:
        return
    partnerships = Partnership.objects.select_related("first_organization", "second_organization").in_bulk(
        {event.partnership_id for event, _ in told if event.partnership_id}
    )
    items: list[InboxItem] = []
    owed: list[Delivery] = []
    for event, rule in told:
        partnership = partnerships.get(event.partnership_id) if event.partnership_id else None
        try:
            to_show, to_send = _because_of(event, rule, partnership, now)
        except DatabaseError:
            raise  # another try may do better, and none of the batch is lost until then
        except Exception:
            # What cannot be put into words must not silence what came after it.
            logger.exception("Event %s (%s) could not be told", event.sequence, event.kind)
            _say_that_it_could_not_be_told(event, now)
            continue
        items += to_show
        owed += to_send
    InboxItem.objects.bulk_create(items, ignore_conflicts=True)
    Delivery.objects.bulk_create(one_mail.of(owed, now), ignore_conflicts=True)


def _because_of(
    event: Event, rule: rules.Rule, partnership: Partnership | None, now: datetime
) -> tuple[list[InboxItem], list[Delivery]]:
    """Return what is owed because of one event."""
    items: list[InboxItem] = []
    owed: list[Delivery] = []
    facts = telling.facts_of(event, partnership)
    words = telling.of(event, rule, facts)
    organizations = _organizations(event, rule, partnership)
    people = _people(organizations, rule, event)
    often = {each: _frequency(each, rule, words) for each in people}
    if rules.INBOX in rule.channels:
        items += [_item(event, each, words, now, daily=often[each] is Frequency.DAILY) for each in people]
    if Channel.MAIL in rule.channels:
        owed += [_mail(event, each, words, now) for each in people if often[each] is Frequency.AT_ONCE]
        owed += [_mail_to_contact(event, each, words, now) for each in _contacts(organizations, rule)]
    if Channel.WEBHOOK in rule.channels:
        owed += _webhooks(event, organizations, words, facts, now)
    return items, owed


def _say_that_it_could_not_be_told(event: Event, now: datetime) -> None:
    """Record it as an event of its own, which the next batch tells in words that need nothing of the first."""
    if event.kind == UNTOLD:
        return  # it would go round for ever; the log of the process has it
    audit.record(
        UNTOLD,
        now=now,
        actor=PORTAL,
        organization_id=event.organization_id,
        partnership_id=event.partnership_id,
        audience=Audience(event.audience),
        subject=("event", event.sequence),
        data={"event": event.sequence, "of_kind": event.kind},
    )


def _frequency(membership: Membership, rule: rules.Rule, words: telling.Telling) -> Frequency:
    """Return how often a member is mailed about what ``words`` tell: by their own wish, unless it is an alarm."""
    if Channel.MAIL not in rule.channels:
        return Frequency.NONE
    wish = preferences.of(membership)
    return frequency(
        weigh(urgent=words.urgent, asks=bool(words.next)),
        tasks=wish.tasks,
        news=wish.news,
        comes_back=membership.user.mail_came_back_at is not None,
    )


def _organizations(event: Event, rule: rules.Rule, partnership: Partnership | None) -> set[uuid.UUID]:
    both = {partnership.first_organization_id, partnership.second_organization_id} if partnership else set()
    own = {event.organization_id} if event.organization_id else set()
    match rule.audience:
        case rules.Audience.ACTING:
            return own or both
        case rules.Audience.PARTNER:
            return both - own
        case _:
            return both | own


def _people(organizations: Iterable[uuid.UUID], rule: rules.Rule, event: Event) -> list[Membership]:
    members = Membership.objects.filter(
        organization__in=list(organizations), state=Membership.State.ACTIVE, user__is_active=True
    ).select_related("user", "mail_preference")
    return [
        each
        for each in members.order_by("organization_id", "created_at", "id")
        if _is_told(each, rule, event) and (rule.actor_too or str(each.user_id) != event.actor_id)
    ]


def _is_told(membership: Membership, rule: rules.Rule, event: Event) -> bool:
    if rule.named:
        return str(membership.pk) in event.data.get("memberships", ())
    return _has_role(membership, rule.roles)


def _has_role(membership: Membership, roles: frozenset[str]) -> bool:
    return membership.role in roles or (RESPONDER in roles and membership.responder and membership.role != Role.VIEWER)


def _contacts(organizations: Iterable[uuid.UUID], rule: rules.Rule) -> list[Contact]:
    """Return the contacts without a login whom ``rule`` tells as well; those with one are told as members."""
    if not rule.contacts:
        return []
    found = Contact.objects.filter(organization__in=list(organizations), membership=None, retired_at=None)
    return list(found.exclude(email="").order_by("organization_id", "created_at", "id"))


def _item(event: Event, membership: Membership, words: telling.Telling, now: datetime, *, daily: bool) -> InboxItem:
    return InboxItem(
        membership=membership,
        event=event,
        subject=words.subject,
        next=words.next,
        path=words.path,
        urgent=words.urgent,
        in_digest=daily,
        created_at=now,
    )


def _mail(event: Event, membership: Membership, words: telling.Telling, now: datetime) -> Delivery:
    return Delivery(
        event=event,
        organization_id=membership.organization_id,
        channel=Channel.MAIL,
        recipient=str(membership.pk),
        recipient_label=str(membership.user)[:200],
        urgent=words.urgent,
        next_attempt_at=now,
        created_at=now,
    )


def _mail_to_contact(event: Event, contact: Contact, words: telling.Telling, now: datetime) -> Delivery:
    return Delivery(
        event=event,
        organization_id=contact.organization_id,
        channel=Channel.MAIL,
        recipient=f"{CONTACT}{contact.pk}",
        recipient_label=contact.name[:200],
        urgent=words.urgent,
        next_attempt_at=now,
        created_at=now,
    )


def _webhooks(
    event: Event,
    organizations: Iterable[uuid.UUID],
    words: telling.Telling,
    facts: Mapping[str, Any],
    now: datetime,
) -> list[Delivery]:
    # A paused endpoint gets a dead letter, so that "redeliver all" after it is resumed finds what it missed.
    found = WebhookEndpoint.objects.filter(
        organization__in=list(organizations), state__in=(*SENT_TO, EndpointState.PAUSED), removed_at=None
    )
    endpoints = [each for each in found if each.wants(event.kind)]
    if not endpoints:
        return []
    body = payloads.body(event, words, facts)
    return [
        Delivery(
            event=event,
            organization_id=each.organization_id,
            channel=Channel.WEBHOOK,
            recipient=str(each.pk),
            recipient_label=each.name[:200],
            urgent=words.urgent,
            body=body,
            state=State.PENDING if each.sent_to else State.DEAD,
            next_attempt_at=now if each.sent_to else None,
            finished_at=None if each.sent_to else now,
            created_at=now,
        )
        for each in endpoints
    ]


def mark_read(*, actor: Actor, now: datetime, item_id: int | None = None) -> int:
    """Mark one item of the acting member's inbox as read, or all when ``item_id`` is None; return how many changed.

    Raises NotFound for an item that is not in the actor's inbox.
    """
    mine = queries.inbox(actor)
    if item_id is not None:
        mine = mine.filter(pk=item_id)
        if not mine.exists():
            raise errors.NotFound()
    return mine.filter(read_at=None).update(read_at=now)
