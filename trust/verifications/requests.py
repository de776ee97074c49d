"""Opening, withdrawing and unlocking a request: the fingerprint that an organization must verify by phone."""

from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit.services import Acting
from portal.organizations.acting import Actor
from portal.organizations.models import Organization, User
from portal.organizations.rules import Right
from portal.partnerships import locks
from portal.partnerships.models import Contact, Partnership
from trust.verifications import ending, groups, people, queries, rules
from trust.verifications.locks import hold_call, hold_request, tell
from trust.verifications.models import (
    ItemKind,
    MismatchStatement,
    Verification,
    VerificationRequest,
    VerificationSource,
)
from trust.verifications.signals import verification_unlocked

State = VerificationRequest.State
CLOSED = (State.WITHDRAWN, State.EXPIRED)
MIN_REASON = 10  # characters; "ok" tells nobody anything later


def reason_given(text: str) -> str:
    """Return a reason that will still mean something later. Raises Invalid for less."""
    cleaned = text.strip()
    if len(cleaned) < MIN_REASON:
        sentence = f"Write the reason in at least {MIN_REASON} characters."
        raise errors.Invalid(sentence, code="reason_missing", fields={"reason": [sentence]})
    return cleaned[:300]


@transaction.atomic
def request_verification(
    *,
    partnership: Partnership,
    owner: Organization,
    relying: Organization,
    item_kind: str,
    fingerprint: str,
    label: str,
    reading_command: str,
    source_label: str,
    source_path: str,
    uploaded_by: User | None,
    now: datetime,
    actor: Acting,
    max_age_days: int | None = None,
    source_sha256: str = "",
) -> VerificationRequest:
    """Ask ``relying`` to verify ``fingerprint`` (lower-case hex, full length) of ``owner`` by phone; return the request.

    An open request about the same fingerprint is returned instead of a second one, with this upload noted in it: one that is
    waiting, verified and young enough, or quarantined (which a new upload alone does not end). ``reading_command`` is what
    the owner runs on their own record. ``max_age_days`` is the agreement's limit.

    Raises ValueError for two organizations that are not the partnership's, and for anything but a full fingerprint.
    """
    if owner == relying or not (partnership.has(owner) and partnership.has(relying)):
        raise ValueError("Owner and relying organization are the two of the partnership.")
    groups.group_count(fingerprint)
    ItemKind(item_kind)
    locks.hold(partnership.pk)
    request = _open_request(relying, item_kind, fingerprint, max_age_days, now=now, actor=actor)
    is_new = request is None
    if request is None:
        request = VerificationRequest(
            partnership=partnership,
            owner=owner,
            relying=relying,
            item_kind=item_kind,
            fingerprint=fingerprint,
            created_at=now,
        )
    if is_new or request.state != State.APPROVED:
        request.label, request.reading_command = label[:200], reading_command[:300]
        request.source_label, request.source_path, request.source_sha256 = source_label, source_path, source_sha256
        request.uploaded_by, request.max_age_days = uploaded_by, max_age_days
        request.save()
    VerificationSource.objects.create(
        request=request, label=source_label, path=source_path, sha256=source_sha256, uploaded_by=uploaded_by, at=now
    )
    if is_new:
        tell("requested", request=request, actor=actor, now=now, source=source_label)
    return request


def _open_request(
    relying: Organization, item_kind: str, fingerprint: str, max_age_days: int | None, *, now: datetime, actor: Acting
) -> VerificationRequest | None:
    found = (
        VerificationRequest.objects.select_for_update()
        .filter(relying=relying, item_kind=item_kind, fingerprint=fingerprint)
        .exclude(state__in=CLOSED)
        .first()
    )
    if found is None or found.state != State.APPROVED or queries.counts(found, now, max_age_days=max_age_days):
        return found
    found.state = rules.next_request_state(found.state, rules.RequestAction.EXPIRE)
    found.save(update_fields=["state"])
    tell("expired", request=found, actor=actor, now=now)
    return None


@transaction.atomic
def withdraw_request(
    *, request: VerificationRequest, actor: Acting, now: datetime, reason: str = ""
) -> VerificationRequest:
    """Withdraw a request because what it is about was withdrawn; a call about it ends. Already withdrawn is fine.

    A quarantined request stays quarantined: the same fingerprint uploaded again must meet the quarantine again. Raises
    Conflict when the fingerprint is already verified.
    """
    request = hold_request(request)
    if request.state in (*CLOSED, State.QUARANTINED):
        return request
    state = rules.next_request_state(request.state, rules.RequestAction.WITHDRAW)
    for call in queries.open_calls(request):
        ending.stop_call(hold_call(call), because=rules.StopReason.WITHDRAWN, actor=actor, now=now)
    request.state = state
    request.save(update_fields=["state"])
    tell("withdrawn", request=request, actor=actor, now=now, reason=reason[:300])
    return request


@transaction.atomic
def unlock(
    *, request: VerificationRequest, contact: Contact, reason: str, actor: Actor, now: datetime
) -> VerificationRequest:
    """Let a quarantined fingerprint be called again, with ``contact``.

    Only a security officer of the relying organization, with a reason, after a fresh upload, and with a contact who took no
    part in the mismatch. Raises NotFound, NotAllowed, StepUpRequired, Invalid and Conflict.
    """
    if actor.organization is None or actor.organization.pk != request.relying_id:
        raise errors.NotFound()
    user = actor.require_person(Right.APPROVE)
    reason = reason_given(reason)
    request = hold_request(request)
    state = rules.next_request_state(request.state, rules.RequestAction.UNLOCK)
    if str(user.pk) in request.uploaders():
        raise people.Missing("uploader_cannot_unlock", "You uploaded this, so you cannot unlock it.").refuse()
    if contact.organization_id != request.owner_id:
        raise errors.NotFound()
    if not queries.was_uploaded_again(request) or contact.pk in queries.barred_contacts(request):
        raise errors.Conflict("Unlock needs a new upload and a different contact.", code="unlock_needs_more")
    request.state = state
    request.save(update_fields=["state"])
    tell("unlocked", request=request, actor=actor, now=now, reason=reason, contact=contact.name)
    verification_unlocked.send(sender=VerificationRequest, request=request, actor=actor, now=now)
    return request


@transaction.atomic
def write_what_happened(*, verification: Verification, text: str, actor: Actor, now: datetime) -> MismatchStatement:
    """Write what happened at a mismatch, once per organization, by one of its officers.

    Raises NotFound for strangers, NotAllowed for others, Conflict when the organization has written already or when there was
    no mismatch, and Invalid for too short a text.
    """
    organization = actor.organization
    if organization is None or not verification.partnership.has(organization):
        raise errors.NotFound()
    user = actor.require_person(Right.APPROVE, step_up=False)
    call = hold_call(verification)
    if call.state != Verification.State.MISMATCH or call.request.is_rehearsal:
        raise errors.Conflict("There was no mismatch in this call.", code="no_mismatch")
    if call.statements.filter(organization=organization).exists():
        raise errors.Conflict("Your organization has already written what happened.", code="already_written")
    if len(text.strip()) < MIN_REASON:
        sentence = "Write what happened and what you did about it."
        raise errors.Invalid(sentence, code="text_missing", fields={"text": [sentence]})
    statement = MismatchStatement.objects.create(
        verification=call, organization=organization, by=user, text=text.strip()[:4000], at=now
    )
    tell("statement_written", request=call.request, call=call, actor=actor, now=now, organization=organization)
    return statement
