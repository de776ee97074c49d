"""What stands in a public key packet (RFC 9580 section 5.5.2), and the fingerprint it has."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from trust.pki.openpgp.errors import NotReadable

RSA_ALGORITHMS = frozenset({1, 2, 3})
DSA = 17
ECDH = 18
ECDSA = 19
EDDSA = 22

# Curve identifiers of RFC 9580 section 9.2, without their length octet.
CURVES = {
    bytes.fromhex("2A8648CE3D030107"): "NIST P-256",
    bytes.fromhex("2B81040022"): "NIST P-384",
    bytes.fromhex("2B81040023"): "NIST P-521",
    bytes.fromhex("2B06010401DA470F01"): "Ed25519",
    bytes.fromhex("2B060104019755010501"): "Curve25519",
}
_CURVE_BITS = {"NIST P-256": 256, "NIST P-384": 384, "NIST P-521": 521, "Ed25519": 255, "Curve25519": 255}
_NAMES = {1: "RSA", 2: "RSA", 3: "RSA", 16: "ElGamal", 17: "DSA", 18: "ECDH", 19: "ECDSA", 22: "EdDSA"}
# How many multiprecision numbers the public part has (RFC 9580 section 5.5.5).
_PUBLIC_NUMBERS = {1: 2, 2: 2, 3: 2, 16: 3, 17: 4}


@dataclass(frozen=True, slots=True)
class KeyPacket:
    """A primary key or subkey. `curve` is None for keys without one and for curves we do not know."""

    version: int
    created_at: datetime
    algorithm: int
    curve: str | None
    bits: int | None
    fingerprint: str
    body: bytes

    @property
    def algorithm_name(self) -> str:
        """What to call the key: the curve where there is one, else the algorithm."""
        return self.curve or _NAMES.get(self.algorithm, f"algorithm {self.algorithm}")


def version_of(body: bytes) -> int:
    """The version of a key packet; 0 for an empty one."""
    return body[0] if body else 0


def read(body: bytes) -> KeyPacket:
    """The fields of a v4 public key or subkey.

    Raises:
        NotReadable: for another version or a body that is cut off.
    """
    if version_of(body) != 4 or len(body) < 8:
        raise NotReadable(
            f"The key is version {version_of(body)}; only version 4 keys are accepted.",
            code="openpgp_key_version",
            fix="Make a key with GnuPG's defaults, or with `--profile rfc4880` in Sequoia.",
        )
    algorithm = body[5]
    curve = _curve(algorithm, body)
    return KeyPacket(
        version=4,
        created_at=datetime.fromtimestamp(int.from_bytes(body[1:5], "big"), tz=UTC),
        algorithm=algorithm,
        curve=curve,
        bits=_CURVE_BITS.get(curve) if curve else _modulus_bits(algorithm, body),
        fingerprint=fingerprint(body),
        body=body,
    )


def fingerprint(body: bytes) -> str:
    """The v4 fingerprint: lower-case hex of SHA-1 over the key (RFC 9580 section 5.5.4.2).

    SHA-1 is what the format prescribes; finding a second key with the same fingerprint is a preimage
    problem, for which no attack on SHA-1 is known.
    """
    framed = b"\x99" + len(body).to_bytes(2, "big") + body
    return hashlib.sha1(framed, usedforsecurity=False).hexdigest()


def public_part(body: bytes) -> bytes | None:
    """The leading, public part of a v4 *secret* key packet, or None if it cannot be told apart."""
    if version_of(body) != 4 or len(body) < 8:
        return None
    try:
        position = 6
        if body[5] in (ECDH, ECDSA, EDDSA):
            position += 1 + body[6]
            _, position = number(body, position)
            position += 1 + body[position] if body[5] == ECDH else 0
        else:
            for _ in range(_PUBLIC_NUMBERS[body[5]]):
                _, position = number(body, position)
    except (KeyError, IndexError, NotReadable):
        return None
    return body[:position]


def number(data: bytes, position: int) -> tuple[bytes, int]:
    """The multiprecision number at `position` as bytes, and where it ends (RFC 9580 section 3.2).

    Raises:
        NotReadable: if it is cut off.
    """
    size = (int.from_bytes(data[position : position + 2], "big") + 7) // 8
    end = position + 2 + size
    if position + 2 > len(data) or end > len(data):
        raise NotReadable("A number in the key or signature is cut off.", code="openpgp_cut_off")
    return data[position + 2 : end], end


def _curve(algorithm: int, body: bytes) -> str | None:
    if algorithm not in (ECDH, ECDSA, EDDSA):
        return None
    return CURVES.get(body[7 : 7 + body[6]])


def _modulus_bits(algorithm: int, body: bytes) -> int | None:
    if algorithm in RSA_ALGORITHMS or algorithm in (16, DSA):
        modulus, _ = number(body, 6)
        return int.from_bytes(modulus, "big").bit_length()
    return None
