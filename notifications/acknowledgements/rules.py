"""The clock of a notice: who is told when, what an answer changes, and when silence is said aloud. Plain Python.

Delivered, opened, acknowledged, done and cannot act are five different facts; an answer of a machine is none of the last three.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What the receiving organization has said of a notice."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"
    CANNOT_ACT = "cannot_act"


class Answer(StrEnum):
    """What a person or program of the receiving organization did. ``opened`` only says that somebody looked."""

    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"
    CANNOT_ACT = "cannot_act"


TABLE: dict[tuple[State, Answer], State] = {
    (State.OPEN, Answer.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.OPEN, Answer.DONE): State.DONE,
    (State.OPEN, Answer.CANNOT_ACT): State.CANNOT_ACT,
    (State.ACKNOWLEDGED, Answer.DONE): State.DONE,
    (State.ACKNOWLEDGED, Answer.CANNOT_ACT): State.CANNOT_ACT,
    (State.CANNOT_ACT, Answer.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.CANNOT_ACT, Answer.DONE): State.DONE,
}


def next_state(state: State, answer: Answer) -> State | None:
    """Return the state after an answer, or None when it changes nothing any more."""
    return TABLE.get((state, answer))


# --- Escalation. ---
class Who(StrEnum):
    """Whom a step tells, besides members by name."""

    RESPONDERS = "responders"
    OFFICERS = "officers"
    ADMINS = "admins"


WHO_LABELS = {
    Who.RESPONDERS: "everybody on call (responders)",
    Who.OFFICERS: "the security officers",
    Who.ADMINS: "the organization's admins",
}


@dataclass(frozen=True)
class Step:
    """One level: how long after the notice came, whom it tells, and whether the sender is told of the silence."""

    after: timedelta
    who: tuple[str, ...]  # values of Who, or ids of memberships
    tell_sender: bool = False


DEFAULT_POLICY = (
    Step(timedelta(0), (Who.RESPONDERS, Who.OFFICERS)),
    Step(timedelta(minutes=30), (Who.OFFICERS,)),
    Step(timedelta(minutes=90), (Who.ADMINS, Who.OFFICERS), tell_sender=True),
)
MAX_STEPS = 6
LATEST_STEP = timedelta(hours=12)
# What is not urgent has days: its levels come at these shares of the time to the deadline.
CALM_SHARES = (0.0, 0.5, 0.9)
REMIND_SHARE = 0.5  # of the time to the second level


class Mark(StrEnum):
    """What happens at a moment of the clock."""

    REMIND = "remind"
    ESCALATE = "escalate"
    OVERDUE = "overdue"
    UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Moment:
    """A moment of the clock. ``level`` counts from 1."""

    at: datetime
    mark: Mark
    level: int
    step: Step | None = None


def policy_from(rows: Sequence[dict[str, Any]]) -> tuple[Step, ...]:
    """Return a policy from its stored form. Raises ValueError with a sentence for one that cannot be used."""
    steps = [
        Step(timedelta(minutes=int(row["after_minutes"])), tuple(row["who"]), bool(row.get("tell_sender")))
        for row in rows
    ]
    if not 1 <= len(steps) <= MAX_STEPS:
        raise ValueError("A policy has 1 to 6 steps.")
    if steps[0].after != timedelta(0):
        raise ValueError("The first step is at once.")
    if any(later.after <= earlier.after for earlier, later in itertools.pairwise(steps)):
        raise ValueError("Each step comes later than the one before.")
    if steps[-1].after > LATEST_STEP or any(not step.who for step in steps):
        raise ValueError("Each step tells somebody, and the last comes within 12 hours.")
    return tuple(steps)


def stored(policy: Sequence[Step]) -> list[dict[str, Any]]:
    """Return a policy as it is stored."""
    return [
        {
            "after_minutes": int(step.after.total_seconds() // 60),
            "who": [str(each) for each in step.who],
            "tell_sender": step.tell_sender,
        }
        for step in policy
    ]


def plan(
    policy: Sequence[Step], *, received_at: datetime, acknowledge_by: datetime, urgent: bool
) -> tuple[Moment, ...]:
    """Return the moments of a notice's clock in order, if nobody acknowledges. The deadline is the last.

    The first step is the notice itself and is not in the plan. Levels after the deadline are left out: then it is overdue, which
    is told to both sides.
    """
    whole = acknowledge_by - received_at
    levels = [
        (index, received_at + (step.after if urgent else whole * CALM_SHARES[min(index, 2)]), step)
        for index, step in enumerate(policy)
        if index and (urgent or index < len(CALM_SHARES))
    ]
    found = [Moment(at, Mark.ESCALATE, index + 1, step) for index, at, step in levels if at < acknowledge_by]
    first = found[0].at if found else acknowledge_by
    found.append(Moment(received_at + (first - received_at) * REMIND_SHARE, Mark.REMIND, 1, policy[0]))
    found.append(Moment(acknowledge_by, Mark.OVERDUE, len(policy)))
    return tuple(sorted(found, key=lambda each: each.at))


@dataclass(frozen=True)
class Example:
    """A clock that a policy is shown by."""

    label: str
    within: timedelta
    urgent: bool


EXAMPLES = (
    Example("A revocation, to be acknowledged within 4 h", timedelta(hours=4), urgent=True),
    Example("Any other notice, within 5 days", timedelta(days=5), urgent=False),
)


def level_told(moments: Sequence[Moment], *, seen_until: datetime, brought: int) -> int:
    """Return the highest level that was told: by the clock up to ``seen_until``, or ``brought`` forward."""
    by_clock = [each.level for each in moments if each.mark is Mark.ESCALATE and each.at <= seen_until]
    return max([1, brought, *by_clock])


def level_of(facts: Mapping[str, Any]) -> int:
    """Return the level that an event told; the notice itself tells the first."""
    level = facts.get("level", 1)
    return level if isinstance(level, int) else 1


def because(recipient: str, *, came_back: bool) -> str:
    """Return why a level was told before its moment."""
    return f"at once, because a mail to {recipient} {'came back' if came_back else 'could not be delivered'}"


def due_since(moments: Sequence[Moment], *, after: datetime, now: datetime) -> tuple[Moment, ...]:
    """Return the moments that passed since ``after``: all of them, so that a pause of the portal skips none."""
    return tuple(each for each in moments if after < each.at <= now)


def next_after(moments: Sequence[Moment], now: datetime) -> datetime | None:
    """Return the next moment, or None when there is none left."""
    return next((each.at for each in moments if each.at > now), None)


AGAIN = timedelta(hours=4)  # between reminders of what was acknowledged and is not done


def unfinished_at(*, acknowledged_at: datetime, act_by: datetime, urgent: bool) -> datetime:
    """Return when whoever acknowledged is reminded that it is not done: an hour before the end, or halfway when it is near."""
    if act_by <= acknowledged_at:
        return acknowledged_at + (timedelta(minutes=30) if urgent else timedelta(days=1))
    left = act_by - acknowledged_at
    lead = timedelta(hours=1) if urgent else timedelta(days=1)
    return act_by - lead if left > 2 * lead else acknowledged_at + left / 2


FORMAT = "trust-exchange/acknowledgement/1"

EVENTS = {
    "acknowledgement.acknowledged": "{person} of {organization} acknowledged notice {label}",
    "acknowledgement.done": "{person} of {organization} said that notice {label} is done: {message}",
    "acknowledgement.cannot_act": "{person} of {organization} said that they cannot act on notice {label}: {message}",
    "acknowledgement.reminded": "{organization} was reminded of notice {label}",
    "acknowledgement.escalated": "Notice {label} escalated to level {level}: {told}",
    "acknowledgement.sender_told": "The sender was told that {organization} has not acknowledged notice {label}",
    "acknowledgement.overdue": "Notice {label} was not acknowledged by {act_by}",
    "acknowledgement.unfinished": "Notice {label} is acknowledged and not done",
    "acknowledgement.policy_changed": "{actor} changed the escalation policy",
}
