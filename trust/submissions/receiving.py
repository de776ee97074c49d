"""Receiving an upload: checked first, then kept or refused, in one transaction with its event."""

import dataclasses
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from portal import errors
from portal.audit.models import Audience
from portal.audit.services import record
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import locks
from portal.partnerships.models import Partnership
from portal.partnerships.rules import EXCHANGES
from trust.certificates import services as certificates
from trust.keys import queries as keys
from trust.pki.findings import Finding
from trust.pki.openpgp.verdicts import SignatureReport
from trust.submissions import envelopes, rules, standing
from trust.submissions.checking import Checked, Upload, check, try_out
from trust.submissions.models import CrlNumber, RefusedKey, Submission, SubmissionCertificate, SubmissionFinding
from trust.submissions.rules import Action, State

MAX_SIGNATURE_BYTES = 64 * 1024


def submit(
    *,
    partnership: Partnership,
    file_name: str,
    content: bytes,
    signature: bytes | None,
    actor: Actor,
    now: datetime,
    environment: str = "",
    purpose: str = "",
) -> Submission:
    """Take a signed bundle of the actor's organization for its partner, and return the submission: refused or waiting.

    A refusal because of what is in the file is a submission too, in the state Refused with its findings. Nothing of an
    upload with a private key is kept but the hash of the public key. ``environment`` and ``purpose`` say which store it is for
    where no signed manifest does; production and both when nobody says.

    Raises NotFound for strangers, NotAllowed, Invalid and TooLarge for what cannot be a bundle at all, Conflict for the same
    file again or a partnership that takes nothing, TooMany, Unavailable.
    """
    owner = actor.require(Right.UPLOAD)
    if not partnership.has(owner):
        raise errors.NotFound()
    _require_exchange(partnership)
    upload = Upload(rules.file_name(file_name), content, signature)
    _require_plausible(upload)
    _require_within_quota(owner, now)
    upload, sealed = envelopes.opened(upload, now=now)
    checked = sealed or check(upload, owner=owner, partnership=partnership, now=now)
    scope = rules.scope(rules.Scope(environment, purpose), _signed_scope(checked))
    with transaction.atomic():
        return _keep(upload, checked, scope, partnership=partnership, owner=owner, actor=actor, now=now)


def _signed_scope(checked: Checked) -> rules.Scope:
    said = checked.examination.reading.manifest if checked.examination else None
    return rules.Scope(said.environment, said.purpose) if said else rules.Scope()


def check_bundle(
    *,
    partnership: Partnership,
    file_name: str,
    content: bytes,
    signature: bytes | None,
    actor: Actor,
    now: datetime,
) -> Checked:
    """Try out a bundle as if it were submitted, signed or not, and keep nothing. Raises as `submit`."""
    owner = actor.require(Right.UPLOAD)
    if not partnership.has(owner):
        raise errors.NotFound()
    upload = Upload(rules.file_name(file_name), content, signature)
    _require_plausible(upload)
    upload, sealed = envelopes.opened(upload, now=now)
    return sealed or try_out(upload, owner=owner, partnership=partnership, now=now)


def _require_exchange(partnership: Partnership) -> None:
    if partnership.state not in EXCHANGES:
        raise errors.Conflict(
            f"The partnership is {partnership.get_state_display().lower()}, so no bundles are taken.",
            code="partnership_closed",
            fix="Ask an organization admin of either side to resume it.",
        )


def _require_plausible(upload: Upload) -> None:
    limit = settings.UPLOAD_MAX_BYTES
    if not upload.content:
        raise _bad_file("file", "empty_upload", "The file is empty.", "Choose the signed bundle and upload it again.")
    if len(upload.content) > limit:
        raise errors.TooLarge(
            f"The file is {len(upload.content):,} bytes long; at most {limit:,} are taken.",
            code="upload_too_large",
            fix="Leave out what is not a CA certificate, a CRL or the policy document.",
        )
    if upload.signature is None:
        return
    if not upload.signature.strip():
        raise _bad_file("signature", "empty_signature", "The signature file is empty.", "Upload the .asc or .sig file.")
    if len(upload.signature) > MAX_SIGNATURE_BYTES:
        raise _bad_file(
            "signature",
            "signature_too_large",
            "The signature file is too large to be a signature.",
            "Upload the .asc or .sig file that gpg --detach-sign wrote.",
        )


def _bad_file(field: str, code: str, sentence: str, fix: str) -> errors.Invalid:
    return errors.Invalid(sentence, code=code, fix=fix, fields={field: [f"{sentence} {fix}"]})


