"""A proposal's life: opened by one person, closed once, by publishing it, withdrawing it, or the end of its submission."""

from collections.abc import Iterable
from datetime import datetime

from portal import errors
from portal.audit import services as audit
from portal.audit.models import Audience
from portal.audit.services import Acting
from portal.organizations.acting import Actor
from portal.organizations.models import Organization, User
from trust.stores import compositions, rules
from trust.stores.models import StoreDraft, StoreVersion, TrustStore
from trust.stores.rules import DraftAction
from trust.submissions.models import Submission

MAX_REASON = 2000


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


def open_draft(
    *,
    store: TrustStore | None,
    relying: Organization,
    kind: StoreVersion.Kind,
    proposer: User | None,
    actor: Acting,
    now: datetime,
    reason: str,
    submission: Submission | None = None,
    contents_of: StoreVersion | None = None,
    certificates: Iterable[str] = (),
    notice_label: str = "",
) -> StoreDraft:
    """Record what one person proposes, inside the caller's transaction. Raises Invalid without a reason.

    Without a ``proposer`` it was prepared because of the notice ``notice_label``, and counts as nobody's word.
    """
    draft = StoreDraft.objects.create(
        store=store,
        relying=relying,
        kind=kind,
        submission=submission,
        contents_of=contents_of,
        reason=require_reason(reason),
        proposed_by=proposer,
        proposed_at=now,
        notice_label=notice_label,
    )
    _record(draft, actor, now, certificates)
    return draft


def take_over(draft: StoreDraft, *, proposer: User, actor: Actor, now: datetime, reason: str) -> StoreDraft:
    """Make what the portal prepared the proposal of a person, who stands behind it from now on.

    Raises Conflict when somebody was faster, Invalid without a reason.
    """
    moved = StoreDraft.objects.filter(pk=draft.pk, state=StoreDraft.State.WAITING, proposed_by=None).update(
        proposed_by=proposer, proposed_at=now, reason=require_reason(reason)
    )
    if not moved:
        raise errors.Conflict("It was already sent for approval.", code="already_proposed")
    draft.refresh_from_db()
    _record(draft, actor, now)
    return draft


def _record(draft: StoreDraft, actor: Acting, now: datetime, certificates: Iterable[str] = ()) -> None:
    audit.record(
        "store.proposed" if draft.proposed_by_id else "store.prepared",
        now=now,
        actor=actor,
        organization_id=draft.relying_id,
        audience=Audience.ORGANIZATION,
        subject=("store_draft", draft.pk),
        data={
            "store": name_of(draft),
            "kind": draft.kind,
            "submission": draft.submission.number if draft.submission else None,
            "contents_of": draft.contents_of.number if draft.contents_of else None,
            "certificates": list(certificates),
            "notice": draft.notice_label,
            "reason": draft.reason,
        },
    )


def close(
    draft: StoreDraft | None,
    action: DraftAction,
    person: User | None,
    now: datetime,
    published: StoreVersion | None,
) -> None:
    """Close a proposal, if there is one. Raises Conflict when somebody else closed it first."""
    if draft is None:
        return
    state = rules.draft_after(draft.state, action)
    moved = StoreDraft.objects.filter(pk=draft.pk, state=draft.state).update(
        state=state, decided_by=person, decided_at=now, published=published
    )
    draft.refresh_from_db()
    if not moved:
        rules.draft_after(draft.state, action)


def end_with(submission: Submission, *, actor: Acting, now: datetime) -> None:
    """Close what waits about a submission that is over, inside the transaction that ended it, which holds the partnership."""
    waiting = StoreDraft.objects.filter(submission=submission, state=StoreDraft.State.WAITING).first()
    if waiting is None:
        return
    close(waiting, DraftAction.END, None, now, None)
    audit.record(
        "store.proposal_over",
        now=now,
        actor=actor,
        organization_id=waiting.relying_id,
        audience=Audience.ORGANIZATION,
        subject=("store_draft", waiting.pk),
        data={
            "store": name_of(waiting),
            "kind": waiting.kind,
            "submission": submission.number,
            "state": submission.get_state_display().lower(),
            "notice": waiting.notice_label,
        },
    )


def name_of(draft: StoreDraft) -> str:
    """Return the name of the store that a proposal is about, also before the store is there."""
    if draft.store is not None:
        return draft.store.name
    assert draft.submission is not None, "only the first submission of a partner has no store yet"
    return compositions.name_for(draft.submission)
