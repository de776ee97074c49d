"""Reading requests and calls, always from the point of view of one organization."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from portal import errors, sealing
from portal.organizations import queries as people
from portal.organizations.acting import Actor
from portal.organizations.models import Organization, User
from portal.partnerships import contact_queries
from portal.partnerships.models import Contact, Partnership
from trust.pki import fingerprints
from trust.verifications import rules
from trust.verifications.models import ItemKind, Verification, VerificationRequest

State = VerificationRequest.State
OPEN = (Verification.State.BOOKED, Verification.State.IN_PROGRESS)


def request_for(relying: Organization, item_kind: str, fingerprint: str) -> VerificationRequest | None:
    """Return the open request of ``relying`` about a fingerprint (lower-case hex), in whatever state, or None."""
    return (
        VerificationRequest.objects.filter(relying=relying, item_kind=item_kind, fingerprint=fingerprint)
        .exclude(state__in=[State.WITHDRAWN, State.EXPIRED])
        .select_related("approved_by", "partnership", "owner", "relying")
        .first()
    )


def requests_about(item_kind: str, fingerprints: Iterable[str]) -> dict[tuple[uuid.UUID, str], VerificationRequest]:
    """Return the open requests about many fingerprints, by the relying organization's id and the fingerprint, in one query."""
    found = (
        VerificationRequest.objects.filter(item_kind=item_kind, fingerprint__in=list(fingerprints))
        .exclude(state__in=[State.WITHDRAWN, State.EXPIRED])
        .select_related("approved_by", "partnership", "owner", "relying")
    )
    return {(each.relying_id, each.fingerprint): each for each in reversed(found)}


def counts(request: VerificationRequest, now: datetime, *, max_age_days: int | None = None) -> bool:
    """Say whether the request is approved and young enough, under its own age limit and ``max_age_days``."""
    if request.state != State.APPROVED or request.approved_at is None:
        return False
    limits = (request.max_age_days, max_age_days)
    return all(rules.counts_at(request.approved_at, limit, now) for limit in limits)


def is_verified(
    relying: Organization, item_kind: str, fingerprint: str, now: datetime, *, max_age_days: int | None = None
) -> bool:
    """Say whether ``relying`` has verified the fingerprint, by a call and a second person, and not too long ago.

    ``max_age_days`` is the limit of the agreement in force now; the limit at the time of the request counts as well.
    """
    if item_kind == ItemKind.REHEARSAL:
        return False
    request = request_for(relying, item_kind, fingerprint)
    return request is not None and counts(request, now, max_age_days=max_age_days)


def approved_record(relying: Organization, item_kind: str, fingerprint: str) -> Verification | None:
    """Return the recorded call behind an approved request, or None."""
    return (
        Verification.objects.filter(
            request__relying=relying,
            request__item_kind=item_kind,
            request__fingerprint=fingerprint,
            request__state=State.APPROVED,
            state=Verification.State.RECORDED,
        )
        .select_related("request", "partnership", "verifier", "reader", "contact")
        .order_by("-number")
        .first()
    )


def requests_of(organization: Organization) -> QuerySet[VerificationRequest]:
    """Return the requests that an organization is part of, as owner or as relying, newest first."""
    return (
        VerificationRequest.objects.filter(Q(relying=organization) | Q(owner=organization))
        .select_related("partnership", "owner", "relying", "uploaded_by", "approved_by")
        .order_by("-created_at")
    )


