"""What happened to a notice and what comes, as sentences. Each side sees its own deliveries and the other's answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from notifications.acknowledgements import queries, rules
from notifications.acknowledgements.models import NoticeClock
from notifications.acknowledgements.rules import Mark, State
from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel
from notifications.deliveries.rules import State as DeliveryState
from portal.audit.models import Event
from portal.organizations.models import Organization
from portal.words import clock as clock_words
from trust.notices.models import Notice
from trust.notices.rules import ENDED
from trust.notices.rules import State as NoticeState


@dataclass(frozen=True)
class Row:
    """One line of the timeline: a sentence with its moment; ``future`` for what comes, ``people`` of whom all it is said."""

    at: datetime
    icon: str
    tint: str
    strong: str
    sentence: str
    url: str = ""
    future: bool = False
    people: tuple[str, ...] = ()


_SAID = {
    "acknowledged": ("check", "ok", "Acknowledged", "by {label}{via}."),
    "done": ("circle-check", "ok", "Done", "says {label}: {message}"),
    "cannot_act": ("hand-stop", "bad", "Cannot act", "says {label}: {message}"),
    "opened": ("eye", "info", "Opened", "by {label}. Opening does not acknowledge."),
}
_VIA = {"browser": "", "token": ", a program", "document": ", in a signed document"}
_EVENTS = {
    "notice.executed": ("circle-check", "ok", "Took effect", "{effect}."),
    "notice.adopted": ("server", "ok", "Adopted", "No service has to move any more."),
    "notice.closed": ("circle-check", "ok", "Closed", ""),
    "notice.withdrawn": ("archive", "", "Withdrawn", "by {by}."),
    "notice.superseded": ("archive", "", "Corrected", "by {by}."),
    "notice.apply_failed": ("alert-triangle", "bad", "Could not take effect", "{reason}"),
    "acknowledgement.reminded": ("bell", "warn", "Reminder", "to level {level}: {told}"),
    "acknowledgement.escalated": ("arrow-up-right", "warn", "Escalated", "to level {level}: {told}{why}"),
    "acknowledgement.sender_told": (
        "arrow-up-right",
        "warn",
        "The sender was told",
        "that nobody acknowledged after {waited}",
    ),
    "acknowledgement.overdue": ("clock-exclamation", "bad", "Overdue", "Both sides were told."),
    "acknowledgement.unfinished": ("bell", "warn", "Reminder", "Acknowledged, and not done yet."),
}


def rows(
    notice: Notice, clock: NoticeClock, plan: Iterable[rules.Moment], organization: Organization, now: datetime
) -> list[Row]:
    """Return what happened and what comes, in order. Each side sees its own deliveries and the other's answers."""
    received = organization.pk == notice.receiver_id
    found = [_received(notice)]
    found += _from_events(notice, organization)
    found += _from_deliveries(notice, organization)
    for each in queries.answers_of(notice):
        if each.answer == "opened" and not received:
            continue
        icon, tint, strong, template = _SAID[each.answer]
        sentence = template.format(label=each.label, message=each.message, via=_VIA[each.via])
        if each.answer == "acknowledged" and not each.first:
            sentence = f"by {each.label} too; somebody was faster."
        found.append(Row(each.at, icon, tint, f"{strong}.", _capital(sentence)))
    found.sort(key=lambda row: row.at)
    return found + _future(notice, clock, plan, now, received)


def _received(notice: Notice) -> Row:
    key = "key verified by phone" if notice.key_verified else "key not verified by phone"
    return Row(
        notice.received_at,
        "signature",
        "ok" if notice.key_verified else "warn",
        "Received.",
        f"Signature good, {key}. Handed in by {notice.handed_in_by_label}.",
    )


def _from_events(notice: Notice, organization: Organization) -> list[Row]:
    rows = []
    for event in Event.objects.filter(subject_kind="notice", subject_id=str(notice.pk), kind__in=list(_EVENTS)):
        if event.partnership_id is None and event.organization_id != organization.pk:
            continue
        icon, tint, strong, template = _EVENTS[event.kind]
        facts = {name: str(value) for name, value in event.data.items()}
        facts = {"effect": "", "by": "", "reason": "", "level": "", "told": "", "waited": ""} | facts
        facts["why"] = f". Told {facts['because']}." if facts.get("because") else ""
        # Plain replacement: what people wrote is never read as a template.
        sentence = template
        for name, value in facts.items():
            sentence = sentence.replace("{" + name + "}", value)
        rows.append(Row(event.at, icon, tint, f"{strong}.", _capital(sentence)))
    return rows


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _from_deliveries(notice: Notice, organization: Organization) -> list[Row]:
    sequences = Event.objects.filter(subject_kind="notice", subject_id=str(notice.pk)).values("sequence")
    found = Delivery.objects.filter(event__in=sequences, organization=organization).prefetch_related("attempts")
    rows = [_delivery_row(delivery) for delivery in found if delivery.channel != Channel.MAIL]
    alike: dict[tuple[object, ...], list[Delivery]] = {}
    for delivery in found:
        if delivery.channel == Channel.MAIL:
            # Mail that did not arrive needs somebody to do something about that one person, so it stays a line of its own.
            own = delivery.pk if _tint(delivery) == "bad" else None
            alike.setdefault((delivery.event_id, _mail_words(delivery), own), []).append(delivery)
    return rows + [_mail_row(mails) for mails in alike.values()]


