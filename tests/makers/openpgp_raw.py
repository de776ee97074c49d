"""OpenPGP packets written by hand, for what gpg refuses to make: the things that attackers send.

A `RawKey` is an Ed25519 key whose packets and signatures are put together byte by byte (RFC 9580).
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.moments import EVERYTHING_VALID
from trust.pki.openpgp import armor, key_packet
from trust.pki.openpgp.packets import Tag, encode
from trust.pki.openpgp.ring import RingKey
from trust.pki.openpgp.signature_packet import Kind

A_DAY_AGO = EVERYTHING_VALID - timedelta(days=1)
POSITIVE_CERTIFICATION = 0x13
CERTIFY, SIGN = 0x01, 0x02
_ED25519_OID = bytes.fromhex("092B06010401DA470F01")
_HASHES = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}


def subpacket(kind: int, value: bytes, *, critical: bool = False) -> bytes:
    """One signature subpacket."""
    body = bytes([kind | (0x80 if critical else 0)]) + value
    if len(body) < 192:
        return bytes([len(body)]) + body
    return b"\xff" + len(body).to_bytes(4, "big") + body


def notation(name: bytes, value: bytes) -> bytes:
    """A human-readable notation subpacket."""
    sizes = len(name).to_bytes(2, "big") + len(value).to_bytes(2, "big")
    return subpacket(20, b"\x80\x00\x00\x00" + sizes + name + value)


def _seconds(moment: datetime) -> bytes:
    return int(moment.timestamp()).to_bytes(4, "big")


def _number(value: bytes) -> bytes:
    stripped = value.lstrip(b"\0") or b"\0"
    return int.from_bytes(stripped, "big").bit_length().to_bytes(2, "big") + stripped


@dataclass
class RawKey:
    """An Ed25519 primary key or subkey made by hand."""

    created_at: datetime = A_DAY_AGO
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def body(self) -> bytes:
        """The body of the public key packet."""
        point = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return b"\x04" + _seconds(self.created_at) + b"\x16" + _ED25519_OID + _number(b"\x40" + point)

    @property
    def fingerprint(self) -> str:
        """The full fingerprint."""
        return key_packet.fingerprint(self.body)

    def signature(
        self,
        signed: bytes,
        *,
        kind: int = Kind.BINARY,
        digest: int = 8,
        made_at: datetime = EVERYTHING_VALID,
        hashed: bytes = b"",
        unhashed: bytes = b"",
        name_issuer: bool = True,
        version: int = 4,
    ) -> bytes:
        """The body of a signature packet over `signed`, valid unless told otherwise."""
        area = subpacket(2, _seconds(made_at)) + hashed
        if name_issuer:
            area = subpacket(33, b"\x04" + bytes.fromhex(self.fingerprint)) + area
        unhashed += subpacket(16, bytes.fromhex(self.fingerprint)[-8:])
        prefix = bytes([version, kind, 22, digest]) + len(area).to_bytes(2, "big") + area
        trailer = bytes([version]) + b"\xff" + len(prefix).to_bytes(4, "big")
        value = hashlib.new(_HASHES[digest], signed + prefix + trailer, usedforsecurity=False).digest()
        made = self.private.sign(value)
        numbers = _number(made[:32]) + _number(made[32:])
        return prefix + len(unhashed).to_bytes(2, "big") + unhashed + value[:2] + numbers

    def sign_detached(self, content: bytes, **changes: object) -> bytes:
        """A detached signature, armored, with `changes` handed to `signature`."""
        body = self.signature(content, **changes)  # type: ignore[arg-type]
        return armor.encode(armor.SIGNATURE, encode(Tag.SIGNATURE, body))

    def certified(self, user_id: bytes, *, flags: int = CERTIFY | SIGN, **changes: object) -> bytes:
        """A user ID packet with this key's own signature over it."""
        signed = _framed(self.body) + b"\xb4" + len(user_id).to_bytes(4, "big") + user_id
        year = subpacket(9, (366 * 86400).to_bytes(4, "big"))
        arguments: dict[str, object] = {
            "kind": POSITIVE_CERTIFICATION,
            "made_at": self.created_at,
            "hashed": subpacket(27, bytes([flags])) + year,
        }
        body = self.signature(signed, **(arguments | changes))  # type: ignore[arg-type]
        return encode(Tag.USER_ID, user_id) + encode(Tag.SIGNATURE, body)

    def bound(
        self, subkey_body: bytes, *, flags: int = SIGN, back_signer: "RawKey | None" = None, digest: int = 8
    ) -> bytes:
        """A subkey packet with this key's binding; signed back by `back_signer` if there is one."""
        signed = _framed(self.body) + _framed(subkey_body)
        hashed = subpacket(27, bytes([flags]))
        if back_signer:
            back = back_signer.signature(signed, kind=Kind.PRIMARY_KEY_BINDING, made_at=A_DAY_AGO)
            hashed += subpacket(32, back)
        binding = self.signature(signed, kind=Kind.SUBKEY_BINDING, made_at=A_DAY_AGO, hashed=hashed, digest=digest)
        return encode(Tag.PUBLIC_SUBKEY, subkey_body) + encode(Tag.SIGNATURE, binding)

    def public_block(
        self, *more: bytes, user_ids: tuple[bytes, ...] = (b"Mallory <mallory@example.net>",), **changes: object
    ) -> bytes:
        """The armored key block: the key, its user IDs with `changes`, and `more` packets."""
        certified = b"".join(self.certified(user_id, **changes) for user_id in user_ids)  # type: ignore[arg-type]
        data = encode(Tag.PUBLIC_KEY, self.body) + certified + b"".join(more)
        return armor.encode(armor.PUBLIC_KEY, data)

    def ring_key(self, *more: bytes, **changes: object) -> RingKey:
        """The key as a ring holds it."""
        return RingKey(self.fingerprint, self.public_block(*more, **changes))  # type: ignore[arg-type]


def _framed(body: bytes) -> bytes:
    return b"\x99" + len(body).to_bytes(2, "big") + body


def literal(content: bytes, *, name: bytes = b"", kind: bytes = b"b") -> bytes:
    """A literal data packet."""
    return encode(Tag.LITERAL, kind + bytes([len(name)]) + name + b"\0\0\0\0" + content)


def one_pass(key: RawKey, *, kind: int = Kind.BINARY) -> bytes:
    """A one-pass signature packet of `key`."""
    body = bytes([3, kind, 8, 22]) + bytes.fromhex(key.fingerprint)[-8:] + b"\x01"
    return encode(Tag.ONE_PASS_SIGNATURE, body)
