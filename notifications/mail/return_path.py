"""The address to which a mail comes back: one for each delivery, sealed, so that nobody can report a bounce of another's mail.

Variable envelope return paths: ``bounces+<delivery>-<seal>@portal.example``. Whoever was sent a mail knows its address, and so
can report that their own mail came back; that is all it is good for.
"""

import base64
import re
import uuid

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "trust-exchange.return-path"
_SEAL = 15  # bytes: 120 bits, and the local part stays within its 64 octets (RFC 5321 section 4.5.3.1.1)
_TOKEN = re.compile(r"([a-z2-7]{26})-([a-z2-7]{24})")


def address_for(delivery_id: uuid.UUID) -> str:
    """Return the envelope sender for one delivery, or "" when no address for bounces is set."""
    local, _, domain = settings.MAIL_RETURN_ADDRESS.rpartition("@")
    return f"{local}+{_encoded(delivery_id.bytes)}-{_seal(delivery_id, settings.SECRET_KEY)}@{domain}" if local else ""


def delivery_in(address: str) -> uuid.UUID | None:
    """Return the delivery whose sealed address this is, or None for every other address.

    Mail servers may change the case of a local part, so it counts for nothing.
    """
    local, _, domain = address.strip().strip("<>").lower().rpartition("@")
    ours, _, at = settings.MAIL_RETURN_ADDRESS.lower().rpartition("@")
    found = _TOKEN.fullmatch(local.removeprefix(f"{ours}+"))
    if not ours or domain != at or not local.startswith(f"{ours}+") or found is None:
        return None
    try:
        delivery_id = uuid.UUID(bytes=base64.b32decode(found[1].upper() + "======"))
    except ValueError:
        return None
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    # What was decoded must be written exactly so: base32 has bits to spare.
    written = _encoded(delivery_id.bytes) == found[1]
    sealed = any(constant_time_compare(_seal(delivery_id, key), found[2]) for key in keys)
    return delivery_id if written and sealed else None


def _seal(delivery_id: uuid.UUID, key: str) -> str:
    return _encoded(salted_hmac(_SALT, delivery_id.bytes, secret=key, algorithm="sha256").digest()[:_SEAL])


def _encoded(value: bytes) -> str:
    return base64.b32encode(value).decode("ascii").lower().rstrip("=")
