"""Waiving a clause for a while: proposed by one side, agreed by the other. Either side ends it alone."""

from datetime import datetime
from typing import Any

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import locks
from portal.partnerships.models import Partnership
from trust.agreements import queries, rules, signing
from trust.agreements.events import Kind
from trust.agreements.models import Waiver
from trust.agreements.rules import WaiverState


def propose(
    *,
    actor: Actor,
    partnership: Partnership,
    clause: str,
    concerns: Organization,
    reason: str,
    owner: str,
    expires_at: datetime,
    now: datetime,
    certificate_sha256: str = "",
) -> Waiver:
    """Ask the partner to waive a clause for certificates of ``concerns`` until ``expires_at`` (at most a year).

    ``owner`` is who sees to it that the waiver is no longer needed. Raises Invalid with the field that is wrong.
    """
    person = actor.require_person(Right.SIGN_AGREEMENT)
    organization = actor.require(Right.SIGN_AGREEMENT)
    if not partnership.has(organization) or not partnership.has(concerns):
        raise errors.NotFound()
    problem = rules.waiver_problem(clause=clause, reason=reason, owner=owner, expires_at=expires_at, now=now)
    if problem:
        raise errors.Invalid(problem.sentence, code="waiver_not_usable", fields={problem.path: [problem.sentence]})
    signing.refuse_private_keys(f"{reason}\n{owner}", field="reason")
    if certificate_sha256 and not rules.is_sha256(certificate_sha256):
        sentence = "The fingerprint of a certificate is the SHA-256 of its DER: 64 hexadecimal digits."
        raise errors.Invalid(sentence, code="waiver_not_usable", fields={"certificate_sha256": [sentence]})
    with transaction.atomic():
        waiver = Waiver.objects.create(
            partnership=partnership,
            clause=clause,
            concerns=concerns,
            certificate_sha256=certificate_sha256,
            reason=reason.strip(),
            owner=owner.strip(),
            expires_at=expires_at,
            state=WaiverState.PROPOSED,
            proposed_by=organization,
            proposed_by_person=person,
            created_at=now,
        )
        _record(Kind.WAIVER_PROPOSED, actor=actor, waiver=waiver, now=now)
    return waiver


def decide(*, actor: Actor, waiver: Waiver, agree: bool, now: datetime) -> Waiver:
    """Agree to the partner's waiver or decline it. Raises Conflict for one's own, a decided or an expired one."""
    person = actor.require_person(Right.SIGN_AGREEMENT)
    with transaction.atomic():
        waiver = _locked(waiver, actor.require(Right.SIGN_AGREEMENT))
        _refuse_undecidable(waiver, actor, now)
        waiver.state = WaiverState.AGREED if agree else WaiverState.DECLINED
        waiver.decided_at, waiver.decided_by_person = now, person
        waiver.save(update_fields=["state", "decided_at", "decided_by_person"])
        _record(Kind.WAIVER_AGREED if agree else Kind.WAIVER_DECLINED, actor=actor, waiver=waiver, now=now)
    return waiver


def end(*, actor: Actor, waiver: Waiver, now: datetime) -> Waiver:
    """End a waiver before its day, or take back a proposal. Raises Conflict when it is over already."""
    actor.require_person(Right.SIGN_AGREEMENT, step_up=False)
    with transaction.atomic():
        organization = actor.require(Right.SIGN_AGREEMENT)
        waiver = _locked(waiver, organization)
        open_states = {WaiverState.AGREED, WaiverState.PROPOSED}
        if waiver.state not in open_states:
            raise errors.Conflict("The waiver is over already.", code="waiver_over")
        if waiver.state == WaiverState.PROPOSED and waiver.proposed_by_id != organization.pk:
            raise errors.Conflict("It only waits for your answer.", code="waiver_open", fix="Decline it instead.")
        waiver.state, waiver.ended_at = WaiverState.ENDED, now
        waiver.save(update_fields=["state", "ended_at"])
        _record(Kind.WAIVER_ENDED, actor=actor, waiver=waiver, now=now)
    return waiver


def _locked(waiver: Waiver, organization: Organization) -> Waiver:
    locked = queries.waiver(organization, waiver.pk)
    locks.hold(locked.partnership_id)
    return Waiver.objects.select_for_update(no_key=True).get(pk=locked.pk)


def _refuse_undecidable(waiver: Waiver, actor: Actor, now: datetime) -> None:
    if actor.organization is None or waiver.proposed_by_id == actor.organization.pk:
        raise errors.Conflict("The other side agrees to a waiver, not the one that asks for it.", code="own_waiver")
    if waiver.state != WaiverState.PROPOSED:
        raise errors.Conflict("The waiver was decided already.", code="waiver_decided")
    if waiver.expires_at <= now:
        raise errors.Conflict("The waiver would be over already.", code="waiver_expired", fix="Propose a new one.")


def _record(kind: Kind, *, actor: Actor, waiver: Waiver, now: datetime) -> None:
    data: dict[str, Any] = {
        "clause": waiver.clause,
        "concerns": waiver.concerns.slug,
        "certificate_sha256": waiver.certificate_sha256,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires_at": waiver.expires_at.isoformat(),
    }
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=actor.organization.pk if actor.organization else None,
        partnership_id=waiver.partnership_id,
        subject=("waiver", waiver.pk),
        data=data,
    )
