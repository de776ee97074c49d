"""Which certificate signed which, by checking the signatures and not by comparing names alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm


def issuers(ders: Mapping[str, bytes]) -> dict[str, frozenset[str]]:
    """Return for each certificate the digests of those whose key made its signature, itself excluded.

    ``ders`` maps digest to DER. Cross-signed authorities with one name and one key are all named. The time grows with the number
    of certificates that share a name, not with the square of their number.
    """
    read = {digest: x509.load_der_x509_certificate(der) for digest, der in ders.items()}
    by_subject: dict[bytes, list[str]] = defaultdict(list)
    for digest, certificate in read.items():
        by_subject[certificate.subject.public_bytes()].append(digest)
    return {
        digest: frozenset(_signers(digest, certificate, by_subject[certificate.issuer.public_bytes()], read))
        for digest, certificate in read.items()
    }


def _signers(
    digest: str, certificate: x509.Certificate, candidates: Iterable[str], read: Mapping[str, x509.Certificate]
) -> Iterable[str]:
    for candidate in candidates:
        if candidate != digest and _signed(certificate, read[candidate]):
            yield candidate


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
