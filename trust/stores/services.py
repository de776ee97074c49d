"""Changing what is trusted. Adding takes two people; removing takes one, and another looks at it within 24 hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.audit.models import Audience
from portal.organizations.acting import Actor
from portal.organizations.models import Organization, User
from portal.organizations.rules import Right
from trust.certificates.models import Certificate
from trust.stores import grounds, publishing, queries, rules
from trust.stores.models import StoreDraft, StoreEntry, StoreVersion, TrustStore
from trust.submissions.models import Submission

MAX_REASON = 2000


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
    _require_relying(submission.relying_id, relying)
    from trust.submissions import services as submissions

    places = list(submissions.accept(submission=submission, actor=actor, now=now, reason=require_reason(reason)))
    submission.refresh_from_db()
    store = publishing.lock(_store_for(submission, now))
    version = publishing.current_version(store)
    current = grounds.entries_of(version)
    composition = rules.compose(
        *_with_issuers(current, grounds.entries_from(submission, places)),
        withdrawn=queries.withdrawn_digests(store),
    )
    draft = StoreDraft.objects.filter(submission=submission, state=StoreDraft.State.WAITING).first()
    if version is not None and not composition.changes:
        _decide(draft, StoreDraft.State.PUBLISHED, approver, now, version)
        return Publication(version, "unchanged")
    published = publishing.publish(
        store=store,
        composition=composition,
        kind=StoreVersion.Kind.SUBMISSION,
        actor=actor,
        now=now,
        reason=reason,
        first_people=[*_callers(relying, composition), *([draft.proposed_by] if draft else [])],
        submission=submission,
    )
    _decide(draft, StoreDraft.State.PUBLISHED, approver, now, published)
    return Publication(published, "published")


@transaction.atomic
def propose_submission(*, submission: Submission, actor: Actor, now: datetime, reason: str) -> StoreDraft:
    """Send a submission for approval by another security officer, because nobody called about what it adds.

    Raises Conflict when it was already sent.
    """
    proposer = actor.require_person(Right.PUBLISH_ADDITION)
    _require_relying(submission.relying_id, actor.require(Right.PUBLISH_ADDITION))
    if StoreDraft.objects.filter(submission=submission, state=StoreDraft.State.WAITING).exists():
        raise errors.Conflict("It was already sent for approval.", code="already_proposed")
    store = TrustStore.objects.filter(name=_name_for(submission), relying=submission.relying).first()
    return _propose(
        store=store,
        relying=submission.relying,
        kind=StoreVersion.Kind.SUBMISSION,
        submission=submission,
        proposer=proposer,
        actor=actor,
        now=now,
        reason=reason,
    )


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
) -> StoreVersion:
    """Publish a version without the named certificates (SHA-256, hex) and what hangs below them. One person can.

    A responder only for certificates that ``emergency_notice`` names, and the portal itself only with such a notice.
    ``empty_store`` must be said to remove the last certificate. Raises NotAllowed, NotFound, Invalid and what
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
        reason=require_reason(reason),
        notice_label=emergency_notice.label if emergency_notice else "",
        withdrawal=emptied,
    )


@transaction.atomic
def review_removal(*, version: StoreVersion, actor: Actor, now: datetime, note: str = "") -> StoreVersion:
    """Record that a second person looked at a removal that one person published alone.

    Raises NotAllowed for the person who published it, Conflict when nothing waits for a review.
    """
    reviewer = actor.require_person(Right.APPROVE, step_up=False)
    _require_relying(version.store.relying_id, actor.require(Right.APPROVE))
    if version.published_by_id == reviewer.pk:
        raise errors.NotAllowed(
            "You published this version, so you cannot review it.",
            code="own_work",
            fix="Another security officer can.",
        )
    changed = StoreVersion.objects.filter(pk=version.pk, review_due_at__isnull=False, reviewed_at=None).update(
        reviewed_at=now, reviewed_by=reviewer, review_note=note[:MAX_REASON]
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
        data={"store": version.store.name, "version": version.number, "note": note[:MAX_REASON]},
    )
    return version


