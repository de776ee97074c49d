"""Running a call: start, join, match the code, name the source, pause, resume and stop."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.db.models import F

from portal import errors, sealing
from portal.audit.services import Acting
from portal.organizations.acting import Actor
from portal.organizations.models import Organization, User
from portal.organizations.rules import ROLE_LABELS, Right, Role
from portal.partnerships.models import Contact, Partnership
from trust.verifications import ending, people, queries, rules, script
from trust.verifications.locks import as_reader, as_verifier, hold_call, hold_request, running, tell
from trust.verifications.models import Verification, VerificationRequest

State = Verification.State
P = ParamSpec("P")
R = TypeVar("R")


def take_number(partnership: Partnership) -> int:
    """Return the next verification number of a partnership; numbers have no gaps."""
    Partnership.objects.filter(pk=partnership.pk).update(last_verification_number=F("last_verification_number") + 1)
    return Partnership.objects.values_list("last_verification_number", flat=True).get(pk=partnership.pk)


def in_a_running_call(function: Callable[P, R]) -> Callable[P, R]:
    """Run a service in one transaction, after ending the call if it was paused or left alone for over 15 minutes.

    That end commits by itself, so the service then refuses with the call's new state.
    """

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        verification, now = kwargs["verification"], kwargs["now"]
        assert isinstance(verification, Verification)
        assert isinstance(now, datetime)
        ending.end_if_abandoned(verification, now=now)
        with transaction.atomic():
            return function(*args, **kwargs)

    return wrapper


def _role(actor: Actor) -> str:
    return ROLE_LABELS[Role(actor.membership.role)] if actor.membership else ""


# --- Start --------------------------------------------------------------------------------------------------------------------
def start_call(
    *,
    request: VerificationRequest,
    contact: Contact,
    actor: Actor,
    now: datetime,
    call_type: str = rules.CallType.PHONE,
    continues: Verification | None = None,
) -> Verification:
    """Start the clock of a call to ``contact`` about ``request``; the acting person will type. Return the running call.

    A booked call about the request becomes the running one; one that was left alone for over 15 minutes is ended first. With
    ``continues``, a call of the same two people that was recorded within the last 15 minutes, nobody dials again.

    Raises NotFound for strangers, NotAllowed (role, uploader, token), and Conflict: another call is running, the number cannot
    be used, the contact has no login or took part in a mismatch, the request is not waiting, the partnership is suspended.
    """
    if actor.organization is None or actor.organization.pk != request.relying_id:
        raise errors.NotFound()
    user = actor.require_person(Right.CALL, step_up=False)
    for call in queries.open_calls(request).filter(state=State.IN_PROGRESS):
        ending.end_if_abandoned(call, now=now)
    with transaction.atomic():
        request = hold_request(request)
        _may_start(request, contact, user, now)
        call = _open_call(request, contact, user)
        call.contact, call.verifier, call.call_type = contact, user, rules.CallType(call_type).value
        call.number_dialed, call.script = contact.phone, script.VERSION
        call.verifier_role, call.verifier_sign_in = _role(actor), actor.sign_in_method
        call.started_at = call.last_act_at = now
        if continues is not None:
            _continue(call, continues, now)
        call.save()
        tell("call_started", request=request, call=call, actor=actor, now=now, contact=contact.name)
    return call


def _may_start(request: VerificationRequest, contact: Contact, user: User, now: datetime) -> None:
    rules.next_request_state(request.state, rules.RequestAction.RECORD)
    if request.partnership.state in (Partnership.State.SUSPENDED, Partnership.State.ENDED):
        label = request.partnership.get_state_display().lower()
        raise errors.Conflict(f"The partnership is {label}.", code="partnership_closed")
    if missing := people.why_not_verify(str(user.pk), people.Roles(request.uploaders())):
        raise missing.refuse()
    may_be_called(request, contact, user, now)


def may_be_called(request: VerificationRequest, contact: Contact, user: User, now: datetime) -> None:
    """Raise NotFound, Conflict or NotAllowed unless ``contact`` can be called about ``request`` by ``user``."""
    if contact.organization_id != request.owner_id:
        raise errors.NotFound()
    if obstacle := contact.obstacle_at(now):
        raise errors.Conflict(
            f"{obstacle.heading} {obstacle.sentence}", code=obstacle.code, fix=use_instead(request, contact, now)
        )
    if contact.membership is None:
        raise errors.Conflict(
            f"{contact.name} cannot sign in, so there is no call code to match.",
            code="contact_without_login",
            fix=use_instead(request, contact, now),
        )
    if contact.pk in queries.barred_contacts(request):
        raise errors.Conflict(
            f"{contact.name} took the call that ended in a mismatch.",
            code="contact_barred",
            fix=use_instead(request, contact, now),
        )
    roles = people.Roles(request.uploaders(), verifier=str(user.pk))
    if people.why_not_read(str(contact.membership.user_id), roles):
        raise errors.Conflict(
            f"{contact.name} uploaded this or would call themselves, so somebody else must read it.",
            code="contact_cannot_read",
            fix=use_instead(request, contact, now),
        )


def use_instead(request: VerificationRequest, contact: Contact, now: datetime) -> str:
    """Return whom to call in place of ``contact``, in words."""
    others = [other.name for other in queries.choose_contacts(request, now) if other.pk != contact.pk]
    return f"Use {others[0]} today." if others else "Numbers that are not in the directory cannot be used."


def _open_call(request: VerificationRequest, contact: Contact, user: User) -> Verification:
    call = queries.open_calls(request).first()
    if call is None:
        return Verification(
            request=request,
            partnership=request.partnership,
            number=take_number(request.partnership),
            state=State.IN_PROGRESS,
            contact=contact,
        )
    if call.state == State.IN_PROGRESS:
        who = "You are" if call.verifier_id == user.pk else f"{call.verifier} is"
        raise errors.Conflict(
            f"{who} in a call about this fingerprint.", code="call_running", extra={"number": call.number}
        )
    call.request, call.partnership = request, request.partnership
    call.state = rules.next_call_state(call.state, rules.CallAction.START)
    return call


def _continue(call: Verification, before: Verification, now: datetime) -> None:
    """Carry the phone call over from ``before``: another fingerprint, or the other direction.

    With the same reader, the code stays matched. When the roles swap, the new reader's own session must show a new code.
    """
    contact_user = call.contact.membership.user_id if call.contact.membership else None
    same = (before.verifier_id, before.reader_id) == (call.verifier_id, contact_user)
    swapped = (before.reader_id, before.verifier_id) == (call.verifier_id, contact_user)
    if (
        not queries.shares_phone_call(before, now)
        or before.partnership_id != call.partnership_id
        or not (same or swapped)
    ):
        raise errors.Conflict(
            "This does not continue that call: dial the number from the directory.", code="not_continued"
        )
    call.continues = before
    if same:
        call.reader_id, call.reader_role, call.reader_sign_in = (
            before.reader_id,
            before.reader_role,
            before.reader_sign_in,
        )
        call.reader_session = before.reader_session
        call.joined_at = call.code_matched_at = now


# --- Call code ----------------------------------------------------------------------------------------------------------------
@in_a_running_call
def join_call(*, verification: Verification, actor: Actor, now: datetime, session: str = "") -> str:
    """Press "I am on the call": return the 4-digit call code, which belongs to the acting person and to ``session``.

    ``session`` is the SHA-256 of the session's key. Joining again makes a new code, and the old one is worth nothing.

    Raises NotFound for strangers, NotAllowed for anybody but the contact who was called, the uploader and tokens, and
    Conflict when the call is not running or the code was matched already.
    """
    call = hold_call(verification)
    user = as_reader(call, actor)
    running(call)
    if missing := people.why_not_read(str(user.pk), call.roles()):
        raise missing.refuse()
    if call.code_matched_at is not None:
        raise errors.Conflict("The call code was matched already.", code="code_matched")
    if call.reader_id not in (None, user.pk):
        raise errors.Conflict(f"{call.reader} took this call and must go on with it.", code="another_reader")
    code = f"{secrets.randbelow(10**rules.CODE_DIGITS):0{rules.CODE_DIGITS}d}"
    call.reader, call.reader_role, call.reader_sign_in = user, _role(actor), actor.sign_in_method
    call.call_code, call.reader_session = sealing.seal(code), session
    call.joined_at = call.last_act_at = now
    call.save()
    tell("joined", request=call.request, call=call, actor=actor, now=now)
    return code


@dataclass(frozen=True)
class CodeResult:
    """What a typed call code led to. ``tries_left`` is 0 when the call has ended."""

    matched: bool
    tries_left: int
    call: Verification
    alternatives: tuple[Contact, ...] = ()


@in_a_running_call
def enter_call_code(*, verification: Verification, code: str, actor: Actor, now: datetime) -> CodeResult:
    """Compare the code that the verifier heard with the one in the contact's session. The third miss ends the call.

    A code works once. Raises NotFound, NotAllowed, Invalid for anything but 4 digits (no try), and Conflict when nobody has
    joined (no try) or the call is at another step.
    """
    call = running(hold_call(verification))
    as_verifier(call, actor)
    rules.require_step(call.progress(), rules.Step.CODE)
    digits = "".join(code.split())
    if len(digits) != rules.CODE_DIGITS or not digits.isascii() or not digits.isdigit():
        raise errors.Invalid("The call code has 4 digits.", code="not_a_code", fields={"code": ["Type 4 digits."]})
    if not call.call_code:
        raise errors.Conflict(
            f"{call.contact.name} has not pressed “I am on the call” yet.",
            code="not_joined",
            fix="Ask them to sign in and press it.",
        )
    call.last_act_at = now
    if hmac.compare_digest(digits.encode(), sealing.unseal(call.call_code).encode()):
        call.call_code, call.code_matched_at = "", now
        call.save()
        tell("code_matched", request=call.request, call=call, actor=actor, now=now)
        return CodeResult(True, rules.CODE_TRIES - call.code_misses, call)
    return _wrong_code(call, actor, now)


def _wrong_code(call: Verification, actor: Actor, now: datetime) -> CodeResult:
    call.code_misses += 1
    call.save()
    left = rules.CODE_TRIES - call.code_misses
    tell("code_wrong", request=call.request, call=call, actor=actor, now=now, tries_left=left)
    if left > 0:
        return CodeResult(False, left, call)
    ending.stop_call(call, because=rules.StopReason.CODE_WRONG, actor=actor, now=now)
    others = [other for other in queries.choose_contacts(call.request, now) if other.pk != call.contact_id]
    return CodeResult(False, 0, call, tuple(others))


@in_a_running_call
def name_source(
    *, verification: Verification, source: str, actor: Actor, now: datetime, note: str = ""
) -> Verification:
    """Store which record of their own the owner reads from. Raises NotFound, NotAllowed, Conflict and Invalid."""
    call = running(hold_call(verification))
    as_verifier(call, actor)
    rules.require_step(call.progress(), rules.Step.SOURCE)
    if source not in [each.value for each in rules.Source]:
        sentence = "Choose the record that they read from."
        raise errors.Invalid(sentence, code="source_missing", fields={"source": [sentence]})
    call.reads_from, call.reads_from_note, call.last_act_at = source, note.strip()[:200], now
    call.save()
    tell("source_named", request=call.request, call=call, actor=actor, now=now, reads_from=source)
    return call


# --- Pause, resume, stop ------------------------------------------------------------------------------------------------------
def _pause(call: Verification, *, why: str, actor: Acting, now: datetime) -> None:
    call.paused_at = call.last_act_at = now
    call.call_code, call.reader_session, call.code_matched_at = "", "", None
    call.save()
    tell("paused", request=call.request, call=call, actor=actor, now=now, reason=why)


@in_a_running_call
def pause(*, verification: Verification, actor: Actor, now: datetime) -> Verification:
    """Pause a call whose line dropped: matched groups stay, the call code does not. Either side can.

    Raises NotFound, NotAllowed and Conflict.
    """
    call = running(hold_call(verification))
    _one_of_the_two(call, actor)
    _pause(call, why="pressed", actor=actor, now=now)
    return call


@in_a_running_call
def resume(*, verification: Verification, actor: Actor, now: datetime) -> Verification:
    """Go on with a paused call within 15 minutes, with the same two people and a new call code.

    Raises NotFound, NotAllowed (another verifier) and Conflict (not paused, or too late: then the call has ended).
    """
    call = hold_call(verification)
    as_verifier(call, actor)
    if call.state != State.IN_PROGRESS or call.paused_at is None:
        label = "not paused" if call.state == State.IN_PROGRESS else call.get_state_display().lower()
        raise errors.Conflict(
            f"The call is {label}.", code="not_paused", fix="Start a new call." * (label == "stopped")
        )
    call.pauses = [*call.pauses, {"from": call.paused_at.isoformat(), "to": now.isoformat()}]
    call.paused_at, call.last_act_at = None, now
    call.save()
    tell("resumed", request=call.request, call=call, actor=actor, now=now)
    return call


@transaction.atomic
def stop(*, verification: Verification, actor: Actor, now: datetime, reason: str, note: str = "") -> Verification:
    """End a booked or running call at once; everything typed is kept and nothing is verified.

    The two people of the call can, and the officers of both organizations. Raises NotFound, NotAllowed, Conflict (ended
    already) and Invalid for an unknown reason.
    """
    call = hold_call(verification)
    if not actor.has(Right.APPROVE) or actor.user is None or not call.partnership.has(_organization(actor)):
        _one_of_the_two(call, actor)
    if reason not in (*rules.STOP_CHOICES, rules.StopReason.NO_ANSWER):
        sentence = "Say why the call stops."
        raise errors.Invalid(sentence, code="reason_missing", fields={"reason": [sentence]})
    rules.next_call_state(call.state, rules.CallAction.STOP)
    return ending.stop_call(call, because=rules.StopReason(reason), actor=actor, now=now, note=note.strip())


def _organization(actor: Actor) -> Organization:
    if actor.organization is None:
        raise errors.NotFound()
    return actor.organization


def _one_of_the_two(call: Verification, actor: Actor) -> None:
    if _organization(actor) == call.request.relying:
        as_verifier(call, actor)
    else:
        as_reader(call, actor)


def contact_became_unusable(*, contact: Contact, actor: Acting, now: datetime) -> None:
    """End the running and booked calls to a contact who was retired, or whose number was changed or reported as wrong."""
    for call in Verification.objects.filter(contact=contact, state__in=queries.OPEN):
        ending.stop_call(hold_call(call), because=rules.StopReason.CONTACT_UNUSABLE, actor=actor, now=now)


def reader_signed_out(*, session: str, actor: Acting, now: datetime) -> None:
    """Pause the running calls whose code was shown in a session that has just ended: the voice is no longer tied to it."""
    for call in Verification.objects.filter(reader_session=session, state=State.IN_PROGRESS, paused_at=None):
        with transaction.atomic():
            held = hold_call(call)
            if held.state == State.IN_PROGRESS and held.paused_at is None:
                _pause(held, why="signed_out", actor=actor, now=now)
