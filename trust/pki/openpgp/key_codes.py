"""Every finding that reading an OpenPGP key can give, in one table: code, severity, sentence and fix."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: `REFUSE` keeps the key out."""

    REFUSE = "refuse"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """One thing to say about a key: a stable code, a sentence, and what to do."""

    code: str
    severity: Severity
    sentence: str
    fix: str


_NEW_KEY = "Make a new key: `gpg --quick-generate-key 'Your company CA signing' ed25519 sign 2y`."
_EXTEND = "Set it with `gpg --quick-set-expire FINGERPRINT 2y`, export the key and upload it again."
_ROWS = (
    KeyFinding("key_revoked", Severity.REFUSE, "This key carries its own revocation.", _NEW_KEY),
    KeyFinding("key_expired", Severity.REFUSE, "This key has expired.", _EXTEND),
    KeyFinding(
        "key_from_the_future",
        Severity.REFUSE,
        "This key says that it was made in the future.",
        "Set the clock of the machine that makes the key, and make a new one.",
    ),
    KeyFinding(
        "key_cannot_sign",
        Severity.REFUSE,
        "No part of this key may sign documents now.",
        "Add a signing subkey with `gpg --quick-add-key FINGERPRINT ed25519 sign 2y`, and upload again.",
    ),
    KeyFinding("key_weak_algorithm", Severity.REFUSE, "{algorithm} is not accepted: {reason}.", _NEW_KEY),
    KeyFinding(
        "key_subkey_not_confirmed",
        Severity.REFUSE,
        "Signing subkey {fingerprint} does not confirm that it belongs to this key. It may be somebody else's.",
        "Run `gpg --edit-key KEY cross-certify save`, or remove the subkey, and upload it again.",
    ),
    KeyFinding(
        "key_user_id_characters",
        Severity.REFUSE,
        "A user ID of this key holds control or direction characters.",
        "Add a plain user ID, delete the other one (`gpg --edit-key KEY`), and upload it again.",
    ),
    KeyFinding(
        "key_weak_self_signature",
        Severity.REFUSE,
        "The key's own signatures use a digest that can be forged.",
        "Renew them with `gpg --cert-digest-algo SHA256 --quick-set-expire FINGERPRINT 2y`; upload again.",
    ),
    KeyFinding("key_no_expiry", Severity.WARNING, "This key never expires.", _EXTEND),
    KeyFinding("key_expires_soon", Severity.WARNING, "This key expires in {days} days.", _EXTEND),
    KeyFinding("key_lives_long", Severity.WARNING, "This key lives longer than five years.", _EXTEND),
    KeyFinding(
        "key_rsa_short",
        Severity.WARNING,
        "RSA with {bits} bits is accepted for now; 3072 is the coming minimum.",
        _NEW_KEY,
    ),
)
DEFINITIONS: dict[str, KeyFinding] = {row.code: row for row in _ROWS}


def finding(code: str, **words: object) -> KeyFinding:
    """Make the finding `code` with `words` filled in. Raises KeyError for a code or word that is not in the table."""
    row = DEFINITIONS[code]
    return KeyFinding(code, row.severity, row.sentence.format(**words), row.fix)
