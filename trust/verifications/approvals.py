"""The second person: an officer of the relying organization approves or declines a recorded call."""

import hmac
from datetime import datetime

from django.db import transaction

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.models import User
from portal.organizations.rules import ROLE_LABELS, Right, Role
from trust.verifications import people, queries, record, rules
from trust.verifications.locks import hold_request, tell
from trust.verifications.models import Verification, VerificationRequest
from trust.verifications.requests import reason_given
from trust.verifications.signals import verification_approved, verification_declined


@transaction.atomic
def approve(
    *, request: VerificationRequest, actor: Actor, now: datetime, reason: str, record_sha256: str = ""
) -> VerificationRequest:
    """Approve the recorded call about a fingerprint, so that it is verified for the relying organization.

    The officer is not the verifier, the reader or an uploader, as a person, whichever membership they act with, and gave a
    second factor just now. ``record_sha256`` is the digest of the record that the officer looked at.

    Raises NotFound for strangers, NotAllowed, StepUpRequired, Invalid (no reason) and Conflict (not waiting for approval, or
    another record than the one that was shown).
    """
    request, call, user = _decide(request, actor, record_sha256)
    reason = reason_given(reason)
    request.state = rules.next_request_state(request.state, rules.RequestAction.APPROVE)
    request.approved_at, request.approved_by = now, user
    request.save(update_fields=["state", "approved_at", "approved_by"])
    _write(request, call, actor, "approved", reason, now)
    verification_approved.send(sender=VerificationRequest, request=request, verification=call, actor=actor, now=now)
    return request


@transaction.atomic
def decline(
    *, request: VerificationRequest, actor: Actor, now: datetime, reason: str, record_sha256: str = ""
) -> VerificationRequest:
    """Decline the recorded call, with a reason; the fingerprint waits for another call. Raises as ``approve``."""
    request, call, _ = _decide(request, actor, record_sha256)
    reason = reason_given(reason)
    request.state = rules.next_request_state(request.state, rules.RequestAction.DECLINE)
    request.save(update_fields=["state"])
    _write(request, call, actor, "declined", reason, now)
    verification_declined.send(sender=VerificationRequest, request=request, verification=call, actor=actor, now=now)
    return request


def _decide(
    request: VerificationRequest, actor: Actor, record_sha256: str
) -> tuple[VerificationRequest, Verification, User]:
    if actor.organization is None or actor.organization.pk != request.relying_id:
        raise errors.NotFound()
    user = actor.require_person(Right.APPROVE)
    request = hold_request(request)
    rules.next_request_state(request.state, rules.RequestAction.APPROVE)
    call = queries.recorded_call(request)
    assert call is not None
    call.request = request
    if missing := why_not(request, call, user):
        raise missing.refuse()
    shown = call.records.get(part=record.Part.CALL).sha256
    if record_sha256 and not hmac.compare_digest(record_sha256, shown):
        raise errors.Conflict(
            "This is not the record that you looked at.",
            code="another_record",
            fix="Reload the page and read it again.",
        )
    return request, call, user


def why_not(request: VerificationRequest, call: Verification, user: User) -> people.Missing | None:
    """Return why ``user`` cannot approve, with the names of those who can; None when they can."""
    others = [officer.name for officer in queries.officers_who_can_approve(request)]
    return people.why_not_approve(str(user.pk), call.roles(), others=others)


def _write(
    request: VerificationRequest, call: Verification, actor: Actor, decision: str, reason: str, now: datetime
) -> None:
    shown = call.records.get(part=record.Part.CALL).sha256
    assert actor.user is not None
    document = {
        "format": record.FORMAT,
        "id": str(call.pk),
        "number": call.number,
        "record_sha256": shown,
        "decision": decision,
        "reason": reason,
        "by": {
            "id": str(actor.user.pk),
            "name": actor.label,
            "role": ROLE_LABELS[Role(actor.membership.role)] if actor.membership else "",
            "sign_in": actor.sign_in_method,
        },
        "at": now.isoformat(),
    }
    written = record.write_decision(call, document, now=now)
    tell(
        decision,
        request=request,
        call=call,
        actor=actor,
        now=now,
        reason=reason,
        record_sha256=shown,
        decision_sha256=written.sha256,
    )
