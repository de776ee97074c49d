"""Booking a call: two times are proposed, the other side confirms one."""

from datetime import datetime, timedelta

from django.db import transaction

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships.models import Contact
from trust.verifications import queries, rules
from trust.verifications.calls import may_be_called, take_number
from trust.verifications.locks import hold_call, hold_request, tell
from trust.verifications.models import Verification, VerificationRequest

LATEST = timedelta(days=60)  # further away is a typing slip


@transaction.atomic
def book_call(
    *,
    request: VerificationRequest,
    contact: Contact,
    first_slot: datetime,
    second_slot: datetime | None,
    actor: Actor,
    now: datetime,
) -> Verification:
    """Propose one or two times for a call about ``request``; return the booked call.

    A number that still cools off may be booked for a time at which it will be usable. Raises NotFound, NotAllowed, Invalid for
    times that are past, equal or over 60 days away, and Conflict when a call is booked or running already or the contact
    cannot take it.
    """
    if actor.organization is None or actor.organization.pk != request.relying_id:
        raise errors.NotFound()
    user = actor.require_person(Right.CALL, step_up=False)
    slots = [slot for slot in (first_slot, second_slot) if slot is not None]
    for slot in slots:
        _possible(slot, now)
    if len(set(slots)) != len(slots):
        raise _bad("The two times are the same.")
    request = hold_request(request)
    rules.next_request_state(request.state, rules.RequestAction.RECORD)
    for slot in slots:
        may_be_called(request, contact, user, slot)
    if queries.open_calls(request).exists():
        raise errors.Conflict("A call about this fingerprint is booked or running.", code="call_open")
    call = Verification.objects.create(
        request=request,
        partnership=request.partnership,
        number=take_number(request.partnership),
        state=Verification.State.BOOKED,
        contact=contact,
        booked_by=user,
        first_slot=first_slot,
        second_slot=second_slot,
        booked_for=None,
    )
    tell(
        "booked",
        request=request,
        call=call,
        actor=actor,
        now=now,
        contact=contact.name,
        slots=[slot.isoformat() for slot in slots],
    )
    return call


def _possible(slot: datetime, now: datetime) -> None:
    if slot <= now:
        raise _bad("This time is past.")
    if slot > now + LATEST:
        raise _bad("This time is more than 60 days away.")


def _bad(sentence: str) -> errors.Invalid:
    return errors.Invalid(sentence, code="slot", fields={"first_slot": [sentence]})


@transaction.atomic
def confirm_booking(*, verification: Verification, slot: datetime, actor: Actor, now: datetime) -> Verification:
    """Confirm one of the proposed times, on the owner's side; another time of the two can be chosen until the call starts.

    Raises NotFound, NotAllowed, Invalid for a time that was not proposed, and Conflict when the call is no longer booked.
    """
    if actor.organization is None or actor.organization.pk != verification.request.owner_id:
        raise errors.NotFound()
    user = actor.require_person(Right.READ, step_up=False)
    call = hold_call(verification)
    membership = call.contact.membership
    if not actor.has(Right.CALL) and (membership is None or membership.user_id != user.pk):
        raise errors.NotAllowed(f"{call.contact.name} or a verifier can confirm the time.", code="role_missing")
    if call.state != Verification.State.BOOKED:
        raise errors.Conflict(f"The call is {call.get_state_display().lower()}.", code=f"call_{call.state}")
    if slot not in (call.first_slot, call.second_slot):
        raise _bad("This time was not proposed.")
    if slot <= now:
        raise _bad("This time is past.")
    call.booked_for = slot
    call.save(update_fields=["booked_for"])
    tell("booking_confirmed", request=call.request, call=call, actor=actor, now=now, slot=slot.isoformat())
    return call
