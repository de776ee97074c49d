"""Writing, signing and ending agreements.

1. An officer drafts terms; only their own organization sees the draft.
2. Their side signs the canonical bytes offline with OpenPGP and uploads the signature: the version waits for the partner.
3. The partner signs the same bytes: the version is in force, and the one before is replaced. Or it sends other terms back,
   which replaces the waiting version.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from portal import errors
from portal.audit import services as audit
from portal.audit.models import Audience
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import locks
from portal.partnerships.models import Partnership
from portal.words import concealed
from trust.agreements import queries, rules, signing
from trust.agreements.events import Kind
from trust.agreements.models import Agreement, AgreementSignature
from trust.agreements.rules import State
from trust.pki.openpgp.verdicts import SignatureReport


def draft(
    *, actor: Actor, partnership: Partnership, terms: Mapping[str, Any], now: datetime, message: str = ""
) -> Agreement:
    """Write the organization's draft of new terms, replacing its earlier draft.

    ``terms`` is the ``terms`` member of the document. Raises Invalid with the places that are wrong, NotAllowed without the
    right, and Conflict when the partnership has ended.
    """
    organization = actor.require(Right.SIGN_AGREEMENT)
    signing.refuse_private_keys(message, field="message")
    with transaction.atomic():
        partnership = locks.hold_open(partnership, organization)
        agreement = _own_draft(partnership, organization) or Agreement(
            partnership=partnership,
            version=_next_version(partnership),
            state=State.DRAFT,
            proposed_by=organization,
            created_at=now,
        )
        content = _document(partnership, agreement.version, terms)
        agreement.document, agreement.sha256 = content, rules.sha256(content)
        agreement.message, agreement.drafted_by = message, actor.user  # type: ignore[assignment]
        agreement.counters = _waiting(partnership)
        agreement.save()
        _record(Kind.DRAFTED, actor=actor, agreement=agreement, now=now, audience=Audience.ORGANIZATION)
    return agreement


def discard(*, actor: Actor, agreement: Agreement, now: datetime) -> None:
    """Drop the organization's own draft. Raises Conflict when it is no draft any more."""
    organization = actor.require(Right.SIGN_AGREEMENT)
    with transaction.atomic():
        locks.hold_open(agreement.partnership, organization)
        agreement = _again(agreement, organization)
        if agreement.state != State.DRAFT:
            raise _moved_on(agreement)
        _end(agreement, "Discarded before it was sent.", now)
        _record(Kind.DISCARDED, actor=actor, agreement=agreement, now=now, audience=Audience.ORGANIZATION)


def sign(*, actor: Actor, agreement: Agreement, upload: bytes, now: datetime) -> Agreement:
    """Put the organization's OpenPGP signature on a version: a draft is sent to the partner, a waiting one comes into force.

    ``upload`` is a detached signature over the document's bytes, or the document signed inline. Raises Invalid
    (``signature_…``) when the signature does not count, Conflict when the version has moved on, is signed already or is
    based on terms that are no longer in force, and StepUpRequired without a fresh second factor.
    """
    person = actor.require_person(Right.SIGN_AGREEMENT)
    organization = actor.require(Right.SIGN_AGREEMENT)
    agreement = queries.by_id(organization, agreement.pk)
    _refuse_second_signature(agreement, organization)
    # Outside the transaction: gpgv takes milliseconds in which nobody else should have to wait.
    report = signing.checked(document=bytes(agreement.document), upload=upload, organization=organization, now=now)
    checked_sha256 = agreement.sha256
    with transaction.atomic():
        partnership = locks.hold_open(agreement.partnership, organization)
        agreement = _again(agreement, organization)
        _refuse_second_signature(agreement, organization)
        _still_signable(agreement, partnership, checked_sha256)
        signature = AgreementSignature.objects.create(
            agreement=agreement,
            organization=organization,
            person=person,
            person_label=actor.label,
            upload=upload,
            form=report.form,
            signer_fingerprint=report.primary_fingerprint or "",
            signed_at=report.created_at,
            received_at=now,
            report=_kept(report),
        )
        if agreement.state == State.DRAFT:
            _send(agreement, signature, actor=actor, now=now)
        else:
            _bring_into_force(agreement, signature, actor=actor, now=now)
    return agreement


def end_proposal(*, actor: Actor, agreement: Agreement, reason: str, now: datetime) -> Agreement:
    """Withdraw the organization's own waiting version, or decline the partner's. ``reason`` is shown to both.

    Raises Conflict when it does not wait any more, Invalid without a reason.
    """
    organization = actor.require(Right.SIGN_AGREEMENT)
    actor.require_person(Right.SIGN_AGREEMENT, step_up=False)
    if not reason.strip():
        raise errors.Invalid("Say why.", code="reason_missing", fields={"reason": ["Say why; both sides read it."]})
    signing.refuse_private_keys(reason, field="reason")
    with transaction.atomic():
        locks.hold_open(agreement.partnership, organization)
        agreement = _again(agreement, organization)
        if agreement.state != State.WAITING_FOR_PARTNER:
            raise _moved_on(agreement)
        own = agreement.proposed_by_id == organization.pk
        kind, act = (Kind.WITHDRAWN, "Withdrawn") if own else (Kind.DECLINED, "Declined")
        _end(agreement, f"{act} by {organization.name}: {reason.strip()}", now)
        _record(kind, actor=actor, agreement=agreement, now=now, data={"reason": reason.strip()})
    return agreement


