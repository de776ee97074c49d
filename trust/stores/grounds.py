"""Why a certificate may be in a store: its signed submission, the verified key that signed it, and the anchor's own call."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from portal import errors
from portal.organizations.models import Organization
from trust.agreements import queries as agreements
from trust.agreements.terms import Terms
from trust.certificates.models import Certificate
from trust.stores import lineage, rules
from trust.stores.models import StoreEntry, StoreVersion, TrustStore
from trust.submissions import renewals
from trust.submissions.models import Submission, SubmissionCertificate
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind, Verification


def entries_of(version: StoreVersion | None) -> list[rules.Entry]:
    """Return the contents of a version as values; nothing for no version."""
    if version is None:
        return []
    rows = list(version.entries.select_related("certificate").order_by("position"))
    signed_by = lineage.issuers({row.certificate_id: bytes(row.certificate.der) for row in rows})
    return [value(row, signed_by) for row in rows]


def value(row: StoreEntry, signed_by: Mapping[str, frozenset[str]] | None = None) -> rules.Entry:
    """Return one place in a version as a value; ``signed_by`` says who issued what."""
    return rules.Entry(
        sha256=row.certificate_id,
        role=row.role,
        submission_id=str(row.submission_id),
        signer_fingerprint=row.signer_fingerprint,
        verification_id=str(row.verification_id) if row.verification_id else None,
        issued_by=(signed_by or {}).get(row.certificate_id, frozenset()),
    )


def entries_from(submission: Submission, places: Sequence[SubmissionCertificate], now: datetime) -> list[rules.Entry]:
    """Return what an accepted submission would add, each anchor with the call about it.

    Raises Conflict when the OpenPGP key or an anchor is not verified by the relying organization.
    """
    relying, terms = submission.relying, agreements.terms(submission.partnership)
    require_verified_key(relying, submission.signer_fingerprint, now, terms)
    anchors = [place.certificate for place in places if place.role == rules.ANCHOR]
    renewed = renewals.among(anchors, relying=relying, owner=submission.owner, terms=terms, now=now)
    calls = {digest: each.call for digest, each in renewed.items() if not each.because}
    calls |= approved_calls(relying, [each.sha256 for each in anchors], now, terms)
    entries = []
    for place in places:
        call = calls.get(place.certificate_id) if place.role == rules.ANCHOR else None
        if place.role == rules.ANCHOR and call is None:
            raise errors.Conflict(
                f"The trust anchor {place.certificate.subject} is not verified by {submission.relying}.",
                code="anchor_not_verified",
                fix="Call the partner and verify its fingerprint; then a second person approves.",
            )
        entries.append(
            rules.Entry(
                sha256=place.certificate_id,
                role=place.role,
                submission_id=str(submission.pk),
                signer_fingerprint=submission.signer_fingerprint,
                verification_id=str(call.pk) if call else None,
            )
        )
    return entries


def with_lineage(entries: Iterable[rules.Entry]) -> list[rules.Entry]:
    """Return the entries, each knowing who signed it among all of them."""
    listed = list(entries)
    ders = dict(Certificate.objects.filter(pk__in={entry.sha256 for entry in listed}).values_list("sha256", "der"))
    signed_by = lineage.issuers({digest: bytes(der) for digest, der in ders.items()})
    return [
        rules.Entry(
            sha256=entry.sha256,
            role=entry.role,
            submission_id=entry.submission_id,
            signer_fingerprint=entry.signer_fingerprint,
            verification_id=entry.verification_id,
            issued_by=signed_by[entry.sha256],
        )
        for entry in listed
    ]


def approved_calls(
    relying: Organization, digests: Iterable[str], now: datetime, terms: Terms
) -> dict[str, Verification]:
    """Return the recorded call about each anchor whose own verification by this organization stands at ``now``, by digest."""
    found = {}
    for digest in digests:
        if verifications.is_verified(
            relying, ItemKind.CERTIFICATE, digest, now, max_age_days=terms.verification_max_age_days
        ):
            call = verifications.approved_record(relying, ItemKind.CERTIFICATE, digest)
            if call is not None:
                found[digest] = call
    return found


def require_verified_key(relying: Organization, fingerprint: str, now: datetime, terms: Terms) -> None:
    """Refuse what was signed by a key that this organization has not verified by phone, or no longer trusts.

    Raises Conflict.
    """
    if not fingerprint or not verifications.is_verified(
        relying, ItemKind.OPENPGP_KEY, fingerprint, now, max_age_days=terms.verification_max_age_days
    ):
        raise errors.Conflict(
            f"{relying} has not verified the OpenPGP key that signed this.",
            code="key_not_verified",
            fix="Call the partner and verify the key's fingerprint first.",
        )


def require_still_trusted(store: TrustStore, entries: Iterable[rules.Entry], now: datetime) -> None:
    """Check again, at the time of publishing, that every added certificate's key and anchor are verified.

    An anchor that came as a renewal stands on the call about the certificate before it. Raises Conflict: a verification may have
    been withdrawn or quarantined, or become too old, since the certificate was last in the store.
    """
    listed, terms = list(entries), agreements.terms(store.partnership)
    for fingerprint in {entry.signer_fingerprint for entry in listed}:
        require_verified_key(store.relying, fingerprint, now, terms)
    anchors = [entry for entry in listed if entry.role == rules.ANCHOR]
    heard = _heard(anchors)
    calls = approved_calls(store.relying, set(heard.values()), now, terms)
    missing = [entry.sha256 for entry in anchors if heard.get(entry.sha256) not in calls]
    if missing:
        raise errors.Conflict(
            "A trust anchor's verification does not stand any more.",
            code="anchor_not_verified",
            fix="Verify its fingerprint by phone again.",
            extra={"certificates": missing},
        )


def _heard(anchors: Iterable[rules.Entry]) -> dict[str, str]:
    """Return by the digest of each anchor the fingerprint that was heard in the call it stands on."""
    ids = {entry.sha256: entry.verification_id for entry in anchors}
    calls = Verification.objects.filter(pk__in=set(ids.values())).values_list("pk", "request__fingerprint")
    fingerprints = {str(pk): fingerprint for pk, fingerprint in calls}
    return {digest: fingerprints.get(str(pk), digest) for digest, pk in ids.items()}
