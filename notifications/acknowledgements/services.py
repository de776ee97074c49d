"""Answering a notice, and noticing when nobody does."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DatabaseError, transaction

from notifications.acknowledgements import queries, rules
from notifications.acknowledgements.models import EscalationPolicy, NoticeAnswer, NoticeClock
from notifications.acknowledgements.rules import Answer, State
from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import State as DeliveryState
from portal import errors
from portal.audit import services as audit
from portal.audit.models import Event
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.models import Membership, Organization
from portal.organizations.rules import Right
from portal.words import duration
from trust.notices import life
from trust.notices.models import Notice
from trust.notices.rules import State as NoticeState
from trust.notices.telling import event_data

logger = logging.getLogger(__name__)
MAX_MESSAGE = 2000
BOUNCED = DeliveryState.BOUNCED


@dataclass(frozen=True)
class Answered:
    """What an answer came to: ``first`` is False when somebody was faster, and ``clock`` says who."""

    clock: NoticeClock
    first: bool


@dataclass(frozen=True)
class Proof:
    """A signed acknowledgement as it came; empty for one given in the browser or by a token."""

    document: bytes = b""
    signature: bytes = b""
    sha256: str = ""
    fingerprint: str = ""


def note_opened(*, notice: Notice, actor: Actor, now: datetime) -> None:
    """Write down that a member of the receiving organization has the notice open, once for each. Changes nothing else."""
    if actor.user is None or actor.organization is None or actor.organization.pk != notice.receiver_id:
        raise errors.NotFound()
    NoticeAnswer.objects.get_or_create(
        notice=notice,
        person=actor.user,
        answer=Answer.OPENED,
        defaults={"organization": actor.organization, "at": now, "label": actor.label[:200], "via": "browser"},
    )


def answer(
    *,
    notice: Notice,
    actor: Actor,
    now: datetime,
    answer: Answer,
    message: str = "",
    evidence_sha256: str = "",
    proof: Proof | None = None,
) -> Answered:
    """Acknowledge a notice, say that it is done, or that the organization cannot act by the deadline.

    A person needs a fresh second factor, a program the scope. Whoever comes second is told who was first. Raises Invalid when
    "done" or "cannot act" come without a sentence, Conflict for a notice that asks for no answer (any more).
    """
    organization = _require_receiver(notice, actor)
    text = _message(answer, message)
    if notice.state == NoticeState.UNVERIFIED:
        raise errors.Conflict(
            "We cannot tell who sent this notice, so there is nothing to acknowledge.",
            code="key_not_verified",
            fix="Call your partner on a number from the directory.",
        )
    if notice.state in (NoticeState.WITHDRAWN, NoticeState.SUPERSEDED):
        raise errors.Conflict(f"{notice.label} was {notice.state}; it asks for no answer.", code="ended")
    with transaction.atomic():
        clock = _locked_clock(notice)
        target = rules.next_state(State(clock.state), answer)
        proof = proof or Proof()
        NoticeAnswer.objects.create(
            notice=notice,
            organization=organization,
            answer=answer,
            at=now,
            person=actor.user,
            label=actor.label[:200],
            via="document" if proof.sha256 else "browser" if actor.user else "token",
            first=target is not None,
            message=text,
            evidence_sha256=evidence_sha256,
            document=proof.document,
            signature=proof.signature,
            document_sha256=proof.sha256,
            signer_fingerprint=proof.fingerprint,
        )
        if target is None:
            return Answered(clock, first=False)
        _move(clock, target, actor, now)
        audit.record(
            f"acknowledgement.{answer}",
            now=now,
            actor=actor,
            organization_id=organization.pk,
            partnership_id=notice.partnership_id,
            subject=("notice", notice.pk),
            data=_facts(notice) | {"person": actor.label, "message": text, "evidence_sha256": evidence_sha256},
        )
    if target is State.DONE:
        _close_if_adopted(notice, actor, now)
    return Answered(clock, first=True)


def _require_receiver(notice: Notice, actor: Actor) -> Any:
    organization = actor.require(Right.ACKNOWLEDGE)
    if organization.pk != notice.receiver_id:
        raise errors.NotFound()
    if actor.user is not None:
        actor.require_person(Right.ACKNOWLEDGE)
    return organization


def _message(answer: Answer, message: str) -> str:
    text = message.strip()
    if answer in (Answer.DONE, Answer.CANNOT_ACT) and not text:
        what = "how it was done" if answer is Answer.DONE else "why you cannot act"
        raise errors.Invalid(
            f"Say {what}.",
            code="message_required",
            fields={"message": [f"Say {what}, in one sentence for your partner."]},
        )
    if len(text) > MAX_MESSAGE or "\x00" in text:
        raise errors.Invalid("The message has at most 2,000 characters.", fields={"message": ["Make it shorter."]})
    return text


def _locked_clock(notice: Notice) -> NoticeClock:
    begin(notice)
    return NoticeClock.objects.select_for_update(of=("self",)).select_related("notice").get(notice=notice)


def begin(notice: Notice) -> None:
    """Start the clock of a notice under its receiver's policy, once."""
    if NoticeClock.objects.filter(notice=notice).exists():
        return
    made = queries.new_clock(notice, queries.policy_of(notice.receiver))
    NoticeClock.objects.get_or_create(
        notice=notice,
        defaults={"policy": made.policy, "seen_until": made.seen_until, "next_at": made.next_at},
    )


