"""What stands in one signature packet (RFC 9580 section 5.2). Read, not believed: nothing here is checked
against a key, and only the hashed part is covered by the signature at all.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from trust.pki.openpgp.errors import NotReadable


class Kind(IntEnum):
    """Signature types that we meet (RFC 9580 section 5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    SUBKEY_BINDING = 0x18
    PRIMARY_KEY_BINDING = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20


class _Sub(IntEnum):
    CREATED = 2
    KEY_EXPIRATION = 9
    ISSUER = 16
    KEY_FLAGS = 27
    EMBEDDED = 32
    ISSUER_FINGERPRINT = 33


CERTIFICATIONS = range(0x10, 0x14)

# RFC 9580 section 9.5. Everything else (MD5, SHA-1, RIPEMD-160, SHA-224) is not accepted.
DIGESTS = {8: "SHA256", 9: "SHA384", 10: "SHA512"}
WEAK_DIGESTS = {1: "MD5", 2: "SHA1", 3: "RIPEMD160", 11: "SHA224"}

# RFC 9580 section 9.1: RSA, ECDSA, EdDSA as GnuPG 2.2 writes it. Not DSA (17).
PUBLIC_KEY_ALGORITHMS = {1: "RSA", 19: "ECDSA", 22: "EdDSA"}

FLAG_SIGNS = 0x02


@dataclass(frozen=True, slots=True)
class SignaturePacket:
    """The fields of one v4 signature.

    `issuer_fingerprint` comes from the hashed part only, lower-case hex. `key_flags` is None when the
    packet does not say. `hashed_prefix` is the leading part that the signature covers, `material` the
    numbers at its end.
    """

    version: int
    kind: int
    public_key_algorithm: int
    digest: int
    created_at: datetime | None
    issuer_fingerprint: str | None
    issuer_key_id: str | None
    key_flags: int | None
    embedded: bytes | None
    hashed_prefix: bytes
    material: bytes

    @property
    def digest_name(self) -> str:
        """The digest's name as OpenPGP spells it."""
        return DIGESTS.get(self.digest) or WEAK_DIGESTS.get(self.digest) or f"digest {self.digest}"


def version_of(body: bytes) -> int:
    """The version of a signature packet; 0 for an empty one."""
    return body[0] if body else 0


def read(body: bytes) -> SignaturePacket:
    """The fields of a v4 signature packet's body.

    Raises:
        NotReadable: if the packet is not version 4 or its parts do not fit together.
    """
    if version_of(body) != 4:
        raise NotReadable(
            f"The signature is version {version_of(body)}; only version 4 is accepted.",
            code="openpgp_signature_version",
        )
    if len(body) < 10:
        raise NotReadable("The signature is cut off.", code="openpgp_cut_off")
    hashed_size = int.from_bytes(body[4:6], "big")
    unhashed_start = 8 + hashed_size
    hashed_raw = body[6 : 6 + hashed_size]
    unhashed_size = int.from_bytes(body[6 + hashed_size : unhashed_start], "big")
    unhashed_raw = body[unhashed_start : unhashed_start + unhashed_size]
    if len(body) < unhashed_start + unhashed_size + 2:
        raise NotReadable("The signature's parts do not fit together.", code="openpgp_cut_off")
    hashed, unhashed = _subpackets(hashed_raw), _subpackets(unhashed_raw)
    return SignaturePacket(
        version=4,
        kind=body[1],
        public_key_algorithm=body[2],
        digest=body[3],
        created_at=_moment(hashed.get(_Sub.CREATED)),
        issuer_fingerprint=_fingerprint(hashed.get(_Sub.ISSUER_FINGERPRINT)),
        issuer_key_id=_hex(hashed.get(_Sub.ISSUER) or unhashed.get(_Sub.ISSUER)),
        key_flags=_flags(hashed.get(_Sub.KEY_FLAGS)),
        # The back-signature protects itself, so that it may stand in either part (section 5.2.3.34).
        embedded=hashed.get(_Sub.EMBEDDED) or unhashed.get(_Sub.EMBEDDED),
        hashed_prefix=body[: 6 + hashed_size],
        material=body[unhashed_start + unhashed_size + 2 :],
    )


def _subpackets(area: bytes) -> dict[int, bytes]:
    """Subpackets by type; of several with one type the last counts (RFC 9580 section 5.2.4.1)."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(area):
        size, position = _subpacket_length(area, position)
        if size < 1 or position + size > len(area):
            raise NotReadable("The signature's subpackets do not fit together.", code="openpgp_cut_off")
        found[area[position] & 0x7F] = area[position + 1 : position + size]
        position += size
    return found


def _subpacket_length(area: bytes, position: int) -> tuple[int, int]:
    first = area[position]
    if first < 192:
        return first, position + 1
    if first < 255:
        second = area[position + 1] if position + 1 < len(area) else 0
        return ((first - 192) << 8) + second + 192, position + 2
    return int.from_bytes(area[position + 1 : position + 5], "big"), position + 5


def _moment(value: bytes | None) -> datetime | None:
    return datetime.fromtimestamp(int.from_bytes(value, "big"), tz=UTC) if value and len(value) == 4 else None


def _fingerprint(value: bytes | None) -> str | None:
    """The fingerprint behind its version octet: 20 bytes for v4, 32 for v6 (section 5.2.3.35)."""
    if value and (value[0], len(value)) in ((4, 21), (6, 33)):
        return value[1:].hex()
    return None


def _flags(value: bytes | None) -> int | None:
    if value is None:
        return None
    return value[0] if value else 0


def _hex(value: bytes | None) -> str | None:
    return value.hex() if value else None
