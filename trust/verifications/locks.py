"""Taking rows for writing, always the partnership, then the request, then its call, so that two acts cannot wait for each other."""

from datetime import datetime

from portal import errors
from portal.audit.services import Acting, record
from portal.organizations.acting import Actor
from portal.organizations.models import User
from portal.organizations.rules import Right
from portal.partnerships import locks
from trust.verifications.models import Verification, VerificationRequest


def hold_request(request: VerificationRequest) -> VerificationRequest:
    """Lock a request and its partnership until the transaction ends and return it as it is now."""
    locks.hold(VerificationRequest.objects.values_list("partnership_id", flat=True).get(pk=request.pk))
    return (
        VerificationRequest.objects.select_for_update(of=("self",))
        .select_related("partnership", "owner", "relying")
        .get(pk=request.pk)
    )


def hold_call(verification: Verification) -> Verification:
    """Lock a call and its request until the transaction ends; return the call, with its request, as they are now."""
    request = hold_request(VerificationRequest(pk=verification.request_id))
    call = (
        Verification.objects.select_for_update(of=("self",))
        .select_related("contact__organization", "contact__membership__user", "verifier", "reader", "partnership")
        .get(pk=verification.pk)
    )
    call.request = request
    return call


def running(call: Verification) -> Verification:
    """Return the call if it is running. Raises Conflict when it has ended, was not started, or is paused."""
    if call.state != Verification.State.IN_PROGRESS:
        label = call.get_state_display().lower()
        raise errors.Conflict(f"The call is {label}.", code=f"call_{call.state}", fix="See its record.")
    if call.paused_at is not None:
        raise errors.Conflict("The call is paused.", code="call_paused", fix="Call the same number again and go on.")
    return call


def as_verifier(call: Verification, actor: Actor) -> User:
    """Return the acting person if it is the call's verifier.

    Raises NotFound for another organization, NotAllowed for tokens and for anybody else: a call has one verifier.
    """
    user = actor.require_person(Right.READ, step_up=False)
    if actor.organization != call.request.relying:
        raise errors.NotFound()
    actor.require_person(Right.CALL, step_up=False)
    if user.pk != call.verifier_id:
        raise errors.NotAllowed(
            f"{call.verifier} makes this call, so nobody else can type.", code="another_verifier", fix="Watch, or wait."
        )
    return user


def as_reader(call: Verification, actor: Actor) -> User:
    """Return the acting person if it is the contact who was called, in their own login.

    Raises NotFound for another organization and NotAllowed for tokens and for anybody else.
    """
    user = actor.require_person(Right.READ, step_up=False)
    if actor.organization != call.request.owner:
        raise errors.NotFound()
    membership = call.contact.membership
    if membership is None or actor.membership is None or membership.pk != actor.membership.pk:
        raise errors.NotAllowed(
            f"This call is with {call.contact.name}, who must be signed in to join it.", code="another_contact"
        )
    return user


def tell(
    kind: str,
    *,
    request: VerificationRequest,
    actor: Acting,
    now: datetime,
    organization: object = None,
    call: Verification | None = None,
    **data: object,
) -> None:
    """Record one event about a request or its call for both organizations. ``data`` never holds what is still to be typed."""
    facts: dict[str, object] = {"request": str(request.pk), "label": request.label, "item": request.item_kind}
    if call is not None:
        facts["number"] = call.number
    if request.is_rehearsal:
        facts["rehearsal"] = True
    record(
        f"verification.{kind}",
        now=now,
        actor=actor,
        organization_id=getattr(organization or getattr(actor, "organization", None) or request.relying, "pk", None),
        partnership_id=request.partnership_id,
        subject=("verification", call.pk) if call is not None else ("verification_request", request.pk),
        data=facts | data,
    )
