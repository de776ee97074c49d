"""Signatures of certificates and CRLs, including the ones that the library no longer wants to judge."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_LEGACY_DIGESTS = frozenset({"sha1", "md5"})


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether the key of `issuer` made the signature on `certificate`, and the names match (RFC 5280
    6.1.3).

    Answers for SHA-1 and MD5 with RSA too, because whether a digest is too weak is another question: three
    roots of the public web signed themselves with SHA-1.
    """
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    # ValueError: names differ, or the algorithm is not supported or does not fit the key. TypeError: key
    # type.
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return certificate.issuer == issuer.subject and _legacy_signature_holds(certificate, issuer)
    return True


def _legacy_signature_holds(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if digest_name(certificate) not in _LEGACY_DIGESTS:
        return False
    key, digest = issuer.public_key(), certificate.signature_hash_algorithm
    if not isinstance(key, rsa.RSAPublicKey) or digest is None:
        return False
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), digest)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def digest_name(signed: x509.Certificate | x509.CertificateRevocationList) -> str | None:
    """Return for example `sha256`, or None where the algorithm has no separate digest or is unknown."""
    try:
        digest = signed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return digest.name if digest else None


def algorithm_name(oid: x509.ObjectIdentifier) -> str:
    """Return the algorithm's usual name, or its dotted number."""
    name = getattr(oid, "_name", "")
    return name if name and name != "Unknown OID" else oid.dotted_string
