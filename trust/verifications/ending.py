"""The four ways in which a call ends: recorded, stopped, a mismatch, or abandoned. Each leaves a record.

These run inside the caller's transaction, on rows that the caller has locked.
"""

from datetime import datetime

from django.db import transaction

from portal.audit.services import Acting
from portal.organizations.acting import PORTAL
from trust.verifications import record, rules
from trust.verifications.groups import ENDED_BECAUSE, Verdict
from trust.verifications.locks import hold_call, tell
from trust.verifications.models import Verification, VerificationRequest
from trust.verifications.signals import verification_quarantined, verification_recorded


def _close(call: Verification, action: rules.CallAction, *, because: str, actor: Acting, now: datetime) -> None:
    call.state = rules.next_call_state(call.state, action)
    call.ended_at, call.ended_because, call.ended_by_label = now, because, actor.label[:200]
    # A code that was not used dies with the call.
    call.call_code = ""
    call.save()


def _advance(request: VerificationRequest, action: rules.RequestAction, **fields: object) -> None:
    request.state = rules.next_request_state(request.state, action)
    for name, value in fields.items():
        setattr(request, name, value)
    request.save(update_fields=["state", *fields])


def stop_call(
    call: Verification, *, because: rules.StopReason, actor: Acting, now: datetime, note: str = ""
) -> Verification:
    """End a booked or running call without a result. Nothing was verified; what was typed is kept."""
    was_running = call.state == Verification.State.IN_PROGRESS
    call.ended_note = note[:300]
    _close(call, rules.CallAction.STOP, because=because.value, actor=actor, now=now)
    tell(
        "stopped" if was_running else "booking_cancelled",
        request=call.request,
        call=call,
        actor=actor,
        now=now,
        reason=because.value,
        note=note[:300],
    )
    if was_running:
        record.write_call(call, now=now)
        if call.request.is_rehearsal:
            _finish_rehearsal(call, actor=actor, now=now)
    return call


def record_call(call: Verification, *, actor: Acting, now: datetime) -> Verification:
    """End a call in which every group matched and both sides pressed "Read back done"."""
    _close(call, rules.CallAction.RECORD, because="matched", actor=actor, now=now)
    _advance(call.request, rules.RequestAction.RECORD)
    written = record.write_call(call, now=now)
    tell(
        "recorded",
        request=call.request,
        call=call,
        actor=actor,
        now=now,
        organization=call.request.relying,
        fingerprint=call.request.fingerprint,
        record_sha256=written.sha256,
    )
    verification_recorded.send(
        sender=VerificationRequest, request=call.request, verification=call, actor=actor, now=now
    )
    return call


def quarantine(call: Verification, *, verdict: Verdict, actor: Acting, now: datetime) -> Verification:
    """End a call because the fingerprints are different, and quarantine what it was about."""
    call.ended_note = ENDED_BECAUSE[verdict]
    _close(call, rules.CallAction.MISMATCH, because=verdict.value, actor=actor, now=now)
    request = call.request
    if request.is_rehearsal:
        record.write_call(call, now=now)
        _finish_rehearsal(call, actor=actor, now=now)
        return call
    _advance(request, rules.RequestAction.QUARANTINE, quarantined_at=now)
    written = record.write_call(call, now=now)
    tell(
        "quarantined",
        request=request,
        call=call,
        actor=actor,
        now=now,
        reason=ENDED_BECAUSE[verdict],
        record_sha256=written.sha256,
    )
    verification_quarantined.send(sender=VerificationRequest, request=request, verification=call, actor=actor, now=now)
    return call


def _finish_rehearsal(call: Verification, *, actor: Acting, now: datetime) -> None:
    _advance(call.request, rules.RequestAction.WITHDRAW)
    tell("rehearsed", request=call.request, call=call, actor=actor, now=now, **record.rehearsal_outcome(call))


@transaction.atomic
def end_if_abandoned(verification: Verification, *, now: datetime) -> bool:
    """End a call that was paused, or left alone, for more than 15 minutes; say whether it was. The portal does it."""
    call = hold_call(verification)
    if call.state != Verification.State.IN_PROGRESS:
        return False
    if call.paused_at is not None:
        abandoned = not rules.may_resume(call.paused_at, now)
    else:
        abandoned = rules.is_idle(call.last_act_at or call.started_at or now, now)
    if abandoned:
        stop_call(call, because=rules.StopReason.TIMED_OUT, actor=PORTAL, now=now)
    return abandoned


def end_abandoned(*, now: datetime) -> int:
    """End every call that was paused or left alone for too long, and return how many ended; idempotent."""
    quiet = Verification.objects.filter(state=Verification.State.IN_PROGRESS, last_act_at__lt=now - rules.IDLE_AFTER)
    return sum(end_if_abandoned(call, now=now) for call in quiet)
