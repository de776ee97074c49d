"""What notices ask of a member. See ``needs`` for the whole list."""

from collections.abc import Iterable

from notifications.acknowledgements import announced
from notifications.acknowledgements import queries as acknowledgements
from portal import words
from portal.dashboard.desk import Desk
from portal.dashboard.need import LIMIT, Need, page
from portal.organizations.rules import Right
from trust.notices import additions
from trust.notices.models import Notice
from trust.notices.rules import REVOCATIONS, State


def notices_to_acknowledge(desk: Desk) -> Iterable[Need]:
    """Notices that nobody has acknowledged; whoever may, from the first minute on."""
    if not desk.actor.has(Right.ACKNOWLEDGE):
        return
    for notice in acknowledgements.waiting(desk.own)[:LIMIT]:
        overdue = desk.now >= notice.acknowledge_by
        left = words.duration(notice.acknowledge_by - desk.now)
        yield Need(
            title=f"Acknowledge: {notice.title}",
            sentence=f"Overdue by {left}." if overdue else f"{left} left, by {words.clock(notice.acknowledge_by)}.",
            url=page("notice", notice.label),
            icon="bell-ringing",
            tint="bad" if notice.meaning.urgent or overdue else "warn",
            tag="Rehearsal" if notice.rehearsal else "Overdue" if overdue else "Do now",
            due_at=notice.acknowledge_by,
            partnership_id=notice.partnership_id,
        )


def notices_to_finish(desk: Desk) -> Iterable[Need]:
    """Notices that somebody acknowledged and that are not done."""
    if not desk.actor.has(Right.ACKNOWLEDGE):
        return
    for notice in acknowledgements.unfinished(desk.own)[:LIMIT]:
        yield Need(
            title=f"Finish: {notice.title}",
            sentence=f"{notice.clock.acknowledged_by_label} has it. {_todo(notice)}",
            url=page("notice", notice.label),
            icon="bell-ringing",
            tint="warn",
            tag="Rehearsal" if notice.rehearsal else "Not done",
            # What took effect is late with nothing by that.
            due_at=None if _removed(notice) else notice.effective_at,
            partnership_id=notice.partnership_id,
        )


def _removed(notice: Notice) -> bool:
    return notice.kind in REVOCATIONS and notice.executed_at is not None


def _todo(notice: Notice) -> str:
    """Return what is left to do: of a renewal exactly what it waits for, of another what its kind asks."""
    if notice.rehearsal:
        return notice.meaning.todo
    if _removed(notice):
        return "It took effect. See which services have moved, then say that it is done."
    return announced.sentence(notice, additions.of(notice)) or notice.meaning.todo


def notices_from_unverified_keys(desk: Desk) -> Iterable[Need]:
    """Notices of which nobody can tell who sent them."""
    if not desk.actor.has(Right.CALL):
        return
    found = Notice.objects.filter(receiver=desk.own, state=State.UNVERIFIED).select_related("sender")
    for notice in found.order_by("-received_at")[:LIMIT]:
        yield Need(
            title=f"Call {notice.sender.name}: we cannot tell who sent {notice.label}",
            sentence="Its key was never verified by phone. It changes nothing before that.",
            url=page("notice", notice.label),
            icon="alert-triangle",
            tint="bad",
            tag="Not verified",
            partnership_id=notice.partnership_id,
        )
