"""What stops the reading of OpenPGP material.

OpenPgpError
├── NotReadable       the bytes are not what they should be; the sentence says what to change
│   └── TooLarge      the bytes are more than we read
├── SecretKeyFound    private key material; nothing of it may be kept, logged or echoed
├── RingBroken        a key that we stored no longer reads as the key it was: refuse, and tell an operator
└── ToolMissing       gpg or gpgv is not there: nothing can be checked, so nothing is accepted
"""

from portal.errors import Unavailable


class OpenPgpError(Exception):
    """A refusal with a stable `code`, a `sentence` for people, and a `fix` that says what to do."""

    code = "openpgp"
    fix = ""

    def __init__(self, sentence: str, *, code: str = "", fix: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or type(self).code
        self.fix = fix or type(self).fix


class NotReadable(OpenPgpError):
    """The bytes are not the OpenPGP material that was asked for."""

    code = "openpgp_not_readable"


class TooLarge(NotReadable):
    """The bytes are more than we are willing to read."""

    code = "openpgp_too_large"


class RingBroken(OpenPgpError, Unavailable):
    """A stored public key block does not hold the key it is filed under."""

    code = "openpgp_ring_broken"
    fix = "Upload the key again. If it happens twice, tell whoever operates the portal."


class ToolMissing(OpenPgpError, Unavailable):
    """gpg or gpgv cannot be started, so signatures and keys cannot be judged.

    Like a broken ring it is a refusal of the whole portal too (503), so that wherever a check stands, it fails closed.
    """

    code = "openpgp_tool_missing"
    fix = "Try again later. The operator has to install GnuPG on the server."


class SecretKeyFound(OpenPgpError):
    """Private key material where a public key or a document was expected.

    Attributes:
        kind: what it is, for example ``OpenPGP private key``.
        line: the line of the upload where it starts, or None for a binary upload.
        fingerprint: the fingerprint of the matching *public* key when it can be computed, so that the
            exposed key can be refused for ever. Never any part of the secret.
    """

    code = "private_key_found"
    fix = (
        "Stop using this key and revoke it. Make a new key, export only its public part with "
        "`gpg --armor --export`, and upload that."
    )

    def __init__(self, *, kind: str, line: int | None, fingerprint: str | None = None) -> None:
        where = f"Line {line} starts" if line else "The file holds"
        super().__init__(f"{where} an {kind}. Nothing of it was stored.")
        self.kind = kind
        self.line = line
        self.fingerprint = fingerprint
