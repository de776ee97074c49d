"""Making and recognizing secrets that programs and invitation links carry."""

import hashlib
import secrets

API_PREFIX = "txa_"  # acts for an organization
CONSUMER_PREFIX = "txc_"  # pulls named trust stores
INVITATION_PREFIX = "txi_"
_HINT_LENGTH = 8


def make(prefix: str) -> tuple[str, str, str]:
    """Return a new secret, what to recognize it by, and the digest to store.

    The secret has 256 random bits after its prefix; the prefix lets secret scanners find one that leaked.
    """
    secret = prefix + secrets.token_urlsafe(32)
    return secret, secret[: len(prefix) + _HINT_LENGTH], digest(secret)


def digest(secret: str) -> str:
    """Return the SHA-256, in hex, by which a secret is found. No salt: a random secret of this length needs none."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