def _mail_words(delivery: Delivery) -> str:
    if delivery.state == DeliveryState.DELIVERED:
        return "accepted by their mail server. That is not proof that it was read."
    return _state_words(delivery)


def _mail_row(mails: list[Delivery]) -> Row:
    first = min(mails, key=_at)
    at, tint, said = _at(first), _tint(first), _mail_words(first)
    if first.state == DeliveryState.DELIVERED:
        tint = "info"
    if len(mails) == 1:
        return Row(at, "mail", tint, "Email", f"to {first.recipient_label}: {said}")
    said = said.replace("their mail server.", "their mail servers.")
    people = tuple(f"{mail.recipient_label}, {_at(mail):%H:%M:%S}" for mail in sorted(mails, key=_at))
    done = "Mailed" if first.state == DeliveryState.DELIVERED else "Email"
    return Row(at, "mail", tint, f"{done} to {len(mails)} people:", said, people=people)


def _last(delivery: Delivery) -> Any:
    return next(reversed(list(delivery.attempts.all())), None)


def _at(delivery: Delivery) -> datetime:
    last = _last(delivery)
    return (last.finished_at or last.started_at) if last else delivery.created_at


def _delivery_row(delivery: Delivery) -> Row:
    last, at = _last(delivery), _at(delivery)
    url = reverse("delivery", args=[delivery.pk])
    if delivery.state == DeliveryState.DELIVERED and last:
        took = f"{last.status_code} in {last.exchange.get('milliseconds', 0)} ms"
        return Row(at, "webhook", "ok", "Webhook", f"to {delivery.recipient_label}: {took}", url)
    reason = last.exchange.get("reason", last.detail) if last else ""
    return Row(
        at,
        "webhook",
        _tint(delivery),
        "Webhook",
        f"to {delivery.recipient_label}: {_state_words(delivery)} {reason}",
        url,
    )


def _tint(delivery: Delivery) -> str:
    return (
        "bad" if delivery.state in (DeliveryState.DEAD, DeliveryState.BOUNCED) else "warn" if delivery.tries else "info"
    )


def _state_words(delivery: Delivery) -> str:
    if delivery.state == DeliveryState.DEAD:
        return f"given up after {delivery.tries} tries."
    if delivery.state == DeliveryState.BOUNCED:
        return "came back. Call them, or tell somebody else."
    if delivery.state == DeliveryState.DROPPED:
        return "not sent, because nobody is owed it any more."
    if not delivery.tries:
        return "on its way."
    return (
        f"try {delivery.tries} failed, next at {clock_words(delivery.next_attempt_at)}."
        if delivery.next_attempt_at
        else ""
    )


def _future(
    notice: Notice, clock: NoticeClock, plan: Iterable[rules.Moment], now: datetime, received: bool
) -> list[Row]:
    rows = []
    if clock.state == State.OPEN and notice.state not in (*ENDED, NoticeState.UNVERIFIED):
        for each in plan:
            if each.at <= now:
                continue
            if each.mark is Mark.OVERDUE:
                rows.append(Row(each.at, "", "", "", "Deadline to acknowledge. Both sides are told.", future=True))
            elif received and each.mark is Mark.ESCALATE and each.step is not None and each.level > clock.level:
                told = queries.told(queries.members_of_step(notice.receiver, each.step))
                more = f" {notice.sender.name} is told that nobody acknowledged." if each.step.tell_sender else ""
                rows.append(Row(each.at, "", "", "", f"Level {each.level} alerts {told}.{more}", future=True))
    if notice.state == NoticeState.ANNOUNCED and notice.effective_at > now:
        rows.append(Row(notice.effective_at, "", "", "", "Takes effect, whatever you do.", future=True))
    return sorted(rows, key=lambda row: row.at)