def _move(clock: NoticeClock, target: State, actor: Actor, now: datetime) -> None:
    clock.state = target
    notice = clock.notice
    if target is State.ACKNOWLEDGED:
        clock.acknowledged_at, clock.acknowledged_by, clock.acknowledged_by_label = now, actor.user, actor.label[:200]
        clock.next_at = rules.unfinished_at(
            acknowledged_at=now, act_by=max(notice.effective_at, notice.acknowledge_by), urgent=notice.meaning.urgent
        )
    elif target is State.DONE:
        clock.done_at, clock.next_at = now, None
    elif target is State.CANNOT_ACT:
        clock.cannot_act_at, clock.next_at = now, None
    clock.save()


def _close_if_adopted(notice: Notice, actor: Actor, now: datetime) -> None:
    notice.refresh_from_db()
    life.close_adopted(notice, actor=actor, now=now)


def _facts(notice: Notice) -> dict[str, Any]:
    kept = (
        "label",
        "title",
        "headline",
        "severity",
        "act_by",
        "acknowledge_by",
        "urgent",
        "rehearsal",
        "todo",
        "message_id",
    )
    found = event_data(notice)
    return {name: found[name] for name in kept}


# --- The clock. ---
def sweep(*, now: datetime) -> int:
    """Start clocks, let their moments happen, and end what is over. Safe to run at any time, by several workers.

    A mail about an open notice that came back or was given up tells the next level at once.
    """
    for notice in Notice.objects.filter(clock=None).exclude(state=NoticeState.UNVERIFIED).select_related("receiver"):
        _alone(partial(begin, notice), notice.pk)
    failed = queries.mail_that_failed()
    happened = sum(_alone(partial(_bring_forward, *each, now), each[0]) for each in failed)
    due = NoticeClock.objects.filter(next_at__lte=now).values_list("pk", flat=True)
    happened += sum(_alone(partial(_tick, each, now), each) for each in list(due))
    finished = Notice.objects.filter(state=NoticeState.ADOPTED, clock__state=State.DONE)
    for notice in finished:
        happened += life.close_adopted(notice, actor=acting.PORTAL, now=now)
    return happened


def _alone(act: Callable[[], int | None], notice: object) -> int:
    """Do something about one notice: what goes wrong with it must not stop the clocks of the others."""
    try:
        with transaction.atomic():
            return act() or 0
    except DatabaseError:
        raise  # the next run tries all of them again
    except Exception:
        logger.exception("The clock of notice %s could not go on", notice)
        return 0


def _tick(notice_id: Any, now: datetime) -> int:
    clock = (
        NoticeClock.objects.select_for_update(of=("self",))
        .select_related("notice__receiver", "notice__sender", "notice__certificate")
        .get(pk=notice_id)
    )
    if clock.next_at is None or clock.next_at > now:
        return 0  # somebody else was faster
    notice = clock.notice
    if notice.state in (NoticeState.WITHDRAWN, NoticeState.SUPERSEDED, NoticeState.CLOSED):
        return _rest(clock)
    if clock.state == State.ACKNOWLEDGED:
        if notice.state == NoticeState.ADOPTED:
            return _rest(clock)
        _record("unfinished", clock, now, person=clock.acknowledged_by_label)
        clock.next_at = now + rules.AGAIN
        clock.save(update_fields=["next_at"])
        return 1
    moments = queries.plan_of(clock)
    passed = rules.due_since(moments, after=clock.seen_until, now=now)
    for moment in passed:
        # A level that a lost mail brought forward is not told a second time.
        if moment.mark is not rules.Mark.ESCALATE or moment.level > clock.level:
            _happen(clock, moment, now)
    clock.seen_until, clock.next_at = now, rules.next_after(moments, now)
    clock.save(update_fields=["seen_until", "next_at", "overdue_at", "level"])
    return len(passed)


