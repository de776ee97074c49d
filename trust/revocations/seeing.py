"""What CRLs and OCSP answers say about certificates that the portal knows. Nothing here removes or restores trust."""

from datetime import datetime
from uuid import UUID

from cryptography import x509
from django.db.models import Q

from portal import words
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.notices import telling
from trust.pki.certificates import read_certificate
from trust.pki.crl import Revocation, revoked_on
from trust.pki.ocsp import OcspVerdict
from trust.pki.signatures import is_signed_by
from trust.revocations.models import Crl, RevocationSource, SeenRevocation
from trust.revocations.rules import SourceKind, Standing

LABELS = {SourceKind.CRL: "CRL", SourceKind.OCSP: "OCSP responder"}


def name_of(source: RevocationSource) -> str:
    """Return what a source is called: "CRL of Alder Root CA"; by its address where nobody said whose it is."""
    issuer = source.issuer or (source.crl.issuer if source.crl else None)
    return f"{LABELS[SourceKind(source.kind)]} {f'of {label_of(issuer)}' if issuer else f'at {source.url[:120]}'}"


def label_of(certificate: Certificate) -> str:
    """Return what a certificate is called: its common name, or all of its subject."""
    return str(certificate.facts.get("common_name") or telling.common_name(certificate.subject))[:200]


def compare(source: RevocationSource, crl: Crl, *, now: datetime) -> None:
    """Write down what a list that is new to us says about the certificates that we know, inside the caller's transaction."""
    read = x509.load_der_x509_crl(bytes(crl.der))
    issuer = read_certificate(bytes(crl.issuer.der))
    known = _below(source.owner, str(issuer.subject))
    for row in known:
        entry = revoked_on(read, row.serial) if crl.entries else None
        before = getattr(row, "seen_revocation", None)
        if entry is None and (before is None or before.gone_at or before.crl_id is None):
            continue
        facts = read_certificate(bytes(row.der))
        # Serial numbers mean something only with their issuer, and names of CAs repeat between companies.
        if facts.issuer.der != issuer.subject.der or not is_signed_by(facts.load(), issuer.load()):
            continue
        if entry is not None:
            _seen(source, row, entry, crl, before, now)
        elif row.not_after > now and before is not None:
            # A CA may leave a certificate out after its end (RFC 5280 3.3); before that, somebody took the revocation back.
            _gone(source, row, before, now)


def compare_answer(source: RevocationSource, sha256: str, verdict: OcspVerdict, *, now: datetime) -> None:
    """Write down what a believed OCSP answer says about the certificate that was asked about."""
    row = Certificate.objects.select_related("seen_revocation").get(pk=sha256)
    before = getattr(row, "seen_revocation", None)
    if verdict.revocation is not None:
        _seen(source, row, verdict.revocation, None, before, now)
    elif (
        verdict.standing is Standing.FRESH
        and before is not None
        and before.gone_at is None
        and before.source_id == source.pk
    ):
        _gone(source, row, before, now)


def compare_known(owner: Organization, *, now: datetime) -> None:
    """Hold the lists at hand against certificates that came in after them."""
    held = (
        RevocationSource.objects.filter(owner=owner).exclude(crl=None).select_related("owner", "issuer", "crl__issuer")
    )
    for source in held:
        assert source.crl is not None
        compare(source, source.crl, now=now)


def drop_old_lists(newest: Crl) -> None:
    """Delete lists of the same CA that no source serves any more and that showed no revocation."""
    Crl.objects.filter(issuer_spki_sha256=newest.issuer_spki_sha256, sources=None, seen=None).delete()


def concerned(certificate: Certificate) -> list[Partnership]:
    """Return the partnerships that go on in which a certificate was accepted or is shared."""
    accepted = Q(submissions__places__certificate=certificate, submissions__state="accepted")
    shared = Q(service_certificates__certificate=certificate, service_certificates__retired_at=None)
    found = Partnership.objects.filter(accepted | shared).exclude(state=Partnership.State.ENDED)
    return list(found.select_related("first_organization", "second_organization").distinct().order_by("slug"))


def _below(owner: Organization, issuer: str) -> list[Certificate]:
    of_owner = Q(submissions__owner=owner) | Q(service_certificates__organization=owner)
    found = Certificate.objects.filter(of_owner, issuer=issuer).select_related("seen_revocation")
    return list(found.distinct())


def _seen(
    source: RevocationSource,
    row: Certificate,
    entry: Revocation,
    crl: Crl | None,
    before: SeenRevocation | None,
    now: datetime,
) -> None:
    first_on_list = crl is not None and before is not None and before.crl_id is None
    if before is not None and before.gone_at is None and before.reason == (entry.reason or "") and not first_on_list:
        return
    _, made = SeenRevocation.objects.update_or_create(
        certificate=row,
        defaults={
            "owner": source.owner,
            "issuer_spki_sha256": crl.issuer_spki_sha256 if crl else "",
            "reason": entry.reason or "",
            "revoked_at": entry.revoked_at,
            "source": source,
            "crl": crl,
            "seen_at": before.seen_at if before and before.gone_at is None else now,
            "gone_at": None,
        },
    )
    if made or (before is not None and before.gone_at is not None):
        _record(
            "revocation.seen", source, row, now, revoked_at=words.exact(entry.revoked_at), reason=entry.reason or ""
        )


def _gone(source: RevocationSource, row: Certificate, before: SeenRevocation, now: datetime) -> None:
    SeenRevocation.objects.filter(pk=before.pk).update(gone_at=now)
    _record("revocation.gone", source, row, now, reason=before.reason)


def _record(kind: str, source: RevocationSource, row: Certificate, now: datetime, **data: object) -> None:
    ids: list[UUID | None] = [each.pk for each in concerned(row)] or [None]
    for partnership_id in ids:
        audit.record(
            kind,
            now=now,
            actor=acting.PORTAL,
            organization_id=source.owner_id,
            partnership_id=partnership_id,
            subject=("certificate", row.sha256),
            data={"what": name_of(source), "label": label_of(row), "sha256": row.sha256, "url": source.url} | data,
        )
