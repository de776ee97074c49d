"""The regular review: opened by schedule, filled in with what the portal knows, answered and signed off by both sides."""

import logging
import uuid
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import PORTAL, Actor
from portal.organizations.models import Organization
from portal.partnerships import locks
from portal.partnerships.models import Partnership
from trust.agreements import queries as agreements
from trust.agreements.models import Agreement
from trust.onboarding import review_rules, reviewing
from trust.onboarding.models import Review, ReviewAnswer, ReviewFinding, ReviewSignOff
from trust.onboarding.services import RIGHT

logger = logging.getLogger(__name__)
SEVERITIES = frozenset({"low", "medium", "high"})
# The shortest time between two reviews that an agreement can say.
SOONEST = timedelta(days=7)


def of(partnership: Partnership) -> QuerySet[Review]:
    """Return the reviews of a partnership, newest first."""
    return Review.objects.filter(partnership=partnership).prefetch_related(
        "sign_offs__organization", "sign_offs__person"
    )


def get(partnership: Partnership, number: int) -> Review:
    """Return one review. Raises NotFound."""
    found = of(partnership).filter(number=number).first()
    if found is None:
        raise errors.NotFound()
    return found


def findings(partnership: Partnership, *, open_only: bool = False) -> QuerySet[ReviewFinding]:
    """Return the findings of a partnership, the first due first; they are carried from review to review until closed."""
    found = ReviewFinding.objects.filter(partnership=partnership).select_related("found_in", "written_by", "closed_by")
    return found.filter(closed_at=None) if open_only else found


def left(review: Review) -> dict[str, list[str]]:
    """Return for each side (slug) the questions that it has not answered."""
    both = (review.partnership.first_organization, review.partnership.second_organization)
    answers = {side.slug: [each.question for each in review.answers.filter(organization=side)] for side in both}
    return review_rules.unanswered(answers, [side.slug for side in both])


def open_due(*, now: datetime) -> int:
    """Open the review of every live partnership whose last one is as old as the agreement says; return how many."""
    unclosed = Review.objects.filter(partnership=OuterRef("pk"), closed_at=None)
    # The agreement may ask for one more seldom, and is read only where enough days have gone by for the shortest.
    live = (
        Partnership.objects.filter(~Exists(unclosed), state=Partnership.State.ACTIVE)
        .annotate(last_opened=Max("reviews__opened_at"), began=Coalesce("activated_at", "created_at"))
        .filter(Q(last_opened=None, began__lte=now - SOONEST) | Q(last_opened__lte=now - SOONEST))
    )
    asked = list(live.select_related("first_organization", "second_organization"))
    agreed = agreements.in_force_of(each.pk for each in asked)
    due = [each for each in asked if _is_due(each, agreed.get(each.pk), now)]
    return sum(_open(each, now, PORTAL) is not None for each in due)


def _is_due(partnership: Any, agreement: Agreement | None, now: datetime) -> bool:
    try:
        every = agreements.terms_of(agreement, partnership).review_every
    except errors.Unavailable:
        # One document that is damaged must not keep the others from being reviewed.
        logger.exception("The agreement of %s cannot be read", partnership.slug)
        return False
    last, began = partnership.last_opened, partnership.began
    return review_rules.is_due(began=began, last_opened=last, every=every, now=now)


def open_now(*, actor: Actor, partnership: Partnership, now: datetime) -> Review:
    """Open a review before it is due. Raises Conflict when one is open."""
    organization = actor.require(RIGHT)
    if not partnership.has(organization):
        raise errors.NotFound()
    made = _open(partnership, now, actor)
    if made is None:
        raise errors.Conflict("A review is open already.", code="review_open")
    return made


def _open(partnership: Partnership, now: datetime, actor: Actor) -> Review | None:
    # Looking takes many reads; only the row is made under the lock.
    seen = [asdict(each) for each in reviewing.facts(partnership, now)]
    with transaction.atomic():
        locks.hold(partnership.pk)
        if Review.objects.filter(partnership=partnership, closed_at=None).exists():
            return None
        last = Review.objects.filter(partnership=partnership).aggregate(last=Max("number"))["last"] or 0
        review = Review.objects.create(
            partnership=partnership,
            number=last + 1,
            opened_at=now,
            due_at=now + review_rules.TIME_TO_ANSWER,
            facts=seen,
        )
        _record("review.opened", actor, review, now, due=review.due_at.date().isoformat())
    return review


