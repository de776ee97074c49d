"""How the fingerprints of a submission stand with the relying organization, and asking for the calls that are missing."""

from datetime import datetime

from portal.audit.services import Acting
from portal.organizations.models import User
from trust.agreements import queries as agreements
from trust.keys import calls as key_calls
from trust.keys.models import OpenPgpKey
from trust.submissions.models import Submission, SubmissionCertificate
from trust.submissions.rules import Action, Standing, next_step
from trust.verifications import queries, services
from trust.verifications.models import ItemKind, VerificationRequest

_BY_STATE = {
    VerificationRequest.State.RECORDED: Standing.HEARD,
    VerificationRequest.State.QUARANTINED: Standing.QUARANTINED,
}


READING_COMMAND = "openssl x509 -in ROOT.pem -noout -fingerprint -sha256"


def oldest_verification(submission: Submission) -> int | None:
    """Return how many days a verification counts under the terms of the partnership; None for ever."""
    return agreements.terms(submission.partnership).verification_max_age_days


def of_fingerprint(submission: Submission, kind: str, fingerprint: str, now: datetime) -> Standing:
    """Return how one fingerprint stands with the relying organization."""
    request = queries.request_for(submission.relying, kind, fingerprint)
    if request is None:
        return Standing.UNHEARD
    if queries.counts(request, now, max_age_days=oldest_verification(submission)):
        return Standing.VERIFIED
    return _BY_STATE.get(VerificationRequest.State(request.state), Standing.UNHEARD)


def anchors(submission: Submission) -> list[SubmissionCertificate]:
    """Return the places of the trust anchors, in order, with their certificates."""
    return list(
        submission.places.filter(role=SubmissionCertificate.Role.ANCHOR)
        .select_related("certificate")
        .order_by("position")
    )


def waits_for(submission: Submission, now: datetime) -> Action:
    """Return what the submission waits for now."""
    return next_step(
        of_fingerprint(submission, ItemKind.OPENPGP_KEY, submission.signer_fingerprint, now),
        [of_fingerprint(submission, ItemKind.CERTIFICATE, place.certificate_id, now) for place in anchors(submission)],
    )


def ask_for_calls(
    submission: Submission, *, key: OpenPgpKey, uploader: User | None, actor: Acting, now: datetime
) -> None:
    """Ask the relying organization to verify each anchor, and the key if nobody asked for that yet."""
    max_age_days = oldest_verification(submission)
    if queries.request_for(submission.relying, ItemKind.OPENPGP_KEY, key.fingerprint) is None:
        key_calls.ask(key, submission.partnership, actor=actor, now=now)
    for place in anchors(submission):
        services.request_verification(
            partnership=submission.partnership,
            owner=submission.owner,
            relying=submission.relying,
            item_kind=ItemKind.CERTIFICATE,
            fingerprint=place.certificate_id,
            label=(place.certificate.facts.get("common_name") or place.certificate.subject)[:200],
            reading_command=READING_COMMAND,
            source_label=f"Submission {submission.number}",
            source_path=f"submissions/{submission.number}/",
            source_sha256=submission.content_sha256,
            uploaded_by=uploader,
            max_age_days=max_age_days,
            actor=actor,
            now=now,
        )


def withdraw_requests(submission: Submission, *, actor: Acting, now: datetime, reason: str) -> None:
    """Withdraw the requests about anchors that nothing else than this submission brought and that nobody approved."""
    for place in anchors(submission):
        request = queries.request_for(submission.relying, ItemKind.CERTIFICATE, place.certificate_id)
        if request is not None and request.state in _OPEN and not _brought_by_another(submission, place):
            services.withdraw_request(request=request, actor=actor, now=now, reason=reason)


_OPEN = (VerificationRequest.State.WAITING, VerificationRequest.State.RECORDED)


def _brought_by_another(submission: Submission, place: SubmissionCertificate) -> bool:
    closed = [Submission.State.WITHDRAWN, Submission.State.REFUSED]
    return (
        SubmissionCertificate.objects.filter(
            certificate=place.certificate_id,
            submission__owner=submission.owner_id,
            submission__relying=submission.relying_id,
        )
        .exclude(submission=submission)
        .exclude(submission__state__in=closed)
        .exists()
    )
