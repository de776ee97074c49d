"""Asking an OCSP responder about one certificate, and whether its answer may be believed (RFC 6960)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from trust.pki.certificates import CertificateFacts
from trust.pki.crl import Revocation
from trust.pki.crl_watch import CLOCK_SKEW, WEAK_DIGESTS, Standing, moment
from trust.pki.display import escape
from trust.pki.signatures import is_signed_by

CONTENT_TYPE = "application/ocsp-request"


@dataclass(frozen=True, slots=True)
class OcspVerdict:
    """What came of an answer. ``revocation`` is set when it says that the certificate is revoked; moments are aware UTC."""

    standing: Standing
    sentence: str
    this_update: datetime | None = None
    next_update: datetime | None = None
    revocation: Revocation | None = None


def ask(certificate: CertificateFacts, issuer: CertificateFacts) -> bytes:
    """Return the request about one certificate, as DER.

    The CertID is made with SHA-1, as RFC 5019 2.1.1 asks: it only names the certificate, and many responders know no other. There
    is no nonce, since answers may be made in advance; how old they are is judged instead.
    """
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate.load(), issuer.load(), hashes.SHA1())  # noqa: S303
    return builder.build().public_bytes(Encoding.DER)


def judge(
    content: bytes, certificate: CertificateFacts, issuer: CertificateFacts, *, now: datetime, longest: timedelta
) -> OcspVerdict:
    """Judge an answer about ``certificate``. Never raises for hostile input.

    ``longest`` is how old an answer may be that does not say when the next one comes. The steps are those of RFC 6960 3.2: it is
    about this certificate, its signature is good, its signer is the CA or was authorized by it, and it is recent.
    """
    try:
        return _judge(content, certificate, issuer, now, longest)
    # Whatever the library raises for hostile input, the answer says nothing.
    except Exception as error:
        said = escape(str(error).split("\n", 1)[0], limit=200) or type(error).__name__
        return OcspVerdict(Standing.UNUSABLE, f"What it answers cannot be read as OCSP: {said}.")


def _judge(
    content: bytes, certificate: CertificateFacts, issuer: CertificateFacts, now: datetime, longest: timedelta
) -> OcspVerdict:
    response = ocsp.load_der_ocsp_response(content)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        said = response.response_status.name.lower().replace("_", " ")
        return OcspVerdict(Standing.UNUSABLE, f"The responder answers “{said}”.")
    asked = ocsp.load_der_ocsp_request(ask(certificate, issuer))
    single = next((each for each in response.responses if _is_about(each, asked)), None)
    if single is None:
        return OcspVerdict(Standing.UNUSABLE, "The answer is about another certificate.")
    signer = _signer(response, issuer.load(), now)
    if isinstance(signer, str):
        return OcspVerdict(Standing.WRONG_SIGNER, signer)
    if not _is_signed_by(response, signer):
        return OcspVerdict(Standing.WRONG_SIGNER, "The signature of the answer is not the responder's.")
    digest = response.signature_hash_algorithm
    if digest is not None and digest.name in WEAK_DIGESTS:
        return OcspVerdict(Standing.UNUSABLE, f"The answer is signed with {digest.name.upper()}, which can be forged.")
    return _about(single, now, longest)


def _is_about(single: ocsp.OCSPSingleResponse, asked: ocsp.OCSPRequest) -> bool:
    return (
        single.serial_number == asked.serial_number
        and single.hash_algorithm.name == asked.hash_algorithm.name
        and single.issuer_key_hash == asked.issuer_key_hash
        and single.issuer_name_hash == asked.issuer_name_hash
    )


def _signer(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> x509.Certificate | str:
    """Return whose key must have signed: the CA's, or that of a responder to which the CA gave the right (4.2.2.2)."""
    if _is_responder(response, issuer):
        return issuer
    named = [each for each in response.certificates if _is_responder(response, each)]
    if not named:
        return "The answer is signed by somebody whom it does not name and who is not the CA."
    delegated = named[0]
    if not is_signed_by(delegated, issuer):
        return "The responder's certificate was not issued by the CA that it answers for."
    try:
        purposes = delegated.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    # anyExtendedKeyUsage is not enough: the right is given by this purpose and no other.
    if ExtendedKeyUsageOID.OCSP_SIGNING not in list(purposes):
        return "The responder's certificate is not for signing OCSP answers."
    if not delegated.not_valid_before_utc - CLOCK_SKEW <= now <= delegated.not_valid_after_utc + CLOCK_SKEW:
        return "The responder's certificate has expired, or is not valid yet."
    return delegated


def _is_responder(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    key = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return response.responder_key_hash == key.digest


def _is_signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, signature, signed = signer.public_key(), response.signature, response.tbs_response_bytes
    digest = response.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            scheme = response.signature_algorithm_oid == x509.oid.SignatureAlgorithmOID.RSASSA_PSS
            # RFC 8017 8.1.2: the salt is as long as the signer chose.
            pss = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
            key.verify(signature, signed, pss if scheme else padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(signature, signed, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _about(single: ocsp.OCSPSingleResponse, now: datetime, longest: timedelta) -> OcspVerdict:
    this, until = single.this_update_utc, single.next_update_utc
    if this > now + CLOCK_SKEW:
        return OcspVerdict(Standing.UNUSABLE, f"The answer is dated ahead of our clock: {moment(this)}.")
    revocation = None
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED and single.revocation_time_utc is not None:
        reason = single.revocation_reason
        revocation = Revocation(
            f"{single.serial_number:x}", single.revocation_time_utc, reason.value if reason else None
        )
    if (until or this + longest) <= now - CLOCK_SKEW:
        said = f"The answer is of {moment(this)} and its time is over."
        return OcspVerdict(Standing.STALE, said, this, until, revocation)
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return OcspVerdict(Standing.UNUSABLE, "The responder does not know the certificate.", this, until)
    status = "revoked" if revocation else "good"
    ends = f", until {moment(until)}" if until else ""
    return OcspVerdict(Standing.FRESH, f"Answers “{status}”{ends}.", this, until, revocation)