@transaction.atomic
def restore(*, store: TrustStore, certificates: Iterable[str], actor: Actor, now: datetime, reason: str) -> StoreDraft:
    """Propose to bring back certificates (SHA-256, hex) that this store once held. Another officer publishes it.

    Nothing is ever restored by itself. Raises Invalid when a certificate was never in the store.
    """
    proposer = actor.require_person(Right.PUBLISH_ADDITION)
    _require_relying(store.relying_id, actor.require(Right.PUBLISH_ADDITION))
    wanted = frozenset(digest.lower() for digest in certificates)
    if not wanted or wanted - queries.withdrawn_digests(store):
        raise errors.Invalid(
            "Only certificates that were withdrawn from this store can be restored.", code="not_withdrawn"
        )
    draft = _propose(
        store=store,
        relying=store.relying,
        kind=StoreVersion.Kind.RESTORE,
        proposer=proposer,
        actor=actor,
        now=now,
        reason=reason,
        certificates=sorted(wanted),
    )
    draft.certificates.set(Certificate.objects.filter(pk__in=wanted))
    return draft


@transaction.atomic
def publish_again(
    *, store: TrustStore, number: int, actor: Actor, now: datetime, reason: str
) -> StoreVersion | StoreDraft:
    """Go back to the contents of version ``number`` as a new version.

    Published at once when that only removes trust; a proposal for another officer when it adds any. Raises NotFound, Conflict.
    """
    person = actor.require_person(Right.PUBLISH_ADDITION)
    _require_relying(store.relying_id, actor.require(Right.PUBLISH_ADDITION))
    locked = publishing.lock(store)
    earlier = queries.version(locked, number)
    composition = _contents_again(locked, earlier)
    if not composition.adds:
        return publishing.publish(
            store=locked,
            composition=composition,
            kind=StoreVersion.Kind.CONTENTS,
            actor=actor,
            now=now,
            reason=require_reason(reason),
        )
    return _propose(
        store=locked,
        relying=locked.relying,
        kind=StoreVersion.Kind.CONTENTS,
        contents_of=earlier,
        proposer=person,
        actor=actor,
        now=now,
        reason=reason,
    )


@transaction.atomic
def publish_draft(*, draft: StoreDraft, actor: Actor, now: datetime, reason: str = "") -> StoreVersion:
    """Publish what another officer proposed. What is added is checked again as it stands now.

    Raises NotAllowed for the proposer, Conflict when the proposal is no longer open or a verification no longer stands.
    """
    approver = actor.require_person(Right.PUBLISH_ADDITION)
    _require_relying(draft.relying_id, actor.require(Right.PUBLISH_ADDITION))
    held = StoreDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
    if held.state != StoreDraft.State.WAITING:
        raise errors.Conflict("This proposal is no longer open.", code="draft_closed")
    if held.proposed_by_id == approver.pk:
        raise errors.NotAllowed(
            "You proposed this, so you cannot publish it.", code="own_work", fix="Another security officer can."
        )
    if held.submission is not None:
        return approve_and_publish(
            submission=held.submission, actor=actor, now=now, reason=reason or held.reason
        ).version
    assert held.store is not None
    store = publishing.lock(held.store)
    composition = _restored(store, held) if held.contents_of is None else _contents_again(store, held.contents_of)
    grounds.require_still_trusted(store.relying, composition.added)
    published = publishing.publish(
        store=store,
        composition=composition,
        kind=StoreVersion.Kind(held.kind),
        actor=actor,
        now=now,
        reason=reason or held.reason,
        first_people=[held.proposed_by],
    )
    _decide(held, StoreDraft.State.PUBLISHED, approver, now, published)
    return published


@transaction.atomic
def withdraw_draft(*, draft: StoreDraft, actor: Actor, now: datetime) -> StoreDraft:
    """Close a proposal without publishing it. Any officer can. Raises Conflict when it is not open."""
    person = actor.require_person(Right.PUBLISH_ADDITION, step_up=False)
    _require_relying(draft.relying_id, actor.require(Right.PUBLISH_ADDITION))
    _decide(draft, StoreDraft.State.WITHDRAWN, person, now, None)
    audit.record(
        "store.proposal_withdrawn",
        now=now,
        actor=actor,
        organization_id=draft.relying_id,
        subject=("store_draft", draft.pk),
        data={"store": draft.store.name if draft.store else "", "kind": draft.kind},
    )
    return draft


def require_reason(reason: str) -> str:
    """Return a reason that says something. Raises Invalid, naming the field."""
    text = reason.strip()
    if not text:
        raise errors.Invalid(
            "Say why.", code="reason_required", fields={"reason": ["Say why, in one sentence for the record."]}
        )
    if len(text) > MAX_REASON:
        raise errors.Invalid(
            f"The reason is longer than {MAX_REASON} characters.",
            code="reason_too_long",
            fields={"reason": [f"Use at most {MAX_REASON} characters."]},
        )
    return text


