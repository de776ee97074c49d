"""Reading the checklist of a partnership."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.onboarding import board_rules, reading, rules, sightings
from trust.onboarding.board_rules import Line, Missing, Said, Seen
from trust.onboarding.models import (
    CustomItem,
    GoLive,
    NegativeRun,
    NegativeSample,
    OnboardingPlan,
    OnboardingTask,
    TaskEvidence,
)
from trust.onboarding.reading import sides
from trust.onboarding.rules import Group, Item, Template


@dataclass(frozen=True)
class Board:
    """The whole checklist at a moment, and what stands between the partnership and going live."""

    template: Template
    lines: tuple[Line, ...]
    missing: tuple[Missing, ...]
    ready: tuple[GoLive, ...]

    def groups(self) -> list[tuple[str, list[Line]]]:
        """Return the lines in their groups; empty groups are left out."""
        found = [(group.value, [line for line in self.lines if line.item.group == group]) for group in Group]
        return [(name, lines) for name, lines in found if lines]

    def line(self, key: str) -> Line:
        """Return one line. Raises NotFound."""
        for line in self.lines:
            if line.item.key == key:
                return line
        raise errors.NotFound()


def template(partnership: Partnership) -> Template:
    """Return the partnership's kind of checklist."""
    plan = OnboardingPlan.objects.filter(partnership=partnership).first()
    return Template(plan.template) if plan else Template.STANDARD


def custom_items(partnership: Partnership) -> QuerySet[CustomItem]:
    """Return the items that the partners added themselves."""
    return CustomItem.objects.filter(partnership=partnership, removed_at=None).select_related("added_by")


def board(partnership: Partnership, now: datetime) -> Board:
    """Return the checklist with everything that the portal sees and people said."""
    partnership = reading.remembering(partnership)
    both, kind = sides(partnership), template(partnership)
    added = list(custom_items(partnership))
    items = (*rules.ITEMS, *(_item(each) for each in added))
    required = rules.required_of(kind, (key_of(each) for each in added if each.required))
    lines = board_rules.board(
        items=items,
        required=required,
        sides=(both[0].slug, both[1].slug),
        seen=_seen(items, partnership, both, now),
        said=_said(partnership),
    )
    ready = GoLive.objects.filter(partnership=partnership).select_related("organization", "person")
    return Board(kind, lines, board_rules.missing(lines), tuple(ready))


OWN = "own-"


def key_of(item: CustomItem) -> str:
    """Return the key under which an own item stands in the checklist."""
    return f"{OWN}{item.pk}"


def own_item_id(key: str) -> uuid.UUID:
    """Return the id of the own item with this key. Raises NotFound for the key of anything else."""
    try:
        return uuid.UUID(key.removeprefix(OWN) if key.startswith(OWN) else "")
    except ValueError:
        raise errors.NotFound() from None


def _item(item: CustomItem) -> Item:
    return Item(key_of(item), Group(item.group), item.title, item.why, custom=True)


def _seen(
    items: tuple[Item, ...], partnership: Partnership, both: tuple[Organization, Organization], now: datetime
) -> dict[tuple[str, str], Seen]:
    found: dict[tuple[str, str], Seen] = {}
    looked: dict[tuple[str, str], Seen | None] = {}
    for item in items:
        for side in both:
            if not item.check:
                continue
            asked = (item.check, side.slug)
            if asked not in looked:
                looked[asked] = sightings.look(item.check, partnership, side, now)
            seen = looked[asked]
            if seen is not None:
                found[(item.key, side.slug)] = seen
    return found


def _said(partnership: Partnership) -> dict[tuple[str, str], Said]:
    rows = OnboardingTask.objects.filter(partnership=partnership).select_related("organization", "done_by")
    return {
        (row.key, row.organization.slug): Said(
            row.owner, row.due_on, row.done_at, str(row.done_by or ""), row.nudged_at
        )
        for row in rows
    }


def evidence(partnership: Partnership, key: str) -> QuerySet[TaskEvidence]:
    """Return the evidence for an item, of both sides."""
    return TaskEvidence.objects.filter(task__partnership=partnership, task__key=key).select_related(
        "task__organization", "added_by"
    )


def one_evidence(partnership: Partnership, evidence_id: uuid.UUID | str) -> TaskEvidence:
    """Return one piece of evidence of a partnership. Raises NotFound."""
    found = TaskEvidence.objects.filter(task__partnership=partnership, pk=evidence_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def samples(partnership: Partnership) -> QuerySet[NegativeSample]:
    """Return the test certificates of both sides."""
    return NegativeSample.objects.filter(partnership=partnership, removed_at=None).select_related("owner")


def last_run(partnership: Partnership, relying: Organization) -> NegativeRun | None:
    """Return the last run of the joint negative tests against one side's store."""
    runs = NegativeRun.objects.filter(partnership=partnership, relying=relying)
    return runs.select_related("version__store", "run_by").first()
