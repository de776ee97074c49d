"""Changing what is trusted. Adding takes two people; removing takes one, and another looks at it within 24 hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.models import Organization, User
from portal.organizations.rules import Right
from trust.agreements import queries as agreements
from trust.stores import compositions, drafts, grounds, publishing, rules
from trust.stores.models import StoreDraft, StoreVersion, TrustStore
from trust.stores.rules import DraftAction
from trust.submissions import services as submissions
from trust.submissions.models import Submission


@dataclass(frozen=True)
class Publication:
    """What came of an approval: ``outcome`` is "published", or "unchanged" when the store already held all of it."""

    version: StoreVersion
    outcome: str


@dataclass(frozen=True)
class NoticeGrounds:
    """A partner's signed notice as the reason for a removal.

    ``digests`` are the SHA-256 (lower-case hex) of the certificates that it names; ``key_verified`` says that it was signed by a
    key that the relying organization verified by phone.
    """

    label: str
    digests: frozenset[str]
    key_verified: bool


@transaction.atomic
def approve_and_publish(*, submission: Submission, actor: Actor, now: datetime, reason: str) -> Publication:
    """Accept a submission and publish the next version of its store with it, both or neither.

    The second officer's approval of a proposal is this same act. Raises NotAllowed or StepUpRequired for the wrong person,
    NotFound for strangers, Conflict when a signature's key or an anchor is not verified, and what ``publishing.publish`` raises.
    """
    approver = actor.require_person(Right.APPROVE)
    relying = actor.require(Right.PUBLISH_ADDITION)
    require_relying(submission.relying_id, relying)
    places = list(submissions.accept(submission=submission, actor=actor, now=now, reason=drafts.require_reason(reason)))
    submission.refresh_from_db()
    store = publishing.lock(compositions.store_for(submission, now))
    version = publishing.current_version(store)
    composition = compositions.of_submission(store, submission, places, now)
    draft = StoreDraft.objects.filter(submission=submission, state=StoreDraft.State.WAITING).first()
    if version is not None and not composition.changes:
        drafts.close(draft, DraftAction.PUBLISH, approver, now, version)
        return Publication(version, "unchanged")
    published = publishing.publish(
        store=store,
        composition=composition,
        kind=StoreVersion.Kind.SUBMISSION,
        actor=actor,
        now=now,
        reason=reason,
        first_people=[
            *_callers(store, composition, now),
            *([draft.proposed_by] if draft and draft.proposed_by else []),
        ],
        submission=submission,
    )
    drafts.close(draft, DraftAction.PUBLISH, approver, now, published)
    return Publication(published, "published")


@transaction.atomic
def withdraw_certificates(
    *,
    store: TrustStore,
    certificates: Iterable[str],
    actor: Actor,
    now: datetime,
    reason: str,
    emergency_notice: NoticeGrounds | None = None,
    empty_store: bool = False,
    emergency: bool = False,
) -> StoreVersion:
    """Publish a version without the named certificates (SHA-256, hex) and what hangs below them. One person can.

    A responder only for certificates that ``emergency_notice`` names, and the portal itself only with such a notice.
    ``empty_store`` must be said to remove the last certificate, and ``emergency`` when the agreement has planned removals wait for
    services and this one cannot. Raises NotAllowed, NotFound, Invalid and what
    ``publishing.publish`` raises.
    """
    digests = frozenset(digest.lower() for digest in certificates)
    _require_may_remove(store, digests, actor, emergency_notice)
    locked = publishing.lock(store)
    composition = rules.withdraw(grounds.entries_of(publishing.current_version(locked)), digests)
    emptied = composition.empties and empty_store
    return publishing.publish(
        store=locked,
        composition=composition,
        kind=StoreVersion.Kind.WITHDRAWAL if emptied else StoreVersion.Kind.REMOVAL,
        actor=actor,
        now=now,
        reason=drafts.require_reason(reason),
        notice_label=emergency_notice.label if emergency_notice else "",
        withdrawal=emptied,
        emergency=emergency,
    )


@transaction.atomic
def review_removal(*, version: StoreVersion, actor: Actor, now: datetime, note: str = "") -> StoreVersion:
    """Record that a second person looked at a removal that one person published alone.

    Raises NotAllowed for the person who published it, Conflict when nothing waits for a review.
    """
    reviewer = actor.require_person(Right.APPROVE, step_up=False)
    require_relying(version.store.relying_id, actor.require(Right.APPROVE))
    if version.published_by_id == reviewer.pk:
        raise errors.NotAllowed(
            "You published this version, so you cannot review it.",
            code="own_work",
            fix="Another security officer can.",
        )
    changed = StoreVersion.objects.filter(pk=version.pk, review_due_at__isnull=False, reviewed_at=None).update(
        reviewed_at=now, reviewed_by=reviewer, review_note=note[: drafts.MAX_REASON]
    )
    if not changed:
        raise errors.Conflict("Nothing waits for a review here.", code="no_review_due")
    version.refresh_from_db()
    audit.record(
        "store.removal_reviewed",
        now=now,
        actor=actor,
        organization_id=version.store.relying_id,
        subject=("store_version", version.pk),
        data={"store": version.store.name, "version": version.number, "note": note[: drafts.MAX_REASON]},
    )
    return version


def require_relying(relying_id: object, organization: Organization) -> None:
    """Refuse whoever is not of the relying organization, as if there were nothing. Raises NotFound."""
    if relying_id != organization.pk:
        raise errors.NotFound()


def _require_may_remove(store: TrustStore, digests: frozenset[str], actor: Actor, notice: NoticeGrounds | None) -> None:
    named = notice is not None and notice.key_verified and digests <= notice.digests
    if actor.kind == "portal" and named:
        return
    actor.require_person(Right.PUBLISH_REMOVAL)
    require_relying(store.relying_id, actor.require(Right.PUBLISH_REMOVAL))
    # Only security officers can also publish additions; a responder acts on a partner's own word.
    if not actor.has(Right.PUBLISH_ADDITION) and not named:
        raise errors.NotAllowed(
            "A responder can remove only certificates that a notice signed by a verified key names.",
            code="notice_required",
            fix="A security officer can remove it.",
        )


def _callers(store: TrustStore, composition: rules.Composition, now: datetime) -> list[User]:
    """Return who made the calls about the anchors that a composition adds.

    Whoever once made the call about a renewed anchor does not stand behind the renewal: two people of today must.
    """
    anchors = [entry.sha256 for entry in composition.added if entry.role == rules.ANCHOR]
    calls = grounds.approved_calls(store.relying, anchors, now, agreements.terms(store.partnership))
    return [call.verifier for call in calls.values() if call.verifier]
