"""The Standard Webhooks signature: ``v1`` (HMAC-SHA256) and ``v1a`` (Ed25519) over ``id.timestamp.body``.

Each endpoint has keys of its own, so that no receiver can forge to another. ``v1`` comes from the standardwebhooks library;
``v1a``, which that library lacks, is the same content under Ed25519 (specification, "Asymmetric").
"""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

HMAC_PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX = "whsec_", "whsk_", "whpk_"
HMAC_BYTES = 32  # the specification allows 24 to 64


@dataclass(frozen=True)
class SigningKey:
    """A key in the text form of the specification: ``whsec_…`` (HMAC) or ``whsk_…`` (Ed25519)."""

    secret: str

    @property
    def asymmetric(self) -> bool:
        return self.secret.startswith(PRIVATE_PREFIX)

    @property
    def public(self) -> str:
        """Return ``whpk_…`` for an Ed25519 key, and nothing for HMAC, where there is nothing public."""
        if not self.asymmetric:
            return ""
        raw = _private(self.secret).public_key().public_bytes_raw()
        return PUBLIC_PREFIX + base64.b64encode(raw).decode()

    def __repr__(self) -> str:
        return "SigningKey(…)"


def new_ed25519() -> SigningKey:
    """Return a new Ed25519 key."""
    raw = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return SigningKey(PRIVATE_PREFIX + base64.b64encode(raw).decode())


def new_hmac() -> SigningKey:
    """Return a new HMAC secret of 32 random bytes."""
    return SigningKey(HMAC_PREFIX + base64.b64encode(secrets.token_bytes(HMAC_BYTES)).decode())


def headers(message_id: str, at: datetime, body: str, keys: Iterable[SigningKey]) -> dict[str, str]:
    """Return the three headers of one attempt.

    Args:
        message_id: the delivery's id, the same on every attempt; holds no dot.
        at: the moment of this attempt.
        body: exactly what is sent.
        keys: those in force; during a rotation there are several, and so several signatures.

    Raises ValueError when the id holds a dot or there is no key.
    """
    if "." in message_id or not message_id:
        raise ValueError("A webhook id holds no dot.")
    at = at.astimezone(UTC)  # the library takes the wall-clock time of any zone for UTC
    signatures = [_sign(key, message_id, at, body) for key in keys]
    if not signatures:
        raise ValueError("An endpoint without a key cannot be sent to.")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _sign(key: SigningKey, message_id: str, at: datetime, body: str) -> str:
    if not key.asymmetric:
        return Webhook(key.secret).sign(message_id, at, body)
    content = f"{message_id}.{int(at.timestamp())}.{body}".encode()
    return "v1a," + base64.b64encode(_private(key.secret).sign(content)).decode()


def _private(secret: str) -> Ed25519PrivateKey:
    raw = base64.b64decode(secret.removeprefix(PRIVATE_PREFIX), validate=True)
    return Ed25519PrivateKey.from_private_bytes(raw[:32])