def _propose(
    *,
    store: TrustStore | None,
    relying: Organization,
    kind: StoreVersion.Kind,
    proposer: User,
    actor: Actor,
    now: datetime,
    reason: str,
    submission: Submission | None = None,
    contents_of: StoreVersion | None = None,
    certificates: Iterable[str] = (),
) -> StoreDraft:
    draft = StoreDraft.objects.create(
        store=store,
        relying=relying,
        kind=kind,
        submission=submission,
        contents_of=contents_of,
        reason=require_reason(reason),
        proposed_by=proposer,
        proposed_at=now,
    )
    audit.record(
        "store.proposed",
        now=now,
        actor=actor,
        organization_id=relying.pk,
        audience=Audience.ORGANIZATION,
        subject=("store_draft", draft.pk),
        data={
            "store": store.name if store else "",
            "kind": kind,
            "submission": submission.number if submission else None,
            "contents_of": contents_of.number if contents_of else None,
            "certificates": list(certificates),
            "reason": draft.reason,
        },
    )
    return draft


def _decide(
    draft: StoreDraft | None,
    state: StoreDraft.State,
    person: User,
    now: datetime,
    published: StoreVersion | None,
) -> None:
    if draft is None:
        return
    moved = StoreDraft.objects.filter(pk=draft.pk, state=StoreDraft.State.WAITING).update(
        state=state, decided_by=person, decided_at=now, published=published
    )
    if not moved:
        raise errors.Conflict("This proposal is no longer open.", code="draft_closed")
    draft.refresh_from_db()


def _require_relying(relying_id: object, organization: Organization) -> None:
    if relying_id != organization.pk:
        raise errors.NotFound()


def _require_may_remove(store: TrustStore, digests: frozenset[str], actor: Actor, notice: NoticeGrounds | None) -> None:
    named = notice is not None and notice.key_verified and digests <= notice.digests
    if actor.kind == "portal" and named:
        return
    actor.require_person(Right.PUBLISH_REMOVAL)
    _require_relying(store.relying_id, actor.require(Right.PUBLISH_REMOVAL))
    # Only security officers can also publish additions; a responder acts on a partner's own word.
    if not actor.has(Right.PUBLISH_ADDITION) and not named:
        raise errors.NotAllowed(
            "A responder can remove only certificates that a notice signed by a verified key names.",
            code="notice_required",
            fix="A security officer can remove it.",
        )


def _name_for(submission: Submission) -> str:
    return rules.store_name(submission.owner.slug, "prod")


def _store_for(submission: Submission, now: datetime) -> TrustStore:
    """Return the store that a submission of this partner goes to, made at the first publication."""
    store, _ = TrustStore.objects.get_or_create(
        relying=submission.relying,
        name=_name_for(submission),
        defaults={"owner": submission.owner, "partnership": submission.partnership, "created_at": now},
    )
    if store.owner_id != submission.owner_id:
        raise errors.Conflict(f"The name {store.name} belongs to a store of another partner.", code="store_name_taken")
    return store


def _callers(relying: Organization, composition: rules.Composition) -> list[User]:
    """Return who made the calls about the anchors that a composition adds."""
    anchors = [entry.sha256 for entry in composition.added if entry.role == rules.ANCHOR]
    return [call.verifier for call in grounds.approved_calls(relying, anchors).values() if call.verifier]


def _restored(store: TrustStore, draft: StoreDraft) -> rules.Composition:
    current = grounds.entries_of(publishing.current_version(store))
    digests = set(draft.certificates.values_list("pk", flat=True))
    rows = StoreEntry.objects.filter(version__store=store, certificate_id__in=digests).order_by("version__number")
    latest = {row.certificate_id: row for row in rows}
    return rules.compose(*_with_issuers(current, [grounds.value(row) for row in latest.values()]))


def _contents_again(store: TrustStore, earlier: StoreVersion) -> rules.Composition:
    current = grounds.entries_of(publishing.current_version(store))
    return rules.replace_contents(current, grounds.entries_of(earlier))


def _with_issuers(
    current: list[rules.Entry], additions: list[rules.Entry]
) -> tuple[list[rules.Entry], list[rules.Entry]]:
    linked = grounds.with_lineage([*current, *additions])
    return linked[: len(current)], linked[len(current) :]
