"""What a certificate says, read once and completely.

`cryptography` finds many defects only when a field is first looked at. Here every field is looked at inside
one place, so that whoever holds a `CertificateFacts` never meets an exception later. It is a plain value:
it can be compared, pickled and sent between processes.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from trust.pki import der as tlv
from trust.pki import extensions as ext
from trust.pki.display import escape
from trust.pki.names import Name, read_name
from trust.pki.public_keys import PublicKey, read_public_key
from trust.pki.signatures import algorithm_name, digest_name, is_signed_by

# A root of the public web has serial number 0, and private CAs have three-letter countries. Both get their
# own finding or are harmless; the library's warnings would only repeat it in the log.
warnings.filterwarnings("ignore", message="Parsed a serial number which wasn't positive")
warnings.filterwarnings("ignore", message="Attribute's length must be")
warnings.filterwarnings("ignore", message="Country names should be two characters")


class Unreadable(ValueError):
    """The bytes are not one complete certificate. The text says why and is fit to be shown."""


@dataclass(frozen=True, slots=True, eq=False)
class CertificateFacts:
    """Everything that the portal uses of one certificate. Two are equal if their DER is.

    `sha256` and `spki_sha256` are lower-case hex. `serial` is hex text, because serial numbers outgrow
    every database integer. Moments are aware UTC. Names, URLs and other text are escaped for display
    already.
    """

    der: bytes = field(repr=False)
    sha256: str
    spki_sha256: str
    version: int
    serial: str
    serial_octets: int
    subject: Name
    issuer: Name
    not_before: datetime
    not_after: datetime
    early_generalized_time: bool
    public_key: PublicKey
    signature_algorithm: str
    signature_digest: str | None
    signature_algorithms_differ: bool
    has_basic_constraints: bool
    basic_constraints_critical: bool
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[str] | None
    key_usage_critical: bool
    extended_key_usage: tuple[str, ...]
    subject_key_identifier: str | None
    authority_key_identifier: str | None
    self_issued: bool
    self_signed: bool
    alternative_names: tuple[str, ...]
    permitted_names: tuple[str, ...]
    excluded_names: tuple[str, ...]
    name_constraints_critical: bool
    crl_urls: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    issuer_urls: tuple[str, ...]
    unknown_critical: tuple[str, ...]
    netscape_extensions: tuple[str, ...]

    @property
    def is_root(self) -> bool:
        """A CA that signed itself: what a chain may end in."""
        return self.is_ca and self.self_signed

    @property
    def has_name_constraints(self) -> bool:
        return bool(self.permitted_names or self.excluded_names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CertificateFacts) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.sha256)

    def load(self) -> x509.Certificate:
        """Return the library's object for signature checks. Loading costs about ten microseconds."""
        return x509.load_der_x509_certificate(self.der)


def read_certificate(der: bytes) -> CertificateFacts:
    """Read one DER certificate completely (RFC 5280 4.1). Raises Unreadable."""
    try:
        return _read(der)
    except Unreadable:
        raise
    # The library raises ValueError, InvalidVersion, DuplicateExtension, UnsupportedAlgorithm, TypeError and
    # others for hostile input. Whatever it is, it means that this certificate cannot be used.
    except Exception as error:
        raise Unreadable(escape(str(error).split("\n", 1)[0], limit=200) or type(error).__name__) from None


def _read(der: bytes) -> CertificateFacts:
    raw = tlv.certificate_fields(der)
    loaded = x509.load_der_x509_certificate(der)
    found = ext.Extensions(loaded.extensions)
    constraints = found.value(x509.BasicConstraints)
    names = found.value(x509.NameConstraints)
    self_issued = raw.subject == raw.issuer
    return CertificateFacts(
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        spki_sha256=hashlib.sha256(raw.spki).hexdigest(),
        version=loaded.version.value + 1,
        serial=_serial_text(raw.serial),
        serial_octets=len(raw.serial),
        subject=read_name(loaded.subject, raw.subject),
        issuer=read_name(loaded.issuer, raw.issuer),
        not_before=loaded.not_valid_before_utc,
        not_after=loaded.not_valid_after_utc,
        early_generalized_time=_early_generalized_time(raw, loaded),
        public_key=read_public_key(loaded, raw.spki),
        signature_algorithm=algorithm_name(loaded.signature_algorithm_oid),
        signature_digest=digest_name(loaded),
        signature_algorithms_differ=raw.inner_algorithm != raw.outer_algorithm,
        has_basic_constraints=constraints is not None,
        basic_constraints_critical=found.critical(x509.BasicConstraints),
        is_ca=constraints is not None and constraints.ca,
        path_length=constraints.path_length if constraints else None,
        key_usage=ext.key_usages(found.value(x509.KeyUsage)),
        key_usage_critical=found.critical(x509.KeyUsage),
        extended_key_usage=ext.purposes(found.value(x509.ExtendedKeyUsage)),
        subject_key_identifier=ext.subject_key_identifier(found.value(x509.SubjectKeyIdentifier)),
        authority_key_identifier=ext.authority_key_identifier(found.value(x509.AuthorityKeyIdentifier)),
        self_issued=self_issued,
        self_signed=self_issued and is_signed_by(loaded, loaded),
        alternative_names=ext.general_names(found.value(x509.SubjectAlternativeName)),
        permitted_names=ext.general_names(names.permitted_subtrees if names else None),
        excluded_names=ext.general_names(names.excluded_subtrees if names else None),
        name_constraints_critical=found.critical(x509.NameConstraints),
        crl_urls=ext.crl_urls(found.value(x509.CRLDistributionPoints)),
        ocsp_urls=ext.access_urls(found.value(x509.AuthorityInformationAccess), ext.OCSP),
        issuer_urls=ext.access_urls(found.value(x509.AuthorityInformationAccess), ext.CA_ISSUERS),
        unknown_critical=found.unknown_critical(),
        netscape_extensions=found.netscape(),
    )


def _serial_text(content: bytes) -> str:
    """Hex of the number, with a minus sign where the encoding is negative. Read from the DER: any length is
    allowed.
    """
    number = int.from_bytes(content, "big", signed=True)
    return f"{number:x}"


def _early_generalized_time(raw: tlv.CertificateFields, loaded: x509.Certificate) -> bool:
    moments = (
        (raw.not_before_tag, loaded.not_valid_before_utc),
        (raw.not_after_tag, loaded.not_valid_after_utc),
    )
    return any(tag == tlv.GENERALIZED_TIME and moment.year < 2050 for tag, moment in moments)
