"""Writing the checklist, and the gate that a partnership goes through to become active."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import locks
from portal.partnerships import rules as partnership_rules
from portal.partnerships.models import Partnership
from portal.partnerships.rules import Action
from trust.onboarding import board_rules, queries, reading, rules
from trust.onboarding.board_rules import Line
from trust.onboarding.models import CustomItem, GoLive, OnboardingPlan, OnboardingTask, TaskEvidence
from trust.onboarding.rules import Group, Template
from trust.pki import secrets_scan

RIGHT = Right.MANAGE_PARTNERSHIPS
EVIDENCE_LONGEST = 1024 * 1024  # bytes
EVIDENCE_MOST = 20  # files for one item of one side
CUSTOM_MOST = 30


def choose_template(*, actor: Actor, partnership: Partnership, template: str, now: datetime) -> OnboardingPlan:
    """Choose the kind of checklist. Raises Invalid for an unknown one, and Conflict once the partnership is active."""
    organization = actor.require(RIGHT)
    if template not in set(Template):
        raise errors.Invalid("Choose a kind of partnership.", fields={"template": ["Choose one of the list."]})
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        if partnership.activated_at:
            raise errors.Conflict("The partnership is live; its checklist is done.", code="already_live")
        plan, _ = OnboardingPlan.objects.update_or_create(partnership=partnership, defaults={"template": template})
        # Whoever was ready was ready for another list.
        GoLive.objects.filter(partnership=partnership).delete()
        label = rules.TEMPLATE_WORDS[Template(template)][0]
        record("onboarding.template_chosen", actor, partnership, now, data={"template": label})
    return plan


def plan_task(
    *, actor: Actor, partnership: Partnership, key: str, owner: str, due_on: date | None, now: datetime
) -> OnboardingTask:
    """Say who does an item on the actor's side, and until when. Raises NotFound for an unknown item."""
    organization = actor.require(RIGHT)
    owner = owner.strip()
    if len(owner) > 120:
        raise errors.Invalid("The name is too long.", fields={"owner": ["At most 120 characters."]})
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        line = queries.board(partnership, now).line(key)
        task = _task(partnership, organization, key)
        task.owner, task.due_on = owner, due_on
        task.save()
        data = {"title": line.item.title, "owner": owner, "due": due_on.isoformat() if due_on else ""}
        record("onboarding.task_planned", actor, partnership, now, data=data, subject=key)
    return task


def complete_task(*, actor: Actor, partnership: Partnership, key: str, now: datetime) -> OnboardingTask:
    """Say that an item is done on the actor's side. Only for items that the portal cannot see for itself.

    Raises Conflict for the others, and when something else comes first.
    """
    organization = actor.require(RIGHT)
    person = actor.require_person(RIGHT, step_up=False)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        line = _manual(partnership, organization, key, now)
        task = _task(partnership, organization, key)
        task.done_at, task.done_by = now, person
        task.save()
        record("onboarding.task_done", actor, partnership, now, data={"title": line.item.title}, subject=key)
    return task


def reopen_task(*, actor: Actor, partnership: Partnership, key: str, now: datetime) -> OnboardingTask:
    """Take back that an item is done on the actor's side. Raises Conflict when nobody said so."""
    organization = actor.require(RIGHT)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        line = queries.board(partnership, now).line(key)
        task = _task(partnership, organization, key)
        if task.done_at is None:
            raise errors.Conflict("Nobody said that this item is done.", code="not_done")
        task.done_at, task.done_by = None, None
        task.save()
        GoLive.objects.filter(partnership=partnership).delete()
        record("onboarding.task_reopened", actor, partnership, now, data={"title": line.item.title}, subject=key)
    return task


