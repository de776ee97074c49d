"""Reading clocks, answers and policies."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, Q, QuerySet, When

from notifications.acknowledgements import rules
from notifications.acknowledgements.models import EscalationPolicy, NoticeAnswer, NoticeClock
from notifications.acknowledgements.rules import State, Step, Who
from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel
from notifications.deliveries.rules import State as DeliveryState
from portal.audit.models import Event
from portal.organizations.models import Membership, Organization
from portal.organizations.rules import Role
from trust.notices.models import Notice
from trust.notices.rules import ENDED
from trust.notices.rules import State as NoticeState


def policy_of(organization: Organization) -> tuple[Step, ...]:
    """Return an organization's escalation policy, or the default."""
    found = EscalationPolicy.objects.filter(organization=organization).first()
    return rules.policy_from(found.steps) if found else rules.DEFAULT_POLICY


def clock_of(notice: Notice) -> NoticeClock:
    """Return a notice's clock, or what it will be when the sweep has made it."""
    found = NoticeClock.objects.filter(notice=notice).select_related("acknowledged_by").first()
    return found or new_clock(notice, policy_of(notice.receiver))


def new_clock(notice: Notice, policy: Sequence[Step]) -> NoticeClock:
    """Return an unsaved clock of a notice under a policy."""
    clock = NoticeClock(notice=notice, policy=rules.stored(policy), seen_until=notice.clock_starts_at)
    clock.next_at = rules.next_after(plan_of(clock), notice.clock_starts_at)
    return clock


def plan_of(clock: NoticeClock) -> tuple[rules.Moment, ...]:
    """Return the moments of a clock, as its policy was when the notice came."""
    return rules.plan(
        rules.policy_from(clock.policy),
        received_at=clock.notice.clock_starts_at,
        acknowledge_by=clock.notice.acknowledge_by,
        urgent=clock.notice.meaning.urgent,
    )


def members_of_step(organization: Organization, step: Step) -> list[Membership]:
    """Return the active members whom a step tells, by role or by name; nobody twice."""
    wanted = Q()
    for each in step.who:
        match each:
            case Who.RESPONDERS:
                wanted |= Q(responder=True) & ~Q(role=Role.VIEWER)
            case Who.OFFICERS:
                wanted |= Q(role=Role.OFFICER)
            case Who.ADMINS:
                wanted |= Q(role=Role.ADMIN)
            case _:
                wanted |= Q(pk=each)
    found = Membership.objects.filter(
        organization=organization, state=Membership.State.ACTIVE, user__is_active=True
    ).filter(wanted)
    return list(found.select_related("user").order_by("user__name"))


def told(members: Iterable[Membership]) -> str:
    """Return the names of members in words."""
    names = [str(each.user) for each in members]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "nobody: no active member is left"


def answers_of(notice: Notice) -> QuerySet[NoticeAnswer]:
    """Return everything that was answered to a notice, oldest first."""
    return NoticeAnswer.objects.filter(notice=notice).select_related("person")


# The facts by which a level is told.
TELLING = ("notice.received", "acknowledgement.reminded", "acknowledgement.escalated")


def mail_that_failed() -> list[tuple[Any, Delivery, Event]]:
    """Return the mails by which a level of an open notice's receiver was told and that did not arrive: notice's id, mail, event.

    A level may have been told in a mail of its own or, with other things, in a daily one. Only notices that wait for an answer and
    whose policy has moments left are looked at: after the last one nobody is above whom a mail could bring forward. So neither
    a long log nor notices that nobody ever answered cost anything.
    """
    waiting = NoticeClock.objects.filter(state=State.OPEN, next_at__isnull=False, notice__key_verified=True)
    open_notices = {
        str(notice_id): (notice_id, receiver)
        for notice_id, receiver in waiting.exclude(notice__state__in=[state.value for state in ENDED]).values_list(
            "notice_id", "notice__receiver_id"
        )
    }
    if not open_notices:
        return []
    told = Event.objects.filter(subject_kind="notice", subject_id__in=list(open_notices), kind__in=TELLING)
    known = list(told.order_by().values_list("pk", flat=True))
    failed = Delivery.objects.filter(
        channel=Channel.MAIL, state__in=(DeliveryState.DEAD, DeliveryState.BOUNCED)
    ).order_by()
    # The last thing of a daily mail is its own event as well.
    found = {
        *failed.filter(event__in=known).values_list("pk", "event_id"),
        *failed.filter(digest_items__event__in=known).values_list("pk", "digest_items__event_id"),
    }
    events = Event.objects.in_bulk({event for _, event in found})
    mails = Delivery.objects.in_bulk({mail for mail, _ in found})
    about = [
        (open_notices[events[event].subject_id], mails[mail], events[event])
        for mail, event in sorted(found, key=lambda each: (mails[each[0]].finished_at, each[1]))
    ]
    # The sender hears of its own notice too; whether that arrives says nothing about the receiver.
    return [
        (notice_id, each, event) for (notice_id, receiver), each, event in about if each.organization_id == receiver
    ]


def shown_state(notice: Notice, clock: NoticeClock, now: datetime) -> str:
    """Return a notice's state in the words people read: open, acknowledged, done, cannot_act, overdue, withdrawn, …."""
    if notice.state in (NoticeState.WITHDRAWN, NoticeState.SUPERSEDED, NoticeState.UNVERIFIED):
        return notice.state
    if clock.state == State.OPEN and notice.state not in ENDED and now >= notice.acknowledge_by:
        return "overdue"
    return "done" if notice.state == NoticeState.CLOSED else clock.state


def pressing_first(found: QuerySet[Notice], now: datetime) -> QuerySet[Notice]:
    """Return notices in the order of a list: overdue, open, the others; in each rehearsals last.

    What waits comes by its deadline, the rest with the newest first.
    """
    waits = WAITS & ~Q(state=NoticeState.UNVERIFIED)
    pressing = Case(When(waits & Q(acknowledge_by__lte=now), then=0), When(waits, then=1), default=2)
    due = Case(When(waits, then="acknowledge_by"), default=None)
    return found.order_by(pressing, "rehearsal", due.asc(nulls_last=True), "-received_at", "pk")


WAITS = ~Q(state__in=[state.value for state in ENDED]) & (Q(clock=None) | Q(clock__state=State.OPEN))


def unacknowledged() -> QuerySet[Notice]:
    """Return the notices that nobody of their receivers has acknowledged, of all organizations; for operators."""
    return Notice.objects.filter(WAITS, key_verified=True)


def waiting(organization: Organization) -> QuerySet[Notice]:
    """Return the received notices that nobody has acknowledged, the most urgent first; for "needs you"."""
    return (
        unacknowledged()
        .filter(receiver=organization)
        .select_related("sender", "partnership")
        .order_by("acknowledge_by")
    )


def unfinished(organization: Organization) -> QuerySet[Notice]:
    """Return the received notices that somebody acknowledged and nobody has done."""
    return (
        Notice.objects.filter(receiver=organization, clock__state=State.ACKNOWLEDGED)
        .exclude(state__in=[*(state.value for state in ENDED), NoticeState.ADOPTED.value])
        .select_related("sender", "partnership", "clock")
        .order_by("effective_at")
    )
