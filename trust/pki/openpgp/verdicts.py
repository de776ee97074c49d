"""What a check of a signature can end with, and how each is said to people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Form = Literal["detached", "clearsigned", "inline"]


class Verdict(StrEnum):
    """The outcome of a signature check. Only `GOOD` lets anything pass; the values are stable codes.

    That the key belongs to the right organization, and that it was verified, is decided above: this only
    says what a ring of keys says about some bytes.
    """

    GOOD = "good"
    BAD = "bad"
    MISSING = "missing"
    NOT_A_SIGNATURE = "not_a_signature"
    UNKNOWN_KEY = "unknown_key"
    KEY_EXPIRED = "key_expired"
    KEY_REVOKED = "key_revoked"
    KEY_CANNOT_SIGN = "key_cannot_sign"
    WEAK_DIGEST = "weak_digest"
    WEAK_KEY = "weak_key"
    MULTIPLE_SIGNATURES = "multiple_signatures"
    SIGNATURE_EXPIRED = "signature_expired"
    FROM_THE_FUTURE = "from_the_future"
    WRONG_TYPE = "wrong_type"
    UNSUPPORTED_VERSION = "unsupported_version"
    NO_ISSUER = "no_issuer"
    UNSIGNED_CONTENT = "unsigned_content"
    TOO_LARGE = "too_large"
    DISAGREEMENT = "disagreement"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """All that is known about one signature, enough to repeat the decision years later.

    Attributes:
        verdict: the outcome.
        sentence: what was found, for people.
        fix: what to do about it; empty when good.
        form: how the signature was attached.
        primary_fingerprint: the full fingerprint of the key of the ring that made the signature. Set when
            the verifier named it, also for an expired or revoked key.
        signing_fingerprint: the component (primary or subkey) that signed.
        digest_algorithm: for example ``SHA256``.
        created_at: when the signer says they signed.
        signer_hint: the issuer fingerprint found in the signature, even when no key of the ring has it.
            Anybody can write any fingerprint there.
        content: the bytes that the signature covers, only when good. For clearsigned text: without blanks
            at line ends, with line feeds, as the verifier wrote it out.
        status_lines: the verifier's own status lines, escaped to printable ASCII.
        tool_versions: what was used, for example ``gpgv 2.2.40``.
    """

    verdict: Verdict
    sentence: str
    fix: str
    form: Form
    primary_fingerprint: str | None = None
    signing_fingerprint: str | None = None
    digest_algorithm: str | None = None
    created_at: datetime | None = None
    signer_hint: str | None = None
    content: bytes | None = None
    status_lines: tuple[str, ...] = ()
    tool_versions: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the signature is good. Says nothing about whether the key is verified."""
        return self.verdict is Verdict.GOOD


_SIGN_AGAIN = "Sign the file again with `gpg --detach-sign FILE` and upload both files."
_ASK = "Do not accept the file by another way. Ask your partner, over a number you know, what they signed."

WORDS: dict[Verdict, tuple[str, str]] = {
    Verdict.GOOD: ("The signature is good.", ""),
    Verdict.BAD: (
        "The signature does not match the file: one of them was changed after signing.",
        "Send the file exactly as it was signed. Mail programs and editors change line ends; " + _SIGN_AGAIN,
    ),
    Verdict.MISSING: ("There is no signature.", _SIGN_AGAIN),
    Verdict.NOT_A_SIGNATURE: ("This is not an OpenPGP signature.", _SIGN_AGAIN),
    Verdict.UNKNOWN_KEY: (
        "We do not know this key.",
        "Add the key to your organization first, or sign with the key that is registered here.",
    ),
    Verdict.KEY_EXPIRED: (
        "The key that made this signature has expired.",
        "Extend the key with `gpg --quick-set-expire`, upload it again, and sign again.",
    ),
    Verdict.KEY_REVOKED: (
        "The key that made this signature was revoked. The date in the signature does not change that.",
        "Sign with a key that is in force.",
    ),
    Verdict.KEY_CANNOT_SIGN: (
        "The key exists, but the part of it that made this signature may not sign documents.",
        "Sign with a signing subkey that your primary key and the subkey both confirm "
        "(`gpg --edit-key KEY cross-certify`).",
    ),
    Verdict.WEAK_DIGEST: (
        "The signature uses a digest that can be forged.",
        "Sign again with `gpg --digest-algo SHA256 --detach-sign FILE`.",
    ),
    Verdict.WEAK_KEY: (
        "The key that made this signature is too weak.",
        "Make a new key (Ed25519, NIST P-256 or RSA with 3072 bits) and add it to your organization.",
    ),
    Verdict.MULTIPLE_SIGNATURES: (
        "There is more than one signature. Exactly one is accepted, so that nobody has to guess.",
        "Sign once, with one key: `gpg --local-user FINGERPRINT --detach-sign FILE`.",
    ),
    Verdict.SIGNATURE_EXPIRED: ("The signature itself has expired.", _SIGN_AGAIN),
    Verdict.FROM_THE_FUTURE: (
        "The signature is dated in the future.",
        "Set the clock of the signing machine and sign again.",
    ),
    Verdict.WRONG_TYPE: (
        "The signature is of a kind that does not cover every byte of a document.",
        "Sign without `--textmode`: `gpg --detach-sign FILE`.",
    ),
    Verdict.UNSUPPORTED_VERSION: (
        "The signature is of an OpenPGP version that is not accepted here.",
        "Sign with a version 4 key, which is GnuPG's default.",
    ),
    Verdict.NO_ISSUER: (
        "The signature does not name the full fingerprint of its key in its protected part.",
        "Sign with GnuPG 2.1.16 or newer, or another tool that writes the issuer fingerprint.",
    ),
    Verdict.UNSIGNED_CONTENT: (
        "The file holds something that the signature does not cover.",
        "Upload exactly what `gpg` wrote, or use a detached signature, which has no such trouble.",
    ),
    Verdict.TOO_LARGE: (
        "The file is larger, or takes longer, than what we are willing to check.",
        "Send the certificates only, and sign with a detached signature.",
    ),
    Verdict.DISAGREEMENT: (
        "Our two verifiers do not agree about this signature, so it is refused and kept for inspection.",
        _ASK,
    ),
    Verdict.INCONCLUSIVE: ("The signature could not be checked to the end, so it is refused.", _SIGN_AGAIN),
}