def add_evidence(
    *, actor: Actor, partnership: Partnership, key: str, name: str, content: bytes, note: str, now: datetime
) -> TaskEvidence:
    """Keep a file that shows that an item is done. Raises Invalid for a private key or an empty file, TooLarge over 1 MiB."""
    organization = actor.require(RIGHT)
    person = actor.require_person(RIGHT, step_up=False)
    refuse_unusable(content)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        line = queries.board(partnership, now).line(key)
        task = _task(partnership, organization, key)
        if task.evidence.count() >= EVIDENCE_MOST:
            raise errors.Conflict(f"An item has at most {EVIDENCE_MOST} files of evidence.", code="too_much_evidence")
        kept = TaskEvidence.objects.create(
            task=task,
            name=plain_name(name),
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            note=note.strip()[:300],
            added_by=person,
            added_at=now,
        )
        data = {"title": line.item.title, "name": kept.name, "sha256": kept.sha256}
        record("onboarding.evidence_added", actor, partnership, now, data=data, subject=key)
    return kept


def refuse_unusable(content: bytes) -> None:
    """Raise when a file cannot be kept: empty, too large, or with a private key in it."""
    if not content:
        raise errors.Invalid("The file is empty.", fields={"file": ["Choose a file with something in it."]})
    if len(content) > EVIDENCE_LONGEST:
        raise errors.TooLarge("The file is larger than 1 MiB.", fix="Hand in the part that matters.")
    scan = secrets_scan.scan(content)
    if not scan.clean:
        finding = scan.findings()[0]
        raise errors.Invalid(finding.sentence, code=finding.code, fix=finding.fix, fields={"file": [finding.sentence]})


def plain_name(name: str) -> str:
    """Return a file's name without folders and characters that do not print."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(each for each in last if each.isprintable())[:200] or "file"


def add_item(
    *, actor: Actor, partnership: Partnership, group: str, title: str, why: str, needed: bool, now: datetime
) -> CustomItem:
    """Add an item of one's own to the checklist; both sides complete it by saying so.

    ``needed``: before going live. Raises Invalid, and Conflict for a needed one once the partnership is active.
    """
    organization = actor.require(RIGHT)
    title, why = title.strip(), why.strip()
    fields: dict[str, list[str]] = {}
    if not 3 <= len(title) <= 120 or not title.isprintable():
        fields["title"] = ["Say in 3 to 120 characters what is to be done."]
    if len(why) > 300:
        fields["why"] = ["At most 300 characters."]
    if group not in set(Group):
        fields["group"] = ["Choose one of the groups."]
    if fields:
        raise errors.Invalid("The item cannot be added as it is.", fields=fields)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        if needed and partnership.activated_at:
            raise errors.Conflict(
                "The partnership is live; nothing can be needed for that any more.", code="already_live"
            )
        if queries.custom_items(partnership).count() >= CUSTOM_MOST:
            raise errors.Conflict(f"A checklist has at most {CUSTOM_MOST} own items.", code="too_many_items")
        item = CustomItem.objects.create(
            partnership=partnership,
            added_by=organization,
            group=group,
            title=title,
            why=why,
            required=needed,
            created_at=now,
        )
        if needed:
            GoLive.objects.filter(partnership=partnership).delete()
        record("onboarding.item_added", actor, partnership, now, data={"title": title, "needed": needed})
    return item


def remove_item(*, actor: Actor, partnership: Partnership, item_id: uuid.UUID | str, now: datetime) -> None:
    """Remove an item that the actor's side added. Raises NotFound for any other."""
    organization = actor.require(RIGHT)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        item = queries.custom_items(partnership).filter(pk=item_id, added_by=organization).first()
        if item is None:
            raise errors.NotFound()
        item.removed_at = now
        item.save(update_fields=["removed_at"])
        record("onboarding.item_removed", actor, partnership, now, data={"title": item.title})


