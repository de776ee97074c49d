"""Real certificates and CRLs. Everything is valid by default; a test names the one thing that it spoils.

    hierarchy = certificates.hierarchy()                     # the guide's three tiers, ECDSA P-256
    certificates.root(key=certificates.rsa_key(1024))        # one deviation
    certificates.issuing_ca(hierarchy.policy, path_length=None)

Keys are made once for a test run and drawn from a pool by name, because making them is what costs.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.moments import EVERYTHING_VALID
from trust.pki.certificates import CertificateFacts, read_certificate

YEAR = timedelta(days=365)
DAY = timedelta(days=1)
_KEEP: Any = object()


@cache
def ec_key(name: str = "any", curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """A named EC key, P-256 unless said otherwise. The same name gives the same key."""
    return ec.generate_private_key(curve or ec.SECP256R1())


@cache
def rsa_key(bits: int = 3072, name: str = "any", exponent: int = 65537) -> rsa.RSAPrivateKey:
    """A named RSA key."""
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


@dataclass(frozen=True)
class Made:
    """A certificate with the key that belongs to it."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def facts(self) -> CertificateFacts:
        return read_certificate(self.der)

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def key_pem(self, *, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> bytes:
        """The private key as PEM, for attacks."""
        return self._key(Encoding.PEM, form, password)

    def key_der(self, *, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> bytes:
        """The private key as DER, for attacks."""
        return self._key(Encoding.DER, form, password)

    def _key(self, encoding: Encoding, form: PrivateFormat, password: bytes | None) -> bytes:
        protection = BestAvailableEncryption(password) if password else NoEncryption()
        return self.key.private_bytes(encoding, form, protection)

    @property
    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def name(common_name: str, organization: str = "Alder Inc", unit: str = "Security") -> x509.Name:
    """A name in the guide's form."""
    parts = [(NameOID.COUNTRY_NAME, "US"), (NameOID.ORGANIZATION_NAME, organization)]
    parts += [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit), (NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def make(
    *,
    subject: x509.Name | str,
    key: Any,
    issuer: Made | None = None,
    signing_key: Any = None,
    issuer_name: x509.Name | None = None,
    not_before: datetime = EVERYTHING_VALID - DAY,
    lifetime: timedelta,
    not_after: datetime | None = None,
    ca: bool | None = True,
    path_length: int | None = None,
    basic_constraints_critical: bool = True,
    key_usage: Sequence[str] | None = ("key_cert_sign", "crl_sign"),
    key_usage_critical: bool = True,
    subject_key_identifier: bool = True,
    authority_key_identifier: bool = True,
    digest: hashes.HashAlgorithm | None = _KEEP,
    serial: int | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    public_key: Any = None,
) -> Made:
    """Make any certificate. Without `issuer` it signs itself. `ca=None` leaves out basicConstraints."""
    signing_key = signing_key or (issuer.key if issuer else key)
    subject = name(subject) if isinstance(subject, str) else subject
    public = public_key or key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else subject))
        .public_key(public)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after or not_before + lifetime)
    )
    if ca is not None:
        constraints = x509.BasicConstraints(ca=ca, path_length=path_length)
        builder = builder.add_extension(constraints, critical=basic_constraints_critical)
    if key_usage is not None:
        builder = builder.add_extension(_usage(key_usage), critical=key_usage_critical)
    if subject_key_identifier:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    if authority_key_identifier and issuer:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.certificate.public_key())
        builder = builder.add_extension(identifier, critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    chosen = hashes.SHA256() if digest is _KEEP else digest
    return Made(builder.sign(signing_key, chosen), key)


_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def _usage(uses: Sequence[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use in uses for use in _USAGES})


def root(common_name: str = "Alder Root CA", **deviation: Any) -> Made:
    """A root: 20 years, path length 2."""
    valid = {"key": ec_key(common_name), "subject": common_name, "lifetime": 19 * YEAR, "path_length": 2}
    return make(**(valid | deviation))


def policy_ca(issuer: Made | None = None, common_name: str = "Alder Policy CA", **deviation: Any) -> Made:
    """A policy CA (the guide's intermediate): eight years, path length 1."""
    valid = {"key": ec_key(common_name), "subject": common_name, "lifetime": 7 * YEAR, "path_length": 1}
    return make(issuer=issuer or root(), **(valid | deviation))


def issuing_ca(issuer: Made | None = None, common_name: str = "Alder Issuing CA", **deviation: Any) -> Made:
    """An issuing CA: two years, path length 0."""
    valid = {"key": ec_key(common_name), "subject": common_name, "lifetime": 700 * DAY, "path_length": 0}
    return make(issuer=issuer or policy_ca(), **(valid | deviation))


def leaf(issuer: Made | None = None, service: str = "orders", **deviation: Any) -> Made:
    """A service certificate for client and server, with the guide's SPIFFE and DNS names."""
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName(f"{service}.alder.example"),
            x509.UniformResourceIdentifier(f"spiffe://alder.example/prod/{service}"),
        ]
    )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    valid = {
        "key": ec_key(service),
        "subject": name(f"{service}.alder.example", unit="Production"),
        "lifetime": 60 * DAY,
        "ca": False,
        "key_usage": ("digital_signature",),
        "extensions": ((names, False), (purposes, False)),
    }
    return make(issuer=issuer or issuing_ca(), **(valid | deviation))


