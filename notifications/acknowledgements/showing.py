"""A notice as one screen shows it: what happened, how long is left, what to do, who was told, why to believe it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifications.acknowledgements import announced, queries, rules, timeline, todo
from notifications.acknowledgements.models import NoticeClock
from notifications.acknowledgements.rules import Mark, State
from portal import pictures
from portal.organizations.models import Organization
from portal.partnerships import contact_queries
from portal.partnerships.models import Contact
from portal.words import clock as clock_words
from portal.words import duration, exact
from trust.consumers import queries as consumers
from trust.consumers.models import Consumer
from trust.notices import additions, effects
from trust.notices.models import Notice
from trust.notices.rules import ENDED, REASON_WORDS
from trust.stores.models import TrustStore
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind


@dataclass(frozen=True)
class View:
    """Everything that a notice's page and its text say."""

    notice: Notice
    clock: NoticeClock
    state: str
    received: bool  # by the reader's organization
    left: str  # "3 h 12 min left", "Overdue since 06:20 UTC (41 min)", ""
    heading: str
    next: str
    tasks: list[todo.Task]
    announced: list[todo.Task]  # for the sender: how far what a renewal named has come
    timeline: list[timeline.Row]
    picture: pictures.Clock | None
    call: Any  # the recorded verification of the OpenPGP key
    contacts: list[Contact]
    behind: effects.Behind
    affected: list[Any]
    services: int
    reason: str

    @property
    def waits(self) -> bool:
        """Say whether an acknowledgement is still asked for."""
        return self.state in ("open", "overdue")

    @property
    def moves(self) -> bool:
        """Say whether anything can still happen, so that an open page asks again."""
        return self.notice.state not in ENDED

    @property
    def yours(self) -> str:
        """Return the heading for whoever acknowledged it."""
        at = self.clock.acknowledged_at
        return f"You have it since {exact(at)}." if at else self.heading

    @property
    def seen_by_sender(self) -> str:
        """Say to whoever acknowledged it that it was not in vain."""
        return f"{self.notice.sender.name} can see that."

    @property
    def page_title(self) -> str:
        """Return the page's title, which begins with what presses."""
        notice = self.notice
        if not self.waits or not self.received:
            return notice.title
        if self.state == "overdue":
            return f"Overdue: {notice.title}"
        if len(self.left) <= len("59 min left"):
            return f"{self.left}: {notice.title}"
        return f"Act by {clock_words(notice.acknowledge_by)}: {notice.title}"


def view(notice: Notice, organization: Organization, now: datetime) -> View:
    """Return a notice as ``organization`` sees it at ``now``. Reads the database only."""
    clock = queries.clock_of(notice)
    received = organization.pk == notice.receiver_id
    state = queries.shown_state(notice, clock, now)
    affected = effects.affected_entries(notice) if received else []
    behind = effects.behind(notice) if received else effects.Behind()
    plan = queries.plan_of(clock)
    named = announced.tasks(notice, additions.of(notice), received=received)
    call = verifications.approved_record(notice.receiver, ItemKind.OPENPGP_KEY, notice.signer_fingerprint)
    return View(
        notice=notice,
        clock=clock,
        state=state,
        received=received,
        left=_left(notice, state, now),
        heading=_heading(notice, clock, state),
        next=_next(notice, clock, plan, state, now, received),
        tasks=todo.tasks(notice, clock, affected, behind, named) if received else [],
        announced=[] if received or notice.rehearsal or notice.state in ENDED else named,
        timeline=timeline.rows(notice, clock, plan, organization, now),
        picture=_picture(notice, plan, now) if state in ("open", "overdue") else None,
        call=call,
        contacts=contact_queries.callable_at(contact_queries.of(notice.sender if received else notice.receiver), now)[
            :3
        ],
        behind=behind,
        affected=affected,
        services=_services(affected) if received else 0,
        reason=_reason(notice),
    )


def _left(notice: Notice, state: str, now: datetime) -> str:
    if state == "overdue":
        since = duration(now - notice.acknowledge_by)
        return f"Overdue since {clock_words(notice.acknowledge_by)} ({since})"
    if state == "open":
        remaining = notice.acknowledge_by - now
        if remaining < timedelta(hours=1):
            return f"{max(1, int(remaining.total_seconds() // 60))} min left"
        return f"{duration(remaining)} left"
    return ""


def _heading(notice: Notice, clock: NoticeClock, state: str) -> str:
    if state == "unverified":
        return f"We cannot tell who sent this. Do not act on it alone: call {notice.sender.name}."
    if state == "withdrawn":
        return "This notice was withdrawn. Nothing happens because of it."
    if state == "superseded":
        return "This notice was corrected by a later one."
    if clock.state == State.DONE:
        return f"Done since {exact(clock.done_at)}." if clock.done_at else "Done."
    if clock.state == State.CANNOT_ACT:
        return "You said that you cannot act by the deadline."
    if clock.state == State.ACKNOWLEDGED and clock.acknowledged_at:
        return f"{clock.acknowledged_by_label} has it since {exact(clock.acknowledged_at)}."
    return "Nobody has acknowledged this yet"


def _next(
    notice: Notice, clock: NoticeClock, plan: Iterable[rules.Moment], state: str, now: datetime, received: bool
) -> str:
    """Return what happens next, in a sentence."""
    if state not in ("open", "overdue"):
        if clock.state == State.ACKNOWLEDGED and clock.next_at and received:
            return f"We remind you at {clock_words(clock.next_at)} if it is not done."
        return ""
    for moment in plan:
        if moment.at <= now or moment.mark is not Mark.ESCALATE or moment.step is None or moment.level <= clock.level:
            continue
        if not received:
            return f"Their next level is alerted at {clock_words(moment.at)}."
        told = queries.told(queries.members_of_step(notice.receiver, moment.step))
        return (
            f"Next, {told} are alerted at {clock_words(moment.at)}."
            if " and " in told
            else (f"{told} is alerted at {clock_words(moment.at)}.")
        )
    return f"{notice.sender.name} has been told." if state == "overdue" and received else ""


def _services(affected: list[Any]) -> int:
    stores = [entry.version.store_id for entry in affected]
    return Consumer.objects.filter(stores__in=stores, retired_at=None).distinct().count()


def _reason(notice: Notice) -> str:
    return REASON_WORDS.get(notice.says.get("revocation_reason", ""), "")


def _picture(notice: Notice, plan: Iterable[rules.Moment], now: datetime) -> pictures.Clock:
    marks = [
        pictures.Mark(each.at, f"Level {each.level}")
        for each in plan
        if each.mark is Mark.ESCALATE and each.at < notice.acknowledge_by
    ]
    return pictures.clock(start=notice.clock_starts_at, deadline=notice.acknowledge_by, now=now, marks=marks)


def standings(notice: Notice, now: datetime) -> list[Any]:
    """Return how the receiver's consumers stand with the stores that the notice changed."""
    names = {each["store"] for each in notice.effects if "version" in each}
    stores = TrustStore.objects.filter(relying=notice.receiver_id, name__in=names)
    return [each for store in stores for each in consumers.standings_of_store(store, now)]
