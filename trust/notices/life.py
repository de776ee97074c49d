"""What moves a notice after it was taken: its moment, the services that follow, and its end."""

from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import locks
from trust.notices import additions, effects, links, signatures, telling
from trust.notices.alone import alone
from trust.notices.models import Notice
from trust.notices.rules import Action, State, next_state


def sweep(*, now: datetime) -> int:
    """Let due notices take effect, notice keys that were verified since, and mark what the services have adopted.

    What a renewal announced and a submission brought is laid out for approval; a renewal is adopted once all it names is trusted.

    Safe to run at any time, by several workers. Returns how many notices moved.
    """
    moved = 0
    for notice in Notice.objects.filter(state=State.UNVERIFIED).select_related("receiver"):
        moved += alone(_verify_later, notice, now)
    for notice in Notice.objects.filter(state=State.ANNOUNCED, executed_at=None, effective_at__lte=now):
        effects.apply_now(notice, now=now)
        moved += notice.state == State.EXECUTED
    for notice in Notice.objects.filter(state=State.EXECUTED):
        moved += alone(_adopt_if_moved, notice, now)
    return moved + additions.prepare(now=now)


def _adopt_if_moved(notice: Notice, now: datetime) -> bool:
    if effects.anybody_behind(notice) or additions.missing(notice):
        return False
    return _move(notice, Action.ADOPT, acting.PORTAL, now, adopted_at=now)


def close(*, notice: Notice, actor: Actor, now: datetime) -> Notice:
    """Close a notice that the services have adopted. Either side can. Raises Conflict while services have not moved."""
    organization = actor.require(Right.ACKNOWLEDGE)
    if organization.pk not in (notice.sender_id, notice.receiver_id):
        raise errors.NotFound()
    if next_state(State(notice.state), Action.CLOSE) is None:
        raise errors.Conflict(
            f"{notice.label} is {notice.state}; it is closed when all services have moved.", code="not_adopted"
        )
    close_adopted(notice, actor=actor, now=now)
    return notice


def close_adopted(notice: Notice, *, actor: Actor, now: datetime) -> bool:
    """Close a notice if it is adopted, and say whether it was closed now."""
    return _move(notice, Action.CLOSE, actor, now, closed_at=now)


def _verify_later(notice: Notice, now: datetime) -> bool:
    if not signatures.is_verified(notice.signer_fingerprint, notice.receiver, now):
        return False
    with transaction.atomic():
        locks.hold(notice.partnership_id)
        # The receiver has as long to acknowledge as if it had come now: before, there was nothing to acknowledge.
        changed = Notice.objects.filter(pk=notice.pk, state=State.UNVERIFIED).update(
            state=State.ANNOUNCED,
            key_verified=True,
            verified_later_at=now,
            acknowledge_by=now + (notice.acknowledge_by - notice.received_at),
        )
        if changed:
            notice.refresh_from_db()
            links.act_later(notice, now=now)
            audit.record(
                "notice.received",
                now=now,
                actor=acting.PORTAL,
                organization_id=notice.sender_id,
                partnership_id=notice.partnership_id,
                subject=("notice", notice.pk),
                data=telling.event_data(notice),
            )
    return bool(changed)


def _move(notice: Notice, action: Action, actor: Actor, now: datetime, **fields: object) -> bool:
    target = next_state(State(notice.state), action)
    if target is None:
        return False
    with transaction.atomic():
        changed = Notice.objects.filter(pk=notice.pk, state=notice.state).update(state=target, **fields)
        if changed:
            audit.record(
                f"notice.{target}",
                now=now,
                actor=actor,
                organization_id=notice.sender_id,
                partnership_id=notice.partnership_id,
                subject=("notice", notice.pk),
                data={"label": notice.label, "title": notice.title, "rehearsal": notice.rehearsal},
            )
    notice.refresh_from_db()
    return bool(changed)
