"""Making the portal's mail key, signing with it and encrypting to a recipient: in memory, by Sequoia. Plain Python.

gpg would want the private key in a home on disk and an agent beside it. Here it lives as long as one call; what is at rest is
sealed in the database. Recipients check with whatever they have; the tests do with gpg.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pysequoia

MICALG = "pgp-sha512"  # what Sequoia signs with; RFC 3156 section 5 wants it named
LIFETIME = timedelta(days=3 * 365)


class CannotEncrypt(Exception):
    """Nothing can be encrypted to this key: it has expired, is revoked or weak, or has no part for encryption."""


@dataclass(frozen=True)
class MadeKey:
    """A new key: its private block is for sealing only, its public block for everybody."""

    fingerprint: str  # lower-case hex
    private_block: str
    public_block: str
    expires_at: datetime


def make_key(user_id: str) -> MadeKey:
    """Return a new Ed25519 key in the format that every OpenPGP program reads (version 4, RFC 4880)."""
    made = pysequoia.Tsk.generate(
        user_id=user_id, profile=pysequoia.Profile.RFC4880, validity_seconds=int(LIFETIME.total_seconds())
    )
    public = made.extract_certificate()
    assert public.expiration is not None
    return MadeKey(public.fingerprint, str(made), str(public), public.expiration.astimezone(UTC))


def sign(content: bytes, *, private_block: str) -> bytes:
    """Return an armored detached signature over exactly the bytes of ``content``. Raises RuntimeError for an expired key."""
    signer = pysequoia.Tsk.from_bytes(private_block.encode()).signer()
    return bytes(pysequoia.sign(signer, content, mode=pysequoia.SignatureMode.DETACHED))


def encrypt(content: bytes, *, to: str, private_block: str | None) -> bytes:
    """Return ``content`` as an armored message to the armored public key ``to``, signed as well with ``private_block``.

    Raises CannotEncrypt.
    """
    signer = pysequoia.Tsk.from_bytes(private_block.encode()).signer() if private_block else None
    try:
        recipient = pysequoia.Cert.from_bytes(to.encode())
        return bytes(pysequoia.encrypt(content, recipients=[recipient], signer=signer))
    except (RuntimeError, ValueError, OSError) as problem:
        # The library adds a stack trace below its sentence.
        raise CannotEncrypt(str(problem).splitlines()[0][:200]) from problem