def _require_within_quota(owner: Organization, now: datetime) -> None:
    sent = Submission.objects.filter(owner=owner, received_at__gt=now - rules.HOUR).count()
    if sent >= rules.UPLOADS_AN_HOUR:
        raise errors.TooMany(
            f"{owner} sent {sent} bundles within an hour.",
            code="too_many_uploads",
            fix="Wait, and look for a job that sends the same bundle again and again.",
            retry_after=600,
        )


def _keep(
    upload: Upload,
    checked: Checked,
    scope: rules.Scope,
    *,
    partnership: Partnership,
    owner: Organization,
    actor: Actor,
    now: datetime,
) -> Submission:
    held = locks.hold(partnership.pk)
    _require_exchange(held)
    digest = hashlib.sha256(upload.content).hexdigest()
    if not checked.refused:
        _refuse_repeat(held, owner, digest, scope)
    held.last_submission_number += 1
    held.save(update_fields=["last_submission_number"])
    submission = Submission(
        partnership=held,
        number=held.last_submission_number,
        owner=owner,
        relying=held.other(owner),
        uploaded_by=actor.user,
        uploaded_by_label=actor.label[:200],
        received_at=now,
        file_name=upload.file_name,
        state=State.CHECKING,
        environment=scope.environment,
        purpose=scope.purpose,
        content=b"",
        signature=b"",
        was_encrypted=upload.was_encrypted,
        **_about_signature(checked.signature),
    )
    if checked.may_be_kept:
        submission.content, submission.signature = upload.content, upload.signature or b""
    if checked.scan.clean:
        submission.content_sha256 = digest
    if checked.refused:
        return _refuse(submission, checked, actor=actor, now=now)
    return _accept_for_review(submission, checked, actor=actor, now=now)


def _refuse_repeat(partnership: Partnership, owner: Organization, digest: str, scope: rules.Scope) -> None:
    earlier = (
        Submission.objects.filter(partnership=partnership, owner=owner, content_sha256=digest)
        .filter(environment=scope.environment, purpose=scope.purpose)
        .filter(state__in=[*rules.WAITING, State.ACCEPTED])
        .order_by("-number")
        .first()
    )
    if earlier is not None:
        raise errors.Conflict(
            f"This file was submitted already: it is submission {earlier.number}.",
            code="already_submitted",
            fix=f"See how submission {earlier.number} stands.",
            extra={"submission": str(earlier.pk), "number": earlier.number},
        )


def _about_signature(report: SignatureReport | None) -> dict[str, Any]:
    """Return what is kept of the verdict, enough to repeat the decision years later."""
    if report is None:
        return {}
    return {
        "verdict": report.verdict.value,
        "signer_fingerprint": (report.primary_fingerprint or "") if report.is_good else "",
        "signed_at": report.created_at if report.is_good else None,
        "signature_report": {
            "form": report.form,
            "sentence": report.sentence,
            "fix": report.fix,
            "primary_fingerprint": report.primary_fingerprint,
            "signing_fingerprint": report.signing_fingerprint,
            "claimed_issuer": report.signer_hint,
            "digest_algorithm": report.digest_algorithm,
            "created_at": report.created_at.isoformat() if report.created_at else None,
            "status_lines": list(report.status_lines),
            "tool_versions": list(report.tool_versions),
        },
    }


def _refuse(submission: Submission, checked: Checked, *, actor: Actor, now: datetime) -> Submission:
    submission.state = rules.after(submission.state, Action.REFUSE)
    submission.refusal_code = checked.refusal_code
    submission.decided_at = now
    _read_into(submission, checked)
    submission.save(force_insert=True)
    _save_findings(submission, checked)
    secrets = checked.scan.secrets
    for secret in secrets:
        if secret.public_spki_sha256:
            RefusedKey.objects.get_or_create(
                spki_sha256=secret.public_spki_sha256, defaults={"kind": secret.kind[:60], "seen_at": now}
            )
    # What was refused is the uploader's own business: the partner is told nothing.
    record(
        "submission.private_key_refused" if secrets else "submission.refused",
        now=now,
        actor=actor,
        organization_id=submission.owner_id,
        partnership_id=submission.partnership_id,
        audience=Audience.ORGANIZATION,
        subject=("submission", submission.pk),
        data={
            "number": submission.number,
            "code": submission.refusal_code,
            "reason": checked.findings[0].sentence,
            "kinds": sorted({secret.kind for secret in secrets}),
            "public_keys": sorted({secret.public_spki_sha256 for secret in secrets if secret.public_spki_sha256}),
        },
    )
    return submission