@dataclass(frozen=True)
class Hierarchy:
    """Three tiers of CAs and a service certificate."""

    root: Made
    policy: Made
    issuing: Made
    leaf: Made

    @property
    def cas(self) -> tuple[Made, Made, Made]:
        return (self.root, self.policy, self.issuing)

    @property
    def bundle(self) -> bytes:
        """The CAs as one PEM file, root first."""
        return b"".join(ca.pem for ca in self.cas)


def hierarchy(company: str = "Alder", *, guide: bool = False, **for_root: Any) -> Hierarchy:
    """The guide's three tiers. With `guide` also its gaps: see its sections 2.2 and 2.3."""
    gaps: dict[str, Any] = {"basic_constraints_critical": False, "lifetime": 3650 * DAY} if guide else {}
    netscape = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.16.840.1.113730.1.1"), b"\x03\x02\x00\x04")
    if guide:
        for_root = {"extensions": ((netscape, False),), "digest": hashes.SHA384()} | for_root
    top = root(subject=name(f"{company} Root CA", f"{company} Inc"), key=ec_key(f"{company} root"), **for_root)
    policy = policy_ca(
        top,
        subject=name(f"{company} Intermediate CA", f"{company} Inc", "Platform Engineering"),
        key=ec_key(f"{company} policy"),
        **gaps,
    )
    issuing = issuing_ca(
        policy,
        subject=name(f"{company} Issuing CA", f"{company} Inc", "Automation"),
        key=ec_key(f"{company} issuing"),
    )
    return Hierarchy(top, policy, issuing, leaf(issuing))


def crl(
    issuer: Made,
    *,
    revoked: Sequence[Made] = (),
    number: int | None = 1,
    this_update: datetime = EVERYTHING_VALID - timedelta(hours=1),
    next_update: datetime | None = EVERYTHING_VALID + DAY,
    signing_key: Any = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """A CRL as DER."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(this_update).next_update(next_update or this_update + DAY)
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        entry = entry.revocation_date(this_update)
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.ca_compromise), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(signing_key or issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def pem(label: str, der: bytes) -> bytes:
    """Any bytes as a PEM block with any label."""
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


_WEAK = {"md5": b"\x04", "sha1": b"\x05"}


def weakly_signed(made: Made, issuer: Made, digest: hashes.HashAlgorithm) -> Made:
    """The same certificate signed with SHA-1 or MD5, which the library no longer does. Both keys must be RSA."""
    sha256 = bytes.fromhex("2a864886f70d01010b")
    weak = sha256[:-1] + _WEAK[digest.name]
    old = made.certificate.tbs_certificate_bytes
    new = old.replace(sha256, weak)
    signature = issuer.key.sign(new, padding.PKCS1v15(), digest)
    der = made.der.replace(old, new).replace(sha256, weak).replace(made.certificate.signature, signature)
    return Made(x509.load_der_x509_certificate(der), made.key)