def _bring_forward(notice_id: Any, delivery: Delivery, event: Event, now: datetime) -> int:
    """Tell the level after the one whose mail did not arrive, unless it was told already; return whether it was told now."""
    with transaction.atomic():
        clock = (
            NoticeClock.objects.select_for_update(of=("self",))
            .select_related("notice__receiver", "notice__sender", "notice__certificate")
            .get(pk=notice_id)
        )
        policy = rules.policy_from(clock.policy)
        level = rules.level_told(queries.plan_of(clock), seen_until=clock.seen_until, brought=clock.level)
        if clock.state != State.OPEN or rules.level_of(event.data) < level or level >= len(policy):
            return 0  # answered, or somebody above was told already, or nobody is above
        moment = rules.Moment(now, rules.Mark.ESCALATE, level + 1, policy[level])
        _happen(
            clock, moment, now, because=rules.because(delivery.recipient_label, came_back=delivery.state == BOUNCED)
        )
        clock.save(update_fields=["level"])
    return 1


def _rest(clock: NoticeClock) -> int:
    clock.next_at = None
    clock.save(update_fields=["next_at"])
    return 0


def _happen(clock: NoticeClock, moment: rules.Moment, now: datetime, because: str = "") -> None:
    notice = clock.notice
    if moment.mark is rules.Mark.OVERDUE:
        clock.overdue_at = now
        _record("overdue", clock, now, both=True)
        return
    assert moment.step is not None
    members = queries.members_of_step(notice.receiver, moment.step)
    _record(
        "reminded" if moment.mark is rules.Mark.REMIND else "escalated",
        clock,
        now,
        level=moment.level,
        told=queries.told(members),
        memberships=[str(each.pk) for each in members],
        because=because,
    )
    clock.level = max(clock.level, moment.level)
    if moment.step.tell_sender and moment.mark is rules.Mark.ESCALATE:
        _record("sender_told", clock, now, both=True, waited=duration(now - notice.clock_starts_at))


def _record(kind: str, clock: NoticeClock, now: datetime, *, both: bool = False, **data: Any) -> None:
    """Record a moment. Who of the receiver was told is its own business; that it is silent is both sides'."""
    notice = clock.notice
    audit.record(
        f"acknowledgement.{kind}",
        now=now,
        actor=acting.PORTAL,
        organization_id=notice.receiver_id,
        partnership_id=notice.partnership_id if both else None,
        subject=("notice", notice.pk),
        data=_facts(notice) | data,
    )


def usable_policy(organization: Organization, steps: list[dict[str, Any]]) -> tuple[rules.Step, ...]:
    """Return the policy that ``steps`` describe. Raises Invalid for one that cannot be used or that names a stranger."""
    known = {str(each) for each in Membership.objects.filter(organization=organization).values_list("pk", flat=True)}
    try:
        policy = rules.policy_from(steps)
    except (ValueError, KeyError, TypeError) as problem:
        raise errors.Invalid(f"The policy cannot be used: {problem}", code="policy") from problem
    strangers = {each for step in policy for each in step.who} - known - {who.value for who in rules.Who}
    if strangers:
        raise errors.Invalid("A step names somebody who is not a member.", code="policy_stranger")
    return policy


def change_policy(*, actor: Actor, now: datetime, steps: list[dict[str, Any]]) -> EscalationPolicy:
    """Set the organization's escalation policy; it counts for notices that come from now on. Raises Invalid."""
    organization = actor.require(Right.MANAGE_MEMBERS)
    policy = usable_policy(organization, steps)
    with transaction.atomic():
        found, _ = EscalationPolicy.objects.update_or_create(
            organization=organization,
            defaults={"steps": rules.stored(policy), "changed_at": now, "changed_by": actor.user},
        )
        audit.record(
            "acknowledgement.policy_changed",
            now=now,
            actor=actor,
            organization_id=organization.pk,
            subject=("organization", organization.pk),
            data={"steps": found.steps},
        )
    return found
