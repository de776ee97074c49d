"""The keys inside a public key block that really belong to it.

A primary key may *claim* any subkey, somebody else's too. Only a subkey that signs back (the "primary key
binding" of RFC 9580 section 10.1.5) agreed to it. Without that check one company could register a key
that adopts another's signing subkey and so take over, or block, its signatures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from trust.pki.openpgp import key_packet, signature_packet
from trust.pki.openpgp.errors import NotReadable
from trust.pki.openpgp.key_packet import KeyPacket
from trust.pki.openpgp.packets import Packet, Tag
from trust.pki.openpgp.signature_packet import CERTIFICATIONS, FLAG_SIGNS, Kind, SignaturePacket

_HASHES: dict[int, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    8: hashes.SHA256,
    9: hashes.SHA384,
    10: hashes.SHA512,
}
_EC_CURVES: dict[str, type[ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1]] = {
    "NIST P-256": ec.SECP256R1,
    "NIST P-384": ec.SECP384R1,
    "NIST P-521": ec.SECP521R1,
}


@dataclass(frozen=True, slots=True)
class Component:
    """One key of a block.

    `claims_to_sign` is what the newest binding says; `signed_back` whether the subkey agreed (always True
    for the primary key). Bindings themselves are checked by gpg at import.
    """

    key: KeyPacket
    is_primary: bool
    claims_to_sign: bool
    signed_back: bool
    bindings: tuple[SignaturePacket, ...]


@dataclass(frozen=True, slots=True)
class PublicKeyBlock:
    """A public key block by its parts: the components, user IDs as bytes, and the signatures by the primary."""

    primary: Component
    subkeys: tuple[Component, ...]
    user_ids: tuple[bytes, ...]
    self_signatures: tuple[SignaturePacket, ...]

    @property
    def components(self) -> tuple[Component, ...]:
        """The primary key, then the subkeys that signed back."""
        return (self.primary, *(subkey for subkey in self.subkeys if subkey.signed_back))


def read(packets: Sequence[Packet]) -> PublicKeyBlock:
    """The parts of one public key block, whose first packet must be its only primary key.

    Raises:
        NotReadable: if a part cannot be read.
    """
    groups = _grouped(packets)
    head, *rest = groups
    primary = key_packet.read(head[0].body)
    primary_signatures = [found for group in groups for found in _signatures(group, primary)]
    user_ids = tuple(group[0].body for group in rest if group[0].tag == Tag.USER_ID)
    flags = [
        found.key_flags for found in primary_signatures if found.kind in CERTIFICATIONS or found.kind == Kind.DIRECT_KEY
    ]
    return PublicKeyBlock(
        primary=Component(
            key=primary,
            is_primary=True,
            claims_to_sign=any(flag is None or flag & FLAG_SIGNS for flag in flags),
            signed_back=True,
            bindings=tuple(primary_signatures),
        ),
        subkeys=tuple(_subkey(primary, group) for group in rest if group[0].tag == Tag.PUBLIC_SUBKEY),
        user_ids=user_ids,
        self_signatures=tuple(primary_signatures),
    )


def _grouped(packets: Sequence[Packet]) -> list[list[Packet]]:
    """Each key, user ID or attribute with the signatures that follow it."""
    groups: list[list[Packet]] = []
    for packet in packets:
        if packet.tag == Tag.SIGNATURE and groups:
            groups[-1].append(packet)
        elif packet.tag in (Tag.PUBLIC_KEY, Tag.PUBLIC_SUBKEY, Tag.USER_ID, Tag.USER_ATTRIBUTE):
            groups.append([packet])
    return groups


def _signatures(group: Sequence[Packet], primary: KeyPacket) -> list[SignaturePacket]:
    """The v4 signatures of a group that name `primary` as their issuer; strangers' ones drop out."""
    found = []
    for packet in group[1:]:
        if signature_packet.version_of(packet.body) != 4:
            continue
        signature = signature_packet.read(packet.body)
        if signature.issuer_fingerprint == primary.fingerprint or (
            signature.issuer_key_id is not None and primary.fingerprint.endswith(signature.issuer_key_id)
        ):
            found.append(signature)
    return found


def _subkey(primary: KeyPacket, group: Sequence[Packet]) -> Component:
    key = key_packet.read(group[0].body)
    bindings = tuple(item for item in _signatures(group, primary) if item.kind == Kind.SUBKEY_BINDING)
    return Component(
        key=key,
        is_primary=False,
        claims_to_sign=any(item.key_flags is None or item.key_flags & FLAG_SIGNS for item in bindings),
        signed_back=any(_is_signed_back(primary, key, item) for item in bindings),
        bindings=bindings,
    )


def _is_signed_back(primary: KeyPacket, subkey: KeyPacket, binding: SignaturePacket) -> bool:
    """Whether the binding embeds the subkey's own signature over both keys (RFC 9580 section 5.2.4)."""
    if binding.embedded is None:
        return False
    try:
        back = signature_packet.read(binding.embedded)
    except NotReadable:
        return False
    if back.kind != Kind.PRIMARY_KEY_BINDING or back.digest not in _HASHES:
        return False
    covered = b"".join(b"\x99" + len(key.body).to_bytes(2, "big") + key.body for key in (primary, subkey))
    trailer = b"\x04\xff" + len(back.hashed_prefix).to_bytes(4, "big")
    return _verifies(subkey, back, covered + back.hashed_prefix + trailer)


def _verifies(key: KeyPacket, signature: SignaturePacket, signed: bytes) -> bool:
    algorithm = _HASHES[signature.digest]()
    hasher = hashes.Hash(algorithm)
    hasher.update(signed)
    digest = hasher.finalize()
    try:
        if key.algorithm in key_packet.RSA_ALGORITHMS:
            _verify_rsa(key, signature.material, digest, algorithm)
        elif key.algorithm == key_packet.ECDSA:
            _verify_ecdsa(key, signature.material, digest, algorithm)
        elif key.algorithm == key_packet.EDDSA and key.curve == "Ed25519":
            _verify_ed25519(key, signature.material, digest)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError, NotReadable):
        return False
    return True


def _verify_rsa(key: KeyPacket, material: bytes, digest: bytes, algorithm: hashes.HashAlgorithm) -> None:
    modulus, position = key_packet.number(key.body, 6)
    exponent, _ = key_packet.number(key.body, position)
    public = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()
    value, _ = key_packet.number(material, 0)
    padded = value.rjust((public.key_size + 7) // 8, b"\0")
    public.verify(padded, digest, padding.PKCS1v15(), Prehashed(algorithm))


def _verify_ecdsa(key: KeyPacket, material: bytes, digest: bytes, algorithm: hashes.HashAlgorithm) -> None:
    curve = _EC_CURVES[key.curve or ""]()
    point, _ = key_packet.number(key.body, 7 + key.body[6])
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    r, position = key_packet.number(material, 0)
    s, _ = key_packet.number(material, position)
    encoded = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    public.verify(encoded, digest, ec.ECDSA(Prehashed(algorithm)))


def _verify_ed25519(key: KeyPacket, material: bytes, digest: bytes) -> None:
    point, _ = key_packet.number(key.body, 7 + key.body[6])
    # The point carries the prefix octet 0x40 for "native" form (RFC 9580 section 11.2).
    public = ed25519.Ed25519PublicKey.from_public_bytes(point.removeprefix(b"\x40"))
    r, position = key_packet.number(material, 0)
    s, _ = key_packet.number(material, position)
    public.verify(r.rjust(32, b"\0") + s.rjust(32, b"\0"), digest)
