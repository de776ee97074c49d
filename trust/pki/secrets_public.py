"""The public half of a private key that was found, so that the same key can be refused for ever."""

from __future__ import annotations

import base64
import hashlib
import re

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_ssh_public_key,
)

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,64})-----")
_OPENSSH_MAGIC = b"openssh-key-v1\x00"


def public_spki_sha256(key: bytes) -> str | None:
    """Return the lower-case hex SHA-256 of the SubjectPublicKeyInfo of a private key in PEM or DER.

    None where it cannot be told: the key is encrypted, of an unknown kind, or broken. Never raises, and
    keeps nothing.
    """
    try:
        public = _public(key)
    # Whatever the library thinks of the key, it is refused; only the hash is then unknown.
    except Exception:
        return None
    return hashlib.sha256(public).hexdigest() if public else None


def _public(key: bytes) -> bytes | None:
    pem, label = _pem(key)
    if label == b"OPENSSH PRIVATE KEY":
        return _public_of_openssh(pem)
    # The checks that are skipped test whether primes are prime: a hostile key could make that take minutes.
    if label:
        private = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    else:
        private = load_der_private_key(key, None, unsafe_skip_rsa_key_validation=True)
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(key: bytes) -> tuple[bytes, bytes]:
    """Return the block that `key` begins with and its label; both empty if it does not begin with one."""
    begin = _BEGIN.match(key)
    end_line = b"-----END " + begin[1] + b"-----" if begin else b""
    end = key.find(end_line) if begin else -1
    return (key[: end + len(end_line)], begin[1]) if begin and end > 0 else (b"", b"")


def _public_of_openssh(pem: bytes) -> bytes | None:
    """The public key stands in the clear in front of the encrypted part (OpenSSH PROTOCOL.key)."""
    body = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    if not body.startswith(_OPENSSH_MAGIC):
        return None
    position = len(_OPENSSH_MAGIC)
    for _ in range(3):  # cipher, key derivation, its options
        position += 4 + int.from_bytes(body[position : position + 4], "big")
    position += 4  # number of keys
    length = int.from_bytes(body[position : position + 4], "big")
    blob = body[position + 4 : position + 4 + length]
    kind = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
    public = load_ssh_public_key(kind + b" " + base64.b64encode(blob))
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