def nudge(*, actor: Actor, partnership: Partnership, key: str, now: datetime) -> None:
    """Remind the other side of an item, once a day. Raises Conflict when it is done, or was reminded of already today."""
    organization = actor.require(Right.READ)
    actor.require_person(Right.READ, step_up=False)
    if not actor.has(RIGHT) and not actor.has(Right.UPLOAD):
        actor.require(RIGHT)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        other = partnership.other(organization)
        line = queries.board(partnership, now).line(key)
        cell = line.cell(other.slug)
        if cell.status is board_rules.Status.COMPLETED:
            raise errors.Conflict(f"{other.name} has completed this.", code="already_done")
        if not board_rules.may_nudge(cell.said, now):
            raise errors.Conflict(
                f"{other.name} was reminded of this within the last 24 hours.",
                code="nudged_today",
                fix="Call them, or try again tomorrow.",
            )
        task = _task(partnership, other, key)
        task.nudged_at = now
        task.save()
        record("onboarding.nudged", actor, partnership, now, data={"title": line.item.title, "key": key}, subject=key)


def activate(*, actor: Actor, partnership: Partnership, now: datetime) -> Partnership:
    """Say that the actor's side is ready to go live; with both sides' word the partnership is active.

    This is the gate: as long as a needed item is missing on either side it raises Conflict (``onboarding_incomplete``), whose
    ``missing`` lists each with who has it. Raises Conflict when the partnership is not onboarding, or the side has said so.
    """
    person = actor.require_person(RIGHT)
    organization = actor.require(RIGHT)
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        if partnership.state != Partnership.State.ONBOARDING:
            raise errors.Conflict(
                f"The partnership is {partnership.get_state_display().lower()}.", code="not_onboarding"
            )
        refuse_incomplete(partnership, now)
        _, new = GoLive.objects.get_or_create(
            partnership=partnership, organization=organization, defaults={"person": person, "at": now}
        )
        if not new:
            raise errors.Conflict(
                f"{organization.name} has said so already.",
                code="already_ready",
                fix=f"{partnership.other(organization).name} says it too, then the partnership is live.",
            )
        record("onboarding.ready", actor, partnership, now)
        if GoLive.objects.filter(partnership=partnership).count() == 2:
            _go_live(partnership, actor, now)
    return partnership


def refuse_incomplete(partnership: Partnership, now: datetime) -> None:
    """Raise Conflict (``onboarding_incomplete``) unless every needed item is completed on both sides."""
    missing = queries.board(partnership, now).missing
    if not missing:
        return
    names = {each.slug: each.name for each in reading.sides(partnership)}
    listed = [{"item": each.key, "title": each.title, "side": each.side, "sentence": each.sentence} for each in missing]
    first = missing[0]
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    raise errors.Conflict(
        f"Not ready to go live: {first.title} ({names[first.side]}){more}.",
        code="onboarding_incomplete",
        fix="The checklist says what is missing and who has it.",
        extra={"missing": listed},
    )


def _go_live(partnership: Partnership, actor: Actor, now: datetime) -> None:
    target = partnership_rules.after(partnership.state, Action.ACTIVATE)
    assert target is not None
    partnership.state, partnership.activated_at, partnership.state_reason = target, now, ""
    partnership.save(update_fields=["state", "activated_at", "state_reason"])
    record("onboarding.live", actor, partnership, now)


def _task(partnership: Partnership, organization: Organization, key: str) -> OnboardingTask:
    task, _ = OnboardingTask.objects.get_or_create(partnership=partnership, organization=organization, key=key)
    return task


def _manual(partnership: Partnership, organization: Organization, key: str, now: datetime) -> Line:
    line = queries.board(partnership, now).line(key)
    cell = line.cell(organization.slug)
    if cell.machine:
        raise errors.Conflict(
            "The portal sees for itself whether this item is done.", code="seen_by_the_portal", fix=cell.sentence
        )
    if cell.status is board_rules.Status.CANNOT_START_YET:
        raise errors.Conflict(cell.sentence, code="cannot_start_yet")
    return line


def record(
    kind: str,
    actor: Actor,
    partnership: Partnership,
    now: datetime,
    *,
    data: Mapping[str, Any] | None = None,
    subject: str = "",
) -> None:
    """Record what was done to the checklist, for both sides to read."""
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=actor.organization.pk if actor.organization else None,
        partnership_id=partnership.pk,
        subject=("onboarding", subject or partnership.pk),
        data=data,
    )