def answer(*, actor: Actor, review: Review, question: str, yes: bool, note: str, now: datetime) -> ReviewAnswer:
    """Answer a question for the actor's side, again if it was answered before. Raises Invalid and Conflict."""
    organization = actor.require(RIGHT)
    person = actor.require_person(RIGHT, step_up=False)
    if question not in {each.key for each in review_rules.ASKED}:
        raise errors.Invalid("This is no question of the review.", fields={"question": ["Choose one of the list."]})
    if len(note) > 500:
        raise errors.Invalid("The note is too long.", fields={"note": ["At most 500 characters."]})
    with transaction.atomic():
        review = _open_one(review, organization)
        _refuse_signed(review, organization)
        made, _ = ReviewAnswer.objects.update_or_create(
            review=review,
            organization=organization,
            question=question,
            defaults={"yes": yes, "note": note.strip(), "by": person, "at": now},
        )
        _record("review.answered", actor, review, now, question=question, yes=yes)
    return made


def add_finding(
    *,
    actor: Actor,
    review: Review,
    title: str,
    severity: str,
    action: str,
    owner: str,
    due_on: date,
    now: datetime,
) -> ReviewFinding:
    """Write down something to mend. Raises Invalid with the fields that are wrong."""
    organization = actor.require(RIGHT)
    person = actor.require_person(RIGHT, step_up=False)
    fields = {
        name: [f"Enter 1 to {longest} characters."]
        for name, value, longest in (("title", title, 200), ("action", action, 500), ("owner", owner, 120))
        if not 1 <= len(value.strip()) <= longest
    }
    if severity not in SEVERITIES:
        fields["severity"] = ["Choose low, medium or high."]
    if fields:
        raise errors.Invalid("The finding cannot be kept as it is.", fields=fields)
    with transaction.atomic():
        review = _open_one(review, organization)
        made = ReviewFinding.objects.create(
            partnership=review.partnership,
            found_in=review,
            title=title.strip(),
            severity=severity,
            action=action.strip(),
            owner=owner.strip(),
            due_on=due_on,
            written_by=person,
            written_at=now,
        )
        _record("review.finding_added", actor, review, now, title=made.title, severity=severity, owner=made.owner)
    return made


def close_finding(
    *, actor: Actor, partnership: Partnership, finding_id: uuid.UUID | str, note: str, now: datetime
) -> ReviewFinding:
    """Close a finding with what was done. Raises Invalid without a note, Conflict when it is closed."""
    organization = actor.require(RIGHT)
    person = actor.require_person(RIGHT, step_up=False)
    if not 3 <= len(note.strip()) <= 500:
        raise errors.Invalid("Say what was done.", fields={"note": ["Enter 3 to 500 characters."]})
    with transaction.atomic():
        found = ReviewFinding.objects.select_for_update().filter(pk=finding_id, partnership=partnership).first()
        if found is None or not partnership.has(organization):
            raise errors.NotFound()
        if found.closed_at:
            raise errors.Conflict("The finding is closed already.", code="finding_closed")
        found.closed_at, found.closed_by, found.closing_note = now, person, note.strip()
        found.save(update_fields=["closed_at", "closed_by", "closing_note"])
        _record("review.finding_closed", actor, found.found_in, now, title=found.title, note=note.strip())
    return found


def sign_off(*, actor: Actor, review: Review, now: datetime) -> Review:
    """Sign the review off for the actor's side; with both sides it is closed.

    Raises Conflict while a question of this side is open, or when it has signed off already.
    """
    person = actor.require_person(RIGHT)
    organization = actor.require(RIGHT)
    with transaction.atomic():
        review = _open_one(review, organization)
        _refuse_signed(review, organization)
        open_ones = left(review).get(organization.slug, [])
        if open_ones:
            raise errors.Conflict(
                f"{len(open_ones)} questions are not answered by {organization.name}.",
                code="review_incomplete",
                extra={"questions": open_ones},
            )
        ReviewSignOff.objects.create(review=review, organization=organization, person=person, at=now)
        _record("review.signed_off", actor, review, now)
        if review.sign_offs.count() == 2:
            review.closed_at = now
            review.save(update_fields=["closed_at"])
            _record("review.closed", actor, review, now)
    return review


def _open_one(review: Review, organization: Organization) -> Review:
    locks.hold(review.partnership_id)
    found = Review.objects.select_related("partnership__first_organization", "partnership__second_organization").get(
        pk=review.pk
    )
    if not found.partnership.has(organization):
        raise errors.NotFound()
    if found.closed_at:
        raise errors.Conflict(f"Review {found.number} is closed.", code="review_closed")
    return found


def _refuse_signed(review: Review, organization: Organization) -> None:
    if review.sign_offs.filter(organization=organization).exists():
        raise errors.Conflict(
            f"{organization.name} has signed off review {review.number} already.", code="already_signed_off"
        )


def _record(kind: str, actor: Actor, review: Review, now: datetime, **data: object) -> None:
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=actor.organization.pk if actor.organization else None,
        partnership_id=review.partnership_id,
        subject=("review", review.pk),
        data={"number": review.number, **data},
    )
