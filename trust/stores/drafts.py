"""A proposal's life: opened by one person, closed once, by publishing it or withdrawing it."""

from collections.abc import Iterable
from datetime import datetime

from portal import errors
from portal.audit import services as audit
from portal.audit.models import Audience
from portal.audit.services import Acting
from portal.organizations.acting import Actor
from portal.organizations.models import Organization, User
from trust.stores.models import StoreDraft, StoreVersion, TrustStore
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
            "store": draft.store.name if draft.store else "",
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
    state: StoreDraft.State,
    person: User | None,
    now: datetime,
    published: StoreVersion | None,
) -> None:
    """Close a proposal, if there is one. Raises Conflict when somebody else closed it first."""
    if draft is None:
        return
    moved = StoreDraft.objects.filter(pk=draft.pk, state=StoreDraft.State.WAITING).update(
        state=state, decided_by=person, decided_at=now, published=published
    )
    if not moved:
        raise errors.Conflict("This proposal is no longer open.", code="draft_closed")
    draft.refresh_from_db()
