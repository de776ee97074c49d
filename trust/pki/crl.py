"""What a certificate revocation list says, read once and completely (RFC 5280 5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

from trust.pki import der as tlv
from trust.pki.certificates import Unreadable
from trust.pki.display import escape
from trust.pki.findings import refuses
from trust.pki.names import Name, read_name
from trust.pki.pem import looks_like_pem, read_pem
from trust.pki.signatures import digest_name


@dataclass(frozen=True, slots=True)
class Revocation:
    """One entry: serial as hex text, moment, and the reason's name in RFC 5280 spelling or None."""

    serial: str
    revoked_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class CrlFacts:
    """Everything that the portal uses of one CRL. Hashes are lower-case hex, moments aware UTC.

    With `has_unknown_critical`, the list or an entry has a critical extension that nobody here knows, so a program must not
    use it to tell that a certificate is good (RFC 5280 5.2 and 5.3).
    """

    der: bytes = field(repr=False)
    sha256: str
    issuer: Name
    number: int | None
    this_update: datetime
    next_update: datetime | None
    authority_key_identifier: str | None
    signature_digest: str | None
    is_delta: bool
    is_partitioned: bool
    has_unknown_critical: bool
    count: int
    revocations: tuple[Revocation, ...] = field(repr=False)

    def load(self) -> x509.CertificateRevocationList:
        """Return the library's object for signature checks."""
        return x509.load_der_x509_crl(self.der)


def read_crl(der: bytes, *, entries: bool = True) -> CrlFacts:
    """Read one DER CRL completely (RFC 5280 5.1). Raises Unreadable.

    Without ``entries``, ``revocations`` stays empty: reading 200,000 out takes longer than everything else, and whoever
    asks about a few certificates looks them up (``revoked_on``).
    """
    try:
        return _read(der, entries)
    # As for certificates: whatever the library raises for hostile input, the CRL cannot be used.
    except Exception as error:
        raise Unreadable(escape(str(error).split("\n", 1)[0], limit=200) or type(error).__name__) from None


def crl_der(content: bytes) -> bytes:
    """Return the DER of a file that is one CRL, as DER or as PEM (RFC 5280 4.2.1.13 asks for DER; both are met).

    Raises Unreadable for anything else beside it.
    """
    if not looks_like_pem(content):
        return content
    read = read_pem(content)
    if refuses(read.findings) or [block.label for block in read.blocks] != ["X509 CRL"]:
        raise Unreadable("it is not one CRL")
    return read.blocks[0].der


def revoked_on(crl: x509.CertificateRevocationList, serial: str) -> Revocation | None:
    """Return the entry about a serial number (hex), or None. ``removeFromCRL`` is no revocation (RFC 5280 5.3.1)."""
    number = int(serial, 16)
    found = crl.get_revoked_certificate_by_serial_number(number) if number > 0 else None
    entry = _revocation(found) if found is not None else None
    return None if entry is None or entry.reason == "removeFromCRL" else entry


def _read(der: bytes, entries: bool) -> CrlFacts:
    loaded = x509.load_der_x509_crl(der)
    extensions = {extension.oid: extension.value for extension in loaded.extensions}
    number = extensions.get(x509.CRLNumber.oid)
    authority = extensions.get(x509.AuthorityKeyIdentifier.oid)
    return CrlFacts(
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        issuer=read_name(loaded.issuer, _issuer_bytes(der)),
        number=number.crl_number if isinstance(number, x509.CRLNumber) else None,
        this_update=loaded.last_update_utc,
        next_update=loaded.next_update_utc,
        authority_key_identifier=authority.key_identifier.hex()
        if isinstance(authority, x509.AuthorityKeyIdentifier) and authority.key_identifier
        else None,
        signature_digest=digest_name(loaded),
        is_delta=x509.DeltaCRLIndicator.oid in extensions,
        is_partitioned=x509.IssuingDistributionPoint.oid in extensions,
        has_unknown_critical=_unknown_critical(loaded.extensions)
        or any(_unknown_critical(entry.extensions) for entry in loaded),
        count=len(loaded),
        revocations=tuple(_revocation(entry) for entry in loaded) if entries else (),
    )


def _issuer_bytes(der: bytes) -> bytes:
    to_be_signed = tlv.read_exactly(der, tlv.SEQUENCE).children()[0]
    fields = [one for one in to_be_signed.children() if one.tag != tlv.INTEGER]  # the version is optional
    return to_be_signed.content[fields[1].start : fields[1].end]


def _unknown_critical(extensions: x509.Extensions) -> bool:
    return any(one.critical and isinstance(one.value, x509.UnrecognizedExtension) for one in extensions)


def _revocation(entry: x509.RevokedCertificate) -> Revocation:
    reason = next((one.value for one in entry.extensions if isinstance(one.value, x509.CRLReason)), None)
    return Revocation(
        serial=f"{entry.serial_number:x}",
        revoked_at=entry.revocation_date_utc,
        reason=reason.reason.value if reason else None,
    )


def crl_is_signed_by(crl: CrlFacts, issuer: x509.Certificate) -> bool:
    """Tell whether the key of `issuer` signed the CRL (RFC 5280 6.3.3). False too for algorithms that the library refuses."""
    try:
        return crl.load().is_signature_valid(cast("CertificateIssuerPublicKeyTypes", issuer.public_key()))
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