def get_request(organization: Organization, request_id: uuid.UUID | str) -> VerificationRequest:
    """Return one request. Raises NotFound for strangers as for what does not exist."""
    found = requests_of(organization).filter(pk=request_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def calls_of(organization: Organization) -> QuerySet[Verification]:
    """Return the calls that an organization is part of, newest first."""
    return (
        Verification.objects.filter(Q(request__relying=organization) | Q(request__owner=organization))
        .select_related(
            "request__owner",
            "request__relying",
            "request__approved_by",
            "partnership",
            "verifier",
            "reader",
            "contact__membership__user",
            "contact__organization",
            "continues",
            "booked_by",
        )
        .prefetch_related("groups")
    )


def get_call(organization: Organization, partnership: Partnership, number: int) -> Verification:
    """Return one call by its number. Raises NotFound for strangers as for what does not exist."""
    found = calls_of(organization).filter(partnership=partnership, number=number).first()
    if found is None:
        raise errors.NotFound()
    return found


def open_calls(request: VerificationRequest) -> QuerySet[Verification]:
    """Return the booked or running call about a request; there is at most one."""
    return Verification.objects.filter(request=request, state__in=OPEN)


def waiting_for(organization: Organization) -> QuerySet[VerificationRequest]:
    """Return the requests about which ``organization`` must call, approve, or look into a mismatch, oldest first."""
    waiting = Q(state__in=[State.WAITING, State.RECORDED, State.QUARANTINED])
    return requests_of(organization).filter(waiting, relying=organization).order_by("created_at")


def calls_to_join(user: User, organization: Organization) -> QuerySet[Verification]:
    """Return the booked and running calls in which ``user`` is the contact who reads."""
    return calls_of(organization).filter(state__in=OPEN, request__owner=organization, contact__membership__user=user)


def mismatches_without_statement(organization: Organization) -> QuerySet[Verification]:
    """Return the mismatches about which no officer of ``organization`` has written yet; they come first in its inbox."""
    return (
        calls_of(organization)
        .filter(state=Verification.State.MISMATCH)
        .exclude(request__item_kind=ItemKind.REHEARSAL)
        .exclude(statements__organization=organization)
    )


def barred_contacts(request: VerificationRequest) -> set[uuid.UUID]:
    """Return the contacts who took part in a mismatch about this fingerprint."""
    return set(
        Verification.objects.filter(request=request, state=Verification.State.MISMATCH).values_list(
            "contact_id", flat=True
        )
    )


def was_uploaded_again(request: VerificationRequest) -> bool:
    """Say whether the fingerprint was uploaded again after its quarantine."""
    return request.quarantined_at is not None and request.sources.filter(at__gt=request.quarantined_at).exists()


def recorded_call(request: VerificationRequest) -> Verification | None:
    """Return the latest call in which everything matched, or None."""
    return (
        Verification.objects.filter(request=request, state=Verification.State.RECORDED)
        .select_related("request", "verifier", "reader")
        .order_by("-number")
        .first()
    )


def officers_who_can_approve(request: VerificationRequest) -> list[User]:
    """Return the security officers of the relying organization who may approve: nobody who took another part."""
    call = recorded_call(request)
    taken = set(request.uploaders())
    if call is not None:
        taken |= {str(call.verifier_id), str(call.reader_id)}
    return [
        membership.user for membership in people.officers_of(request.relying) if str(membership.user_id) not in taken
    ]


def choose_contacts(request: VerificationRequest, now: datetime) -> list[Contact]:
    """Return the owner's contacts who can read this fingerprint aloud now, the primary first."""
    barred = barred_contacts(request)
    uploaders = request.uploaders()
    return [
        contact
        for contact in contact_queries.callable_at(contact_queries.of(request.owner), now)
        if contact.membership is not None
        and contact.pk not in barred
        and str(contact.membership.user_id) not in uploaders
    ]


def shown_fingerprint(request: VerificationRequest, organization: Organization) -> str:
    """Return the fingerprint as members of ``organization`` may see it: short until the call is recorded.

    This guards against typing from the screen; it is no secret.
    """
    if organization.pk == request.owner_id or request.state in (State.RECORDED, State.APPROVED, State.EXPIRED):
        return fingerprints.grouped(request.fingerprint)
    return fingerprints.short(request.fingerprint)


def code_to_say(call: Verification, actor: Actor, session: str) -> str:
    """Return the call code, to the person and session that it was made for; "" for everybody else."""
    mine = actor.user is not None and actor.user.pk == call.reader_id and call.reader_session == session
    return sealing.unseal(call.call_code) if mine and call.call_code else ""


def shares_phone_call(call: Verification, now: datetime) -> bool:
    """Say whether the people of an ended call may go on with another fingerprint without dialing again."""
    return (
        call.state == Verification.State.RECORDED
        and call.ended_at is not None
        and now <= call.ended_at + rules.CONTINUE_WITHIN
    )


def rehearsals(organization: Organization, partnership: Partnership) -> list[Verification]:
    """Return the rehearsals of a partnership that have ended, newest first, with their records."""
    return list(
        calls_of(organization)
        .filter(partnership=partnership, request__item_kind=ItemKind.REHEARSAL, ended_at__isnull=False)
        .prefetch_related("records")[:20]
    )


def next_in_the_same_call(call: Verification, organization: Organization, now: datetime) -> list[VerificationRequest]:
    """Return what the verifier of ``organization`` can go on with without dialing again, in either direction."""
    if not shares_phone_call(call, now) or call.request.is_rehearsal:
        return []
    return list(
        requests_of(organization)
        .filter(partnership=call.partnership, relying=organization, state=State.WAITING)
        .exclude(item_kind=ItemKind.REHEARSAL)
        .order_by("created_at")[:10]
    )
