"""Public keys as they stand in a certificate's bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from trust.pki import der as tlv

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_EC_PUBLIC_KEY = "1.2.840.10045.2.1"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key. `algorithm` is RSA, EC, Ed25519, Ed448, DSA or a dotted number; `size` is in bits.

    `curve` only for EC; `modulus` and `exponent` only for RSA. `explicit_curve` says that the bytes spell
    out the curve's numbers, which the library's object does not tell (RFC 5480 2.1.1).
    """

    algorithm: str
    size: int | None = None
    curve: str | None = None
    explicit_curve: bool = False
    modulus: int | None = field(repr=False, default=None)
    exponent: int | None = None

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.algorithm, self.curve or self.size) if part)


def read_public_key(certificate: x509.Certificate, spki: bytes) -> PublicKey:
    """Read the key of `certificate`, whose SubjectPublicKeyInfo is `spki`. Raises ValueError for a broken
    key.
    """
    algorithm, parameters = _algorithm(spki)
    explicit = algorithm == _EC_PUBLIC_KEY and parameters != tlv.OBJECT_IDENTIFIER
    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm:
        return PublicKey(algorithm, explicit_curve=explicit)
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return PublicKey("RSA", key.key_size, modulus=numbers.n, exponent=numbers.e)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return PublicKey("EC", key.key_size, _CURVES.get(key.curve.name, key.curve.name), explicit)
    if isinstance(key, dsa.DSAPublicKey):
        return PublicKey("DSA", key.key_size)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey("Ed25519", 256)
    if isinstance(key, ed448.Ed448PublicKey):
        return PublicKey("Ed448", 456)
    return PublicKey(type(key).__name__.removesuffix("PublicKey"))


def _algorithm(spki: bytes) -> tuple[str, int | None]:
    """Return the algorithm's number and the tag of its parameters, None if there are none (RFC 5280
    4.1.2.7).
    """
    algorithm = tlv.read_exactly(spki, tlv.SEQUENCE).children()[0].children()
    parameters = algorithm[1].tag if len(algorithm) > 1 else None
    return tlv.oid_text(algorithm[0].content), parameters
