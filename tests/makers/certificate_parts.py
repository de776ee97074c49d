"""Certificates that no library makes: the parts of a real one are exchanged, and it is signed again.

spoiled(root(), serial=integer(-5))              # one deviation, and a good signature
spoiled(root(), version=None, extensions=None)   # an X.509 version 1 certificate
"""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from tests.makers.certificates import Made
from trust.pki import der as tlv

PARTS = ("version", "serial", "algorithm", "issuer", "validity", "subject", "key", "extensions")
VERSION, EXTENSIONS = 0xA0, 0xA3
INTEGER, BIT_STRING, UTC_TIME, GENERALIZED_TIME, SEQUENCE = 0x02, 0x03, 0x17, 0x18, 0x30


def element(tag: int, *contents: bytes) -> bytes:
    """One DER element."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def integer(value: int) -> bytes:
    """A DER integer of any size and sign."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def validity(not_before: str, not_after: str, tag: int = UTC_TIME) -> bytes:
    """A validity with moments as they stand in the bytes: ``validity("260101000000Z", "460101000000Z")``."""
    return element(SEQUENCE, *(element(tag, text.encode()) for text in (not_before, not_after)))


def version(number: int) -> bytes:
    """The version part; version 3 is the number 2."""
    return element(VERSION, integer(number))


def parts(made: Made) -> dict[str, bytes]:
    """The parts of what is signed, by name, each with its header."""
    signed = tlv.read_exactly(made.der, SEQUENCE).children()[0]
    found = [signed.content[one.start : one.end] for one in signed.children()]
    return dict(zip(PARTS, found, strict=True))


def spoiled(made: Made, *, signing_key=None, outer_algorithm: bytes | None = None, **changes: bytes | None) -> bytes:
    """The DER of a certificate with other parts, signed again; None leaves a part out."""
    assert set(changes) <= set(PARTS), "no such part"
    kept = parts(made) | changes
    signed = element(SEQUENCE, *(part for part in kept.values() if part is not None))
    signature = _sign(signing_key or made.key, signed)
    return element(SEQUENCE, signed, outer_algorithm or parts(made)["algorithm"], element(BIT_STRING, b"\0", signature))


def _sign(key, signed: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def named(made: Made, kind: int, value: bytes = b"Alder Root CA") -> bytes:
    """The DER of a root whose common name is a value of any kind, by its tag, signed again."""
    pair = element(SEQUENCE, bytes.fromhex("0603550403"), element(kind, value))
    name = element(SEQUENCE, element(tlv.SET, pair))
    return spoiled(made, subject=name, issuer=name)
