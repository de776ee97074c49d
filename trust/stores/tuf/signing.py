"""Keys and signatures of TUF metadata. No database: keys go in as PEM, signed bytes come out."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from trust.stores.tuf import rules


def new_key() -> str:
    """Return a new Ed25519 private key as PKCS#8 PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def signer(pem: str, passphrase: bytes | None = None) -> CryptoSigner:
    """Return who signs with a key. Raises ValueError for what is no key, or a wrong or missing passphrase."""
    try:
        key = load_pem_private_key(pem.encode("ascii"), passphrase)
    except TypeError as error:  # cryptography's word for a passphrase too many or too few
        raise ValueError(str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("This is not an Ed25519 key.")
    return CryptoSigner(key)


def public(pem: str) -> Key:
    """Return the public half of a private key."""
    return signer(pem).public_key


def sign(signed: Root | Snapshot | Targets | Timestamp, pems: Iterable[str]) -> bytes:
    """Return ``signed`` as a file with the signatures of all ``pems``."""
    metadata: Metadata[Any] = Metadata(signed)
    for pem in pems:
        metadata.sign(signer(pem), append=True)
    return to_bytes(metadata)


def to_bytes(metadata: Metadata[Any]) -> bytes:
    """Return a signed file, compact; validated by reading it again."""
    return JSONSerializer(compact=True, validate=True).serialize(metadata)


def root(
    *, version: int, expires: Any, root_keys: Mapping[str, Any], threshold: int, online: Mapping[str, Key], about: Any
) -> Root:
    """Return an unsigned root that names the root keys and one key for each online role."""
    made = Root(
        version=version, expires=expires, consistent_snapshot=True, unrecognized_fields={"x-trust-exchange": about}
    )
    for keyid, key in root_keys.items():
        made.add_key(Key.from_dict(keyid, json.loads(json.dumps(key))), rules.ROOT)
    made.roles[rules.ROOT].threshold = threshold
    for role, key in online.items():
        made.add_key(key, role)
    return made


def missing_signatures(content: bytes, previous: bytes | None) -> int:
    """Return how many signatures a root still needs: by its own keys and, if there was one before, by that one's.

    Signatures are counted by key, never by their number. Raises tuf's RepositoryError for what is no root.
    """
    metadata: Metadata[Root] = Metadata[Root].from_bytes(content)
    before = Metadata[Root].from_bytes(previous).signed if previous else None
    result = metadata.signed.get_root_verification_result(before, metadata.signed_bytes, metadata.signatures)
    return max(0, result.first.missing, result.second.missing)


def read_targets(content: bytes) -> Targets:
    """Return the signed part of targets metadata that the portal made itself."""
    return Metadata[Targets].from_bytes(content).signed


def encrypted(pem: str, passphrase: bytes | None) -> str:
    """Return a private key encrypted with a passphrase, or as it is when there is none."""
    if not passphrase:
        return pem
    key = load_pem_private_key(pem.encode("ascii"), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)).decode("ascii")
