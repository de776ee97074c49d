"""How notices refer to each other: announced and executed, superseded, withdrawn. Only within one sender and partnership."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import errors
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.notices.document import Document
from trust.notices.models import Notice
from trust.notices.rules import Action, State, next_state


@dataclass(frozen=True)
class Links:
    """The earlier notices that one refers to."""

    intent_of: Notice | None = None
    supersedes: Notice | None = None
    withdraws: Notice | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the links as the model's fields."""
        return {"intent_of": self.intent_of, "supersedes": self.supersedes, "withdraws": self.withdraws}


def resolve(said: Document, *, sender: Organization, partnership: Partnership) -> Links:
    """Return the notices that a document names by message id.

    Raises Invalid when there is no such notice of this sender to this partner, and Conflict when it is too late to withdraw or
    supersede it.
    """

    def named(message_id: str, member: str) -> Notice | None:
        if not message_id:
            return None
        found = (
            Notice.objects.select_for_update(no_key=True)
            .filter(sender=sender, partnership=partnership, message_id=message_id)
            .first()
        )
        if found is None:
            raise errors.Invalid(
                f"{member} names no earlier notice of yours to this partner.",
                code="link_unknown",
                fields={member: ["No such notice."]},
            )
        return found

    links = Links(
        intent_of=named(said.intent_of, "intent_of"),
        supersedes=named(said.supersedes, "supersedes"),
        withdraws=named(said.withdraws, "withdraws"),
    )
    _require_possible(links.withdraws, Action.WITHDRAW)
    _require_possible(links.supersedes, Action.SUPERSEDE)
    return links


def _require_possible(earlier: Notice | None, action: Action) -> None:
    if earlier is None or next_state(State(earlier.state), action) is not None:
        return
    if earlier.executed_at:
        raise errors.Conflict(
            f"{earlier.label} took effect already, and what it removed stays removed.",
            code="already_executed",
            fix="Submit a signed bundle: coming back is a new addition, which two people of your partner approve.",
        )
    raise errors.Conflict(f"{earlier.label} is {earlier.state} already.", code="already_ended")


def act_on(links: Links, notice: Notice, *, actor: Actor, now: datetime) -> None:
    """Supersede or withdraw what a new notice names. An unverified notice changes nothing."""
    if not notice.key_verified:
        return
    if links.supersedes is not None:
        _move(links.supersedes, Action.SUPERSEDE, notice, actor, now)
    if links.withdraws is not None:
        _move(links.withdraws, Action.WITHDRAW, notice, actor, now)


def act_later(notice: Notice, *, now: datetime) -> None:
    """Supersede or withdraw what a notice names whose key was verified after it came, as far as that is still possible."""
    named = Links(supersedes=notice.supersedes, withdraws=notice.withdraws)
    possible = Links(
        supersedes=_if_possible(named.supersedes, Action.SUPERSEDE),
        withdraws=_if_possible(named.withdraws, Action.WITHDRAW),
    )
    act_on(possible, notice, actor=acting.PORTAL, now=now)


def _if_possible(earlier: Notice | None, action: Action) -> Notice | None:
    if earlier is None:
        return None
    locked = Notice.objects.select_for_update(no_key=True).get(pk=earlier.pk)
    return locked if next_state(State(locked.state), action) is not None else None


def _move(earlier: Notice, action: Action, by: Notice, actor: Actor, now: datetime) -> None:
    target = next_state(State(earlier.state), action)
    moved = target is not None and Notice.objects.filter(pk=earlier.pk, state=earlier.state).update(state=target)
    if not moved:
        raise errors.Conflict(f"{earlier.label} has moved on meanwhile.", code="moved_meanwhile")
    audit.record(
        f"notice.{target}",
        now=now,
        actor=actor,
        organization_id=earlier.sender_id,
        partnership_id=earlier.partnership_id,
        subject=("notice", earlier.pk),
        data={"label": earlier.label, "by": by.label, "title": earlier.title, "rehearsal": earlier.rehearsal}
        | {"urgent": earlier.meaning.urgent},
    )
