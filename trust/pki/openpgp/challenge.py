"""Proving that somebody holds a key: they sign a text that only this attempt has.

A proven key is not a verified one: that it belongs to the organization is what the call is for.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from trust.pki.openpgp.ring import RingKey
from trust.pki.openpgp.verdicts import SignatureReport, Verdict
from trust.pki.openpgp.verify import check_clearsigned
from trust.pki.text import escaped


def challenge_text(*, organization: str, key: str, nonce: str, issued_at: datetime, expires_at: datetime) -> str:
    """The text to sign. It names what it is for, so that it is of no use anywhere else.

    `key` is how people recognize the key, for example its first and last group: which key it is shows in the
    signature. `nonce` is at least 128 random bits as hex. The moments are aware UTC.
    """
    return (
        "Proof of possession for the partner trust-exchange portal\n"
        f"Organization: {escaped(organization)}\n"
        f"OpenPGP key: {escaped(key)}\n"
        f"Nonce: {nonce}\n"
        f"Issued: {issued_at:%Y-%m-%dT%H:%M:%SZ}\n"
        f"Expires: {expires_at:%Y-%m-%dT%H:%M:%SZ}\n"
        "Signing this proves that you hold the key. It agrees to nothing else.\n"
    )


def judge_answer(answer: bytes, *, text: str, ring: Sequence[RingKey], now: datetime) -> SignatureReport:
    """Checks that `answer` is `text`, clearsigned by a key of `ring`.

    A good signature over anything but exactly that text is reported as `Verdict.BAD`. Whether the challenge
    has expired or was used is the caller's to know.

    Raises:
        ToolMissing, RingBroken: as `trust.pki.openpgp.verify.check`.
    """
    report = check_clearsigned(content=answer, ring=ring, now=now)
    if report.is_good and report.content != text.encode():
        return replace(
            report,
            verdict=Verdict.BAD,
            content=None,
            sentence="The signature is good, but it is over another text than the one to sign.",
            fix="Download the text again and sign it unchanged with `gpg --clearsign challenge.txt`.",
        )
    return report
