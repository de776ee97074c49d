"""Accepting, declining and withdrawing a submission."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit.services import record
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import locks
from trust.certificates.models import Certificate
from trust.keys import queries as keys
from trust.submissions import rules, standing
from trust.submissions.checking import Upload, check_signature
from trust.submissions.models import Submission, SubmissionCertificate
from trust.submissions.renewals import Renewal
from trust.submissions.rules import Action
from trust.submissions.signals import submission_over
from trust.verifications import queries as verifications
from trust.verifications import services as verification_services
from trust.verifications.models import ItemKind, VerificationRequest


def hold(submission: Submission) -> Submission:
    """Lock a submission and its partnership until the transaction ends and return it as it is now."""
    locks.hold(Submission.objects.values_list("partnership_id", flat=True).get(pk=submission.pk))
    return (
        Submission.objects.select_for_update(of=("self",))
        .select_related("partnership", "owner", "relying", "uploaded_by")
        .get(pk=submission.pk)
    )


def _hold_key(submission: Submission) -> None:
    """Lock the key that signed, so that it is revoked before the approval or after it, and not in the middle."""
    mine = keys.of(submission.owner).filter(fingerprint=submission.signer_fingerprint)
    mine.select_for_update(of=("self",), no_key=True).first()


@transaction.atomic
def accept(*, submission: Submission, actor: Actor, now: datetime, reason: str) -> list[SubmissionCertificate]:
    """Accept a submission as its second person, with the recorded calls about its anchors; return its certificates' places.

    Publishing calls this inside its own transaction (`trust.stores`), so that both happen or neither. Everything is looked at
    again as it stands now: the signature over the stored bytes, the key, and each anchor's call.

    Raises NotFound for strangers, NotAllowed and StepUpRequired for the wrong person, Invalid without a reason, Conflict when
    the state, the key or a verification does not permit it.
    """
    organization = actor.organization
    if organization is None or submission.relying_id != organization.pk:
        raise errors.NotFound()
    person = actor.require_person(Right.APPROVE)
    reason = rules.reason_given(reason)
    locks.hold(submission.partnership_id)
    _hold_key(submission)
    held = hold(submission)
    state = rules.after(held.state, Action.ACCEPT)
    if person.pk == held.uploaded_by_id:
        raise errors.NotAllowed(
            "You uploaded this, so you cannot approve it.", code="own_work", fix="Another security officer can."
        )
    _require_signature_still_counts(held, now)
    renewed = _approve_calls(held, actor=actor, now=now, reason=reason)
    _decide(held, state, actor=actor, now=now, reason=reason)
    _tell("accepted", held, actor=actor, now=now, reason=reason, renewed=renewed)
    return list(held.places.select_related("certificate").order_by("position"))


def _require_signature_still_counts(held: Submission, now: datetime) -> None:
    """The key may have been revoked since the upload, and the stored bytes may have been touched."""
    upload = Upload(held.file_name, bytes(held.content), bytes(held.signature) or None)
    report = check_signature(upload, owner=held.owner, now=now)
    key = keys.signer(held.owner, report)
    if key is None or key.fingerprint != held.signer_fingerprint or not keys.is_in_force(key, now):
        raise errors.Conflict(
            f"The signature does not count any more: {report.sentence}",
            code="signature_no_longer_counts",
            fix="Ask your partner to sign the bundle with a key that is in force and to upload it again.",
        )
    if not keys.counts_for(key, held.relying, now, max_age_days=standing.oldest_verification(held)):
        raise errors.Conflict(
            f"{held.relying} has not verified the OpenPGP key that signed this.",
            code="key_not_verified",
            fix="Call the partner and verify the key's fingerprint first.",
        )


def _approve_calls(held: Submission, *, actor: Actor, now: datetime, reason: str) -> list[Renewal]:
    """Approve the recorded calls about the anchors, and the package where that is agreed; return the renewals without one."""
    oldest, renewed, used = standing.oldest_verification(held), standing.renewed(held, now), []
    for kind, fingerprint in standing.items(held):
        if kind == ItemKind.OPENPGP_KEY:
            continue
        request = verifications.request_for(held.relying, kind, fingerprint)
        if request is not None and request.state == VerificationRequest.State.RECORDED:
            verification_services.approve(request=request, actor=actor, now=now, reason=reason)
        elif request is None or not verifications.counts(request, now, max_age_days=oldest):
            used.append(_require_renewal(renewed.get(fingerprint), kind, fingerprint))
            if request is not None and request.state == VerificationRequest.State.WAITING:
                verification_services.withdraw_request(request=request, actor=actor, now=now, reason=used[-1].sentence)
    return used


def _require_renewal(renewal: Renewal | None, kind: ItemKind, fingerprint: str) -> Renewal:
    if renewal is not None and not renewal.because:
        return renewal
    if kind == ItemKind.PACKAGE:
        raise errors.Conflict(
            "The fingerprint of the package is not verified.",
            code="package_not_verified",
            fix="Call the partner and verify it; then a second person approves.",
        )
    subject = Certificate.objects.get(pk=fingerprint).subject
    reason = f" {renewal.sentence}" if renewal else ""
    raise errors.Conflict(
        f"The trust anchor {subject} is not verified.{reason}",
        code="anchor_not_verified",
        fix="Call the partner and verify its fingerprint; then a second person approves.",
    )


@transaction.atomic
def decline(*, submission: Submission, actor: Actor, now: datetime, reason: str) -> Submission:
    """Decline a waiting submission as an officer of the relying organization, with a reason that the owner reads.

    Raises NotFound for strangers, NotAllowed, Invalid without a reason, Conflict when it is not waiting.
    """
    if actor.organization is None or submission.relying_id != actor.organization.pk:
        raise errors.NotFound()
    actor.require_person(Right.APPROVE, step_up=False)
    reason = rules.reason_given(reason)
    held = hold(submission)
    state = rules.after(held.state, Action.DECLINE)
    held.refusal_code = "declined"
    _decide(held, state, actor=actor, now=now, reason=reason)
    standing.withdraw_requests(held, actor=actor, now=now, reason=reason)
    _tell("declined", held, actor=actor, now=now, reason=reason)
    submission_over.send(Submission, submission=held, actor=actor, now=now)
    return held


@transaction.atomic
def withdraw(*, submission: Submission, actor: Actor, now: datetime, reason: str) -> Submission:
    """Withdraw a waiting submission as its owner, with a reason. Raises as `decline`."""
    if actor.organization is None or submission.owner_id != actor.organization.pk:
        raise errors.NotFound()
    actor.require(Right.UPLOAD)
    reason = rules.reason_given(reason)
    held = hold(submission)
    state = rules.after(held.state, Action.WITHDRAW)
    _decide(held, state, actor=actor, now=now, reason=reason)
    standing.withdraw_requests(held, actor=actor, now=now, reason=reason)
    _tell("withdrawn", held, actor=actor, now=now, reason=reason)
    submission_over.send(Submission, submission=held, actor=actor, now=now)
    return held


def _decide(held: Submission, state: str, *, actor: Actor, now: datetime, reason: str) -> None:
    held.state, held.decided_at, held.decided_by, held.decision_reason = state, now, actor.user, reason
    held.save(update_fields=["state", "decided_at", "decided_by", "decision_reason", "refusal_code"])


def _tell(
    kind: str, held: Submission, *, actor: Actor, now: datetime, reason: str, renewed: Sequence[Renewal] = ()
) -> None:
    without_call = [{"certificate": each.offered.sha256, "verification": each.call.number} for each in renewed]
    record(
        f"submission.{kind}",
        now=now,
        actor=actor,
        organization_id=actor.organization.pk if actor.organization else None,
        partnership_id=held.partnership_id,
        subject=("submission", held.pk),
        data={"number": held.number, "reason": reason, "state": held.state}
        | ({"renewed_without_call": without_call} if without_call else {}),
    )
