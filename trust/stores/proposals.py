"""Adding trust takes two people: what one officer proposes, another publishes."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.audit.services import Acting
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import locks
from trust.certificates.models import Certificate
from trust.stores import compositions, drafts, grounds, publishing, queries
from trust.stores.models import StoreDraft, StoreVersion, TrustStore
from trust.stores.rules import DraftAction, draft_after
from trust.stores.services import approve_and_publish, require_relying
from trust.submissions.models import Submission
from trust.submissions.rules import WAITING


@transaction.atomic
def propose_submission(*, submission: Submission, actor: Actor, now: datetime, reason: str) -> StoreDraft:
    """Send a submission for approval by another security officer, because nobody called about what it adds.

    Raises Conflict when it was already sent, or when the submission waits for nothing any more.
    """
    proposer = actor.require_person(Right.PUBLISH_ADDITION)
    require_relying(submission.relying_id, actor.require(Right.PUBLISH_ADDITION))
    _require_waiting(submission)
    waiting = StoreDraft.objects.filter(submission=submission, state=StoreDraft.State.WAITING).first()
    if waiting is not None:
        return drafts.take_over(waiting, proposer=proposer, actor=actor, now=now, reason=reason)
    store = TrustStore.objects.filter(name=compositions.name_for(submission), relying=submission.relying).first()
    return drafts.open_draft(
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
def prepare_submission(*, submission: Submission, notice_label: str, now: datetime, reason: str) -> StoreDraft:
    """Lay out the next version with what a submission adds, because a partner's signed notice announced it.

    It trusts nothing and counts as nobody's word: the same two people are asked as without it. Raises IntegrityError when something
    about the submission waits already, Conflict when the submission waits for nothing any more.
    """
    _require_waiting(submission)
    store = TrustStore.objects.filter(name=compositions.name_for(submission), relying=submission.relying).first()
    return drafts.open_draft(
        store=store,
        relying=submission.relying,
        kind=StoreVersion.Kind.SUBMISSION,
        submission=submission,
        proposer=None,
        actor=acting.PORTAL,
        now=now,
        reason=reason,
        notice_label=notice_label,
    )


@transaction.atomic
def drop_prepared(*, draft: StoreDraft, now: datetime) -> None:
    """Close what was prepared and what no longer holds. Raises Conflict when it is not open."""
    _hold(draft)
    drafts.close(draft, DraftAction.WITHDRAW, None, now, None)
    _record_withdrawal(draft, acting.PORTAL, now)


def _require_waiting(submission: Submission) -> None:
    """Lock the partnership, so that the submission cannot end meanwhile. Raises Conflict when it is over already."""
    locks.hold(submission.partnership_id)
    state = Submission.objects.values_list("state", flat=True).get(pk=submission.pk)
    if state not in WAITING:
        raise errors.Conflict(
            f"The submission is {state.replace('_', ' ')}.",
            code=f"submission_{state}",
            fix="Reload the page to see how it stands.",
        )


def _hold(draft: StoreDraft) -> None:
    about = draft.submission or draft.store
    assert about is not None
    locks.hold(about.partnership_id)


@transaction.atomic
def restore(*, store: TrustStore, certificates: Iterable[str], actor: Actor, now: datetime, reason: str) -> StoreDraft:
    """Propose to bring back certificates (SHA-256, hex) that this store once held. Another officer publishes it.

    Nothing is ever restored by itself. Raises Invalid when a certificate was never in the store.
    """
    proposer = actor.require_person(Right.PUBLISH_ADDITION)
    require_relying(store.relying_id, actor.require(Right.PUBLISH_ADDITION))
    wanted = frozenset(digest.lower() for digest in certificates)
    if not wanted or wanted - queries.withdrawn_digests(store):
        raise errors.Invalid(
            "Only certificates that were withdrawn from this store can be restored.", code="not_withdrawn"
        )
    draft = drafts.open_draft(
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
    require_relying(store.relying_id, actor.require(Right.PUBLISH_ADDITION))
    locked = publishing.lock(store)
    earlier = queries.version(locked, number)
    composition = compositions.contents_again(locked, earlier)
    if not composition.adds:
        return publishing.publish(
            store=locked,
            composition=composition,
            kind=StoreVersion.Kind.CONTENTS,
            actor=actor,
            now=now,
            reason=drafts.require_reason(reason),
        )
    return drafts.open_draft(
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
    require_relying(draft.relying_id, actor.require(Right.PUBLISH_ADDITION))
    _hold(draft)
    held = StoreDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
    draft_after(held.state, DraftAction.PUBLISH)
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
    composition = compositions.of_draft(store, held)
    grounds.require_still_trusted(store, composition.added, now)
    published = publishing.publish(
        store=store,
        composition=composition,
        kind=StoreVersion.Kind(held.kind),
        actor=actor,
        now=now,
        reason=reason or held.reason,
        first_people=[held.proposed_by] if held.proposed_by else [],
    )
    drafts.close(held, DraftAction.PUBLISH, approver, now, published)
    return published


@transaction.atomic
def withdraw_draft(*, draft: StoreDraft, actor: Actor, now: datetime) -> StoreDraft:
    """Close a proposal without publishing it. Any officer can. Raises Conflict when it is not open."""
    person = actor.require_person(Right.PUBLISH_ADDITION, step_up=False)
    require_relying(draft.relying_id, actor.require(Right.PUBLISH_ADDITION))
    _hold(draft)
    drafts.close(draft, DraftAction.WITHDRAW, person, now, None)
    _record_withdrawal(draft, actor, now)
    return draft


def _record_withdrawal(draft: StoreDraft, actor: Acting, now: datetime) -> None:
    audit.record(
        "store.proposal_withdrawn",
        now=now,
        actor=actor,
        organization_id=draft.relying_id,
        subject=("store_draft", draft.pk),
        data={"store": drafts.name_of(draft), "kind": draft.kind},
    )