def _accept_for_review(submission: Submission, checked: Checked, *, actor: Actor, now: datetime) -> Submission:
    assert checked.examination is not None
    key = (
        keys.of(submission.owner)
        .select_for_update(of=("self",), no_key=True)
        .get(fingerprint=submission.signer_fingerprint)
    )
    if not keys.is_in_force(key, now):
        raise errors.Conflict(
            "The OpenPGP key that signed this is no longer in force.",
            code="key_not_in_force",
            fix="Sign with a key that is in force.",
        )
    _read_into(submission, checked)
    submission.save(force_insert=True)
    _save_findings(submission, checked)
    _save_places(submission, checked, now)
    _save_crl_numbers(submission, checked)
    standing.ask_for_calls(submission, key=key, uploader=actor.user, actor=actor, now=now)
    submission.state = rules.after(State.CHECKING, standing.waits_for(submission, now))
    submission.save(update_fields=["state"])
    record(
        "submission.received",
        now=now,
        actor=actor,
        organization_id=submission.owner_id,
        partnership_id=submission.partnership_id,
        subject=("submission", submission.pk),
        data={
            "number": submission.number,
            "certificates": len(checked.examination.reading.certificates),
            "environment": submission.environment,
            "purpose": submission.purpose,
            "signer": submission.signer_fingerprint[:4] + "…" + submission.signer_fingerprint[-4:],
            "state": submission.state,
            "waits_for": "a call" if submission.state == State.WAITING_FOR_CALL else "an approval",
        },
    )
    return submission


def _read_into(submission: Submission, checked: Checked) -> None:
    if checked.examination is None:
        return
    reading = checked.examination.reading
    submission.container = reading.container
    submission.sequence = reading.manifest.sequence if reading.manifest else None
    submission.checked_against = checked.against
    submission.forecast = [dataclasses.asdict(one) for one in checked.forecasts]
    submission.members = [
        {"name": one.name, "size": one.size, "outcome": one.outcome.value, "reason": one.reason}
        for one in reading.members
    ]


def _save_findings(submission: Submission, checked: Checked) -> None:
    SubmissionFinding.objects.bulk_create(
        SubmissionFinding(
            submission=submission,
            position=position,
            code=each.code,
            severity=each.severity.value,
            sentence=each.sentence,
            fix=each.fix,
            source=each.source[:160],
            certificate_sha256=each.certificate_sha256 or "",
            detail=detail,
        )
        for position, (each, detail) in enumerate(_with_details(checked), start=1)
    )


def _with_details(checked: Checked) -> Iterable[tuple[Finding, dict[str, Any]]]:
    """Pair each finding with what pages show beside its sentence; findings about secrets come in the scan's order."""
    secrets = iter(checked.scan.secrets)
    for each in checked.findings:
        if each.code == "private_key":
            secret = next(secrets)
            yield (
                each,
                {
                    "kind": secret.kind,
                    "member": secret.member,
                    "line": secret.line,
                    "certificate": secret.matches_certificate_subject,
                    "public_key": secret.public_spki_sha256,
                },
            )
        else:
            yield each, {"text": each.detail} if each.detail else {}


def _save_places(submission: Submission, checked: Checked, now: datetime) -> None:
    assert checked.examination is not None
    offered = list(checked.examination.reading.certificates)
    rows = certificates.keep(offered, remarks=checked.remarks or {}, now=now)
    SubmissionCertificate.objects.bulk_create(
        SubmissionCertificate(
            submission=submission,
            certificate=row,
            position=position,
            role=SubmissionCertificate.Role.ANCHOR if one.is_root else SubmissionCertificate.Role.INTERMEDIATE,
        )
        for position, (one, row) in enumerate(zip(offered, rows, strict=True), start=1)
    )


def _save_crl_numbers(submission: Submission, checked: Checked) -> None:
    """Remember the highest number of each issuer's CRL. The partnership's lock does not cover the owner's others."""
    assert checked.examination is not None
    for key, number, crl in checked.examination.numbered_crls:
        if number.bit_length() > 8 * CrlNumber.OCTETS:
            continue
        text = f"{number:0{2 * CrlNumber.OCTETS}x}"
        fields = {"number": text, "this_update": crl.this_update, "submission": submission}
        kept, _ = CrlNumber.objects.get_or_create(owner=submission.owner, spki_sha256=key, defaults=fields)
        CrlNumber.objects.filter(pk=kept.pk, number__lt=text).update(**fields)
