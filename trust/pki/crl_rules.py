"""Rules about the CRLs of a package, held against its certificates (RFC 5280 5 and 6.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from trust.pki.about import about
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts
from trust.pki.codes import finding
from trust.pki.crl import CrlFacts, crl_is_signed_by
from trust.pki.findings import Finding

_CLOCK_SKEW = timedelta(minutes=5)
_WEAK_DIGESTS = frozenset({"md5", "sha1"})


def check_crls(
    crls: Sequence[CrlFacts],
    certificates: CertificateSet,
    *,
    now: datetime,
    samples: Sequence[CertificateFacts] = (),
    places: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """Yield what is wrong with the CRLs, and which CAs have none.

    `places` names each CRL by its SHA-256. Without any CRL there is nothing to say here: whether there must be one is for the
    agreement.
    """
    covered: set[str] = set()
    for crl in crls:
        where = (places or {}).get(crl.sha256, "in the package")
        signer, found = _check_signer(crl, certificates, where)
        yield from found
        yield from _check_itself(crl, where, now)
        if signer is not None:
            covered.add(signer.spki_sha256)
            yield from _check_offered(crl, certificates, samples, where)
    if crls:
        yield from (
            about(one, "crl_coverage", issuer=one.subject)
            for one in certificates
            if one.is_ca and one.spki_sha256 not in covered
        )


def signer_of(crl: CrlFacts, certificates: CertificateSet) -> CertificateFacts | None:
    """Return the CA of the set that has the CRL's issuer as its name and whose key signed it (RFC 5280 6.3.3), or None."""
    named = (one for one in certificates if one.subject.der == crl.issuer.der)
    return next((one for one in named if crl_is_signed_by(crl, one.load())), None)


def numbered(crls: Sequence[CrlFacts], certificates: CertificateSet) -> tuple[tuple[str, int, CrlFacts], ...]:
    """Return the full, signed CRLs with the key (SHA-256 of the public key) that signed each, and its number.

    Numbers grow for each issuer and scope (RFC 5280 5.2.3), so that a delta or a part says nothing about the full list.
    """
    full = [crl for crl in crls if crl.number is not None and not crl.is_delta and not crl.is_partitioned]
    signed = [(signer, crl) for crl in full if (signer := signer_of(crl, certificates)) is not None]
    return tuple((signer.spki_sha256, crl.number, crl) for signer, crl in signed if crl.number is not None)


def check_numbers(
    crls: Sequence[tuple[str, int, CrlFacts]], known: Mapping[str, int], places: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """Yield the CRLs whose number is lower than one that was seen before; `known` has the highest by the signing key."""
    for key, number, crl in crls:
        if number < known.get(key, 0):
            where = (places or {}).get(crl.sha256, "in the package")
            yield _say("crl_number_regressed", crl, where, number=number, known=known[key])


def _say(code: str, crl: CrlFacts, where: str, **words: object) -> Finding:
    return finding(code, where=where, issuer=crl.issuer, **words)  # type: ignore[arg-type]


def _check_signer(
    crl: CrlFacts, certificates: CertificateSet, where: str
) -> tuple[CertificateFacts | None, list[Finding]]:
    """Return the CA whose key signed the CRL, if it is in the set, and what to say about that."""
    named = [one for one in certificates if one.subject.der == crl.issuer.der]
    if not named:
        return None, [_say("crl_issuer_missing", crl, where)]
    signer = signer_of(crl, certificates)
    if signer is None:
        return None, [_say("crl_signature", crl, where)]
    if signer.key_usage is not None and "crl_sign" not in signer.key_usage:
        return signer, [_say("crl_signer_may_not_sign", crl, where)]
    return signer, []


def _check_itself(crl: CrlFacts, where: str, now: datetime) -> Iterator[Finding]:
    if crl.next_update is None:
        yield _say("crl_no_next_update", crl, where)
    elif crl.next_update < now:
        yield _say("crl_expired", crl, where, next_update=crl.next_update.strftime("%Y-%m-%d %H:%M UTC"))
    if crl.this_update > now + _CLOCK_SKEW:
        yield _say("crl_not_yet_valid", crl, where, this_update=crl.this_update.strftime("%Y-%m-%d %H:%M UTC"))
    if crl.number is None:
        yield _say("crl_no_number", crl, where)
    if crl.is_delta:
        yield _say("crl_delta", crl, where)
    elif crl.is_partitioned:
        yield _say("crl_partitioned", crl, where)
    if crl.has_unknown_critical:
        yield _say("crl_unknown_critical_extension", crl, where)
    if crl.signature_digest in _WEAK_DIGESTS:
        yield _say("crl_weak_signature", crl, where, digest=str(crl.signature_digest).upper())


def _check_offered(
    crl: CrlFacts, certificates: CertificateSet, samples: Sequence[CertificateFacts], where: str
) -> Iterator[Finding]:
    """A serial number means something only together with its issuer (RFC 5280 5.3)."""
    revoked = {entry.serial for entry in crl.revocations if entry.reason != "removeFromCRL"}
    for one in certificates:
        if one.issuer.der == crl.issuer.der and one.serial in revoked:
            yield about(one, "crl_revokes_offered_ca", where=where)
    for one in samples:
        if one.issuer.der == crl.issuer.der and one.serial in revoked:
            yield about(one, "sample_revoked", where=where)