def _again(agreement: Agreement, organization: Organization) -> Agreement:
    """Read a version again under the lock."""
    return queries.by_id(organization, agreement.pk)


def _own_draft(partnership: Partnership, organization: Organization) -> Agreement | None:
    return Agreement.objects.filter(partnership=partnership, proposed_by=organization, state=State.DRAFT).first()


def _waiting(partnership: Partnership) -> Agreement | None:
    return Agreement.objects.filter(partnership=partnership, state=State.WAITING_FOR_PARTNER).first()


def _next_version(partnership: Partnership) -> int:
    last = Agreement.objects.filter(partnership=partnership).aggregate(last=Max("version"))["last"]
    return (last or 0) + 1


def _document(partnership: Partnership, version: int, terms: Mapping[str, Any]) -> bytes:
    current = queries.in_force(partnership)
    organizations = (partnership.first_organization, partnership.second_organization)
    content = rules.document(
        partnership=partnership.slug,
        parties=[(each.slug, each.name) for each in organizations],
        version=version,
        replaces=current.sha256 if current else None,
        terms=terms,
    )
    found = rules.problems(content)
    if found:
        fields: dict[str, list[str]] = {}
        for problem in found:
            fields.setdefault(problem.path, []).append(problem.sentence)
        raise errors.Invalid("The terms cannot be signed as they are.", code="terms_not_usable", fields=fields)
    return rules.canonical(content)


def _refuse_second_signature(agreement: Agreement, organization: Organization) -> None:
    if agreement.state not in (State.DRAFT, State.WAITING_FOR_PARTNER):
        raise _moved_on(agreement)
    if any(each.organization_id == organization.pk for each in agreement.signatures.all()):
        raise errors.Conflict(
            f"{organization.name} has signed agreement v{agreement.version} already.",
            code="already_signed",
            fix="Now the other side signs the same bytes.",
        )


def _still_signable(agreement: Agreement, partnership: Partnership, checked_sha256: str) -> None:
    if agreement.sha256 != checked_sha256:
        raise errors.Conflict(
            "The draft changed while the signature was being checked.",
            code="draft_changed",
            fix="Download it again and sign the new bytes.",
        )
    current = queries.in_force(partnership)
    if queries.read(agreement)["replaces"] != (current.sha256 if current else None):
        raise errors.Conflict(
            f"Agreement v{agreement.version} was written before v{current.version if current else 0} came into force.",
            code="stale_version",
            fix="Start from the terms that are in force now.",
        )


def _send(agreement: Agreement, signature: AgreementSignature, *, actor: Actor, now: datetime) -> None:
    countered = _waiting(agreement.partnership)
    if countered:
        _end(countered, f"Answered with v{agreement.version} by {agreement.proposed_by.name}.", now)
    agreement.state, agreement.sent_at, agreement.counters = State.WAITING_FOR_PARTNER, now, countered
    agreement.save(update_fields=["state", "sent_at", "counters"])
    data = {"counters": countered.version if countered else None} | _facts(signature)
    _record(Kind.PROPOSED, actor=actor, agreement=agreement, now=now, data=data)


def _bring_into_force(agreement: Agreement, signature: AgreementSignature, *, actor: Actor, now: datetime) -> None:
    before = queries.in_force(agreement.partnership)
    if before:
        _end(before, f"Replaced by v{agreement.version}.", now)
    agreement.state, agreement.in_force_at = State.IN_FORCE, now
    agreement.save(update_fields=["state", "in_force_at"])
    data = {"replaces": before.version if before else None} | _facts(signature)
    _record(Kind.IN_FORCE, actor=actor, agreement=agreement, now=now, data=data)


def _facts(signature: AgreementSignature) -> dict[str, Any]:
    # Both sides read the log, also before the call about the key: only its ends are written there.
    return {"signer": concealed(signature.signer_fingerprint), "signature": str(signature.pk)}


def _kept(report: SignatureReport) -> dict[str, Any]:
    """What makes the check repeatable; the content is the document, which is stored anyway."""
    kept = asdict(report) | {"content": None, "verdict": report.verdict.value}
    kept["created_at"] = report.created_at.isoformat() if report.created_at else None
    return kept


def _end(agreement: Agreement, reason: str, now: datetime) -> None:
    agreement.state, agreement.ended_at, agreement.ended_reason = State.REPLACED, now, reason
    agreement.save(update_fields=["state", "ended_at", "ended_reason"])


def _moved_on(agreement: Agreement) -> errors.Conflict:
    label = rules.STATE_LABELS[State(agreement.state)].lower()
    return errors.Conflict(
        f"Agreement v{agreement.version} is {label}, so this cannot be done any more.",
        code="agreement_moved_on",
        fix="Look at the agreement page for the version that counts now.",
    )


def _record(
    kind: Kind,
    *,
    actor: Actor,
    agreement: Agreement,
    now: datetime,
    audience: Audience | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=actor.organization.pk if actor.organization else None,
        partnership_id=agreement.partnership_id,
        audience=audience,
        subject=("agreement", agreement.pk),
        data={"version": agreement.version, "sha256": agreement.sha256} | dict(data or {}),
    )
