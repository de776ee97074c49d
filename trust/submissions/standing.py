"""How the fingerprints of a submission stand with the relying organization, and asking for the calls that are missing."""

from datetime import datetime

from portal.audit.services import Acting
from portal.organizations.models import User
from trust.agreements import queries as agreements
from trust.keys import calls as key_calls
from trust.keys.models import OpenPgpKey
from trust.submissions import renewals
from trust.submissions.models import Submission, SubmissionCertificate
from trust.submissions.renewals import Renewal
from trust.submissions.rules import Action, Standing, next_step
from trust.verifications import queries, services
from trust.verifications.models import ItemKind, VerificationRequest

_BY_STATE = {
    VerificationRequest.State.RECORDED: Standing.HEARD,
    VerificationRequest.State.QUARANTINED: Standing.QUARANTINED,
}


READING_COMMANDS = {
    ItemKind.CERTIFICATE: "openssl x509 -in ROOT.pem -noout -fingerprint -sha256",
    ItemKind.PACKAGE: "openssl dgst -sha256 PACKAGE",
}


def oldest_verification(submission: Submission) -> int | None:
    """Return how many days a verification counts under the terms of the partnership; None for ever."""
    return agreements.terms(submission.partnership).verification_max_age_days


def of_fingerprint(submission: Submission, kind: str, fingerprint: str, now: datetime) -> Standing:
    """Return how one fingerprint stands with the relying organization."""
    return _standing(submission, kind, fingerprint, oldest_verification(submission), now)


def _standing(submission: Submission, kind: str, fingerprint: str, oldest: int | None, now: datetime) -> Standing:
    request = queries.request_for(submission.relying, kind, fingerprint)
    if request is None:
        return Standing.UNHEARD
    if queries.counts(request, now, max_age_days=oldest):
        return Standing.VERIFIED
    return _BY_STATE.get(VerificationRequest.State(request.state), Standing.UNHEARD)


def anchors(submission: Submission) -> list[SubmissionCertificate]:
    """Return the places of the trust anchors, in order, with their certificates."""
    return list(
        submission.places.filter(role=SubmissionCertificate.Role.ANCHOR)
        .select_related("certificate")
        .order_by("position")
    )


def renewed(submission: Submission, now: datetime) -> dict[str, Renewal]:
    """Return the anchors that are renewals of trusted ones, by fingerprint, those that need a call all the same included.

    Anchors that have a verification of their own are none.
    """
    oldest = oldest_verification(submission)
    return renewals.among(
        (
            place.certificate
            for place in anchors(submission)
            if _standing(submission, ItemKind.CERTIFICATE, place.certificate_id, oldest, now) is not Standing.VERIFIED
        ),
        relying=submission.relying,
        owner=submission.owner,
        terms=agreements.terms(submission.partnership),
        now=now,
    )


def items(submission: Submission) -> list[tuple[ItemKind, str]]:
    """Return what must be verified for a submission: its key, the package where that is agreed, and its anchors."""
    package = agreements.terms(submission.partnership).verification_scope == "package"
    return [
        (ItemKind.OPENPGP_KEY, submission.signer_fingerprint),
        *([(ItemKind.PACKAGE, submission.content_sha256)] if package else []),
        *((ItemKind.CERTIFICATE, place.certificate_id) for place in anchors(submission)),
    ]


def standings(submission: Submission, now: datetime) -> dict[tuple[ItemKind, str], Standing]:
    """Return how each item of a submission stands. A renewal of a verified anchor stands as that does."""
    oldest = oldest_verification(submission)
    found = {item: _standing(submission, *item, oldest, now) for item in items(submission)}
    unheard = [item for item, standing in found.items() if standing is Standing.UNHEARD]
    if any(kind == ItemKind.CERTIFICATE for kind, _ in unheard):
        free = {digest for digest, one in renewed(submission, now).items() if not one.because}
        found |= {item: Standing.VERIFIED for item in unheard if item[0] == ItemKind.CERTIFICATE and item[1] in free}
    return found


def waits_for(submission: Submission, now: datetime) -> Action:
    """Return what the submission waits for now."""
    found = standings(submission, now)
    key = found.pop((ItemKind.OPENPGP_KEY, submission.signer_fingerprint))
    return next_step(key, found.values())


def ask_for_calls(
    submission: Submission, *, key: OpenPgpKey, uploader: User | None, actor: Acting, now: datetime, again: bool = False
) -> None:
    """Ask the relying organization to verify what is not verified: the key, the package where that is agreed, and each anchor.

    An upload of something that was asked about before is noted with that request, unless ``again``: nothing new was uploaded then.
    """
    max_age_days = oldest_verification(submission)
    names = {place.certificate_id: _name(place) for place in anchors(submission)}
    for (kind, fingerprint), stands in standings(submission, now).items():
        request = queries.request_for(submission.relying, kind, fingerprint)
        # Verified without a request: a renewal. Approved and not verified: too old.
        asked = request is not None and (
            stands is Standing.VERIFIED or request.state != VerificationRequest.State.APPROVED
        )
        if stands is Standing.VERIFIED and request is None:
            continue
        if asked and (again or kind == ItemKind.OPENPGP_KEY):
            continue
        if kind == ItemKind.OPENPGP_KEY:
            key_calls.ask(key, submission.partnership, actor=actor, now=now, max_age_days=max_age_days)
            continue
        services.request_verification(
            partnership=submission.partnership,
            owner=submission.owner,
            relying=submission.relying,
            item_kind=kind,
            fingerprint=fingerprint,
            label=names.get(fingerprint, f"Package of submission {submission.number}"),
            reading_command=READING_COMMANDS[kind],
            source_label=f"Submission {submission.number}",
            source_path=f"submissions/{submission.number}/",
            source_sha256=submission.content_sha256,
            uploaded_by=uploader,
            max_age_days=max_age_days,
            actor=actor,
            now=now,
        )


def _name(place: SubmissionCertificate) -> str:
    return str(place.certificate.facts.get("common_name") or place.certificate.subject)[:200]


def withdraw_requests(submission: Submission, *, actor: Acting, now: datetime, reason: str) -> None:
    """Withdraw the requests about anchors and the package that only this submission brought and that nobody approved."""
    package = queries.request_for(submission.relying, ItemKind.PACKAGE, submission.content_sha256)
    if package is not None and package.state in _OPEN:
        services.withdraw_request(request=package, actor=actor, now=now, reason=reason)
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
