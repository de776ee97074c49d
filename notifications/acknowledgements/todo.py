"""What the receiver of a notice has to do, step by step, and what of it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from notifications.acknowledgements.models import NoticeClock
from notifications.acknowledgements.rules import State
from portal.words import exact
from trust.notices import effects
from trust.notices.models import Notice
from trust.notices.rules import Kind
from trust.notices.rules import State as NoticeState


@dataclass(frozen=True)
class Task:
    """One of the steps of what to do. ``state`` is now, after, or done."""

    title: str
    sentence: str
    state: str
    url: str = ""
    tag: str = ""


def tasks(
    notice: Notice,
    clock: NoticeClock,
    affected: list[Any],
    behind: effects.Behind,
    additions: Sequence[Task] = (),
) -> list[Task]:
    """Return the receiver's steps. ``additions`` are those of what a renewal announced."""
    if notice.state in (NoticeState.UNVERIFIED, NoticeState.WITHDRAWN, NoticeState.SUPERSEDED):
        return []
    acknowledged = clock.state != State.OPEN
    found = [
        Task(
            "Acknowledge",
            "Anyone on call can do this, from a phone too",
            "done" if acknowledged else "now",
            "#acknowledge",
            "Do now",
        )
    ]
    if notice.kind == Kind.CA_REVOCATION and not notice.rehearsal:
        found += _removal_tasks(notice, affected, behind)
    elif notice.kind == Kind.CERTIFICATE_REVOCATION and not notice.rehearsal:
        found.append(_refusal_task(notice, clock))
    elif additions and not notice.rehearsal:
        found += additions
    else:
        found.append(
            Task(
                "Do what it asks",
                notice.says.get("action_required") or notice.meaning.todo,
                _step(clock),
                tag="After 1",
            )
        )
    found.append(
        Task(
            f"Tell {notice.sender.name} it is done",
            "Says how, so that they can close their side",
            "done" if clock.state == State.DONE else "after",
            "#answers",
            f"After {len(found)}",
        )
    )
    return found


def _refusal_task(notice: Notice, clock: NoticeClock) -> Task:
    if not notice.matched:
        return Task(
            "Refuse the certificate yourself",
            "Nothing is done for you: the notice names a CA that the portal does not know.",
            _step(clock),
            tag="After 1",
        )
    if notice.executed_at is None:
        later = "It enters the deny list of your store when the notice takes effect."
        return Task("Refuse the certificate", later, "after", tag=exact(notice.effective_at))
    denied = ", ".join(str(each["store"]) for each in notice.effects)
    sentence = f"It is on the deny list of {denied}." if denied else "You have no trust store that it could get in by."
    return Task("Refuse the certificate", sentence, "done")


def _step(clock: NoticeClock) -> str:
    return "done" if clock.state == State.DONE else "now" if clock.state == State.ACKNOWLEDGED else "after"


def _removal_tasks(notice: Notice, affected: list[Any], behind: effects.Behind) -> list[Task]:
    published = [each for each in notice.effects if "version" in each]
    if affected:
        stores = ", ".join(f"{e.version.store.name} v{e.version.store.current_number + 1}" for e in affected)
        first = Task(
            f"Publish {stores}",
            "Removes it, adds nothing. Removing needs one person; adding always needs two. "
            f"Otherwise it is published by itself at {exact(notice.effective_at)}.",
            "now",
            "#remove",
            "Do now",
        )
    elif published:
        stores = ", ".join(f"{each['store']} v{each['version']}" for each in published)
        first = Task(f"{stores} is published without it", "", "done")
    else:
        first = Task("None of your trust stores holds it", "There is nothing to remove.", "done")
    if not published:
        return [first, Task("Watch your services pull it", "", "after", tag="After 2")] if affected else [first]
    names = ", ".join(each.consumer.name for each in behind.first[:5])
    watch = (
        Task("All your services run it", "", "done")
        if not behind.count
        else Task(
            "1 service has not moved yet" if behind.count == 1 else f"{behind.count} services have not moved yet",
            f"{names}: restart {'it' if behind.count == 1 else 'them'}, or force a pull.",
            "now",
            reverse("consumers"),
            "Do now",
        )
    )
    return [first, watch]
