"""Whether a CRL that somebody serves may be believed as the whole and newest list of its CA (RFC 5280 5 and 6.3.3).

Steps, in order; the first that fails decides:

1. one CRL, as DER or PEM, that can be read, without a critical extension that nobody knows;
2. signed by the key of one of the CAs that are asked about, which may sign CRLs;
3. whole: neither a delta, nor a part of the certificates (issuing distribution point);
4. signed with a digest that still means something;
5. never behind what was seen before: number, or the moment of signing where there is no number;
6. dated, with its next one promised, and not ahead of our clock;
7. its time is not over, and it is no older than was agreed.

What fails at 7 is out of date and still true: its revocations count, and nothing newer was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trust.pki.certificates import CertificateFacts, Unreadable
from trust.pki.crl import CrlFacts, crl_der, crl_is_signed_by, read_crl

CLOCK_SKEW = timedelta(minutes=5)
WEAK_DIGESTS = frozenset({"md5", "sha1"})


class Standing(StrEnum):
    """How an address, a CRL or an answer stands; the values are those of ``portal.states`` for revocation lists."""

    UNKNOWN = "unknown"  # never asked
    FRESH = "fresh"
    STALE = "stale"
    UNREACHABLE = "unreachable"
    WRONG_SIGNER = "wrong_signer"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class CrlVerdict:
    """What came of judging. ``crl`` and ``issuer`` are set when it is the CA's own whole list, fresh or stale."""

    standing: Standing
    sentence: str
    crl: CrlFacts | None = None
    issuer: CertificateFacts | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest CRL that was believed before: its number, the moment of its signing, and its SHA-256 (hex)."""

    number: int | None
    this_update: datetime
    sha256: str


def judge_crl(
    content: bytes,
    issuers: Sequence[CertificateFacts],
    *,
    now: datetime,
    seen: Mapping[str, Seen] | None = None,
    longest: timedelta | None = None,
) -> CrlVerdict:
    """Judge what an address served. Never raises for hostile input.

    Args:
        issuers: the CAs whose list may be served there.
        seen: the newest list that was believed before of each signer, by the SHA-256 of its key; a list must not be behind it.
        longest: how old a list may be as agreed, or None where nothing was.
    """
    try:
        crl = read_crl(crl_der(content), entries=False)
    except Unreadable as error:
        return CrlVerdict(Standing.UNUSABLE, f"What it serves cannot be read as a CRL: {error}.")
    if crl.has_unknown_critical:
        return CrlVerdict(Standing.UNUSABLE, "The CRL has a critical extension that nobody knows, so it says nothing.")
    issuer, refusal = _signer(crl, issuers)
    if issuer is None:
        return refusal
    defect = _part(crl) or _weak(crl) or _behind(crl, (seen or {}).get(issuer.spki_sha256)) or _undated(crl, now)
    if defect:
        return CrlVerdict(Standing.UNUSABLE, defect)
    return _in_time(crl, issuer, now, longest)


def _signer(crl: CrlFacts, issuers: Sequence[CertificateFacts]) -> tuple[CertificateFacts | None, CrlVerdict]:
    named = [each for each in issuers if each.subject.der == crl.issuer.der]
    if not named:
        expected = str(issuers[0].subject) if len(issuers) == 1 else "a CA that was accepted"
        return None, CrlVerdict(Standing.WRONG_SIGNER, f"The CRL is of {crl.issuer}, not of {expected}.")
    signers = [each for each in named if crl_is_signed_by(crl, each.load())]
    if not signers:
        return None, CrlVerdict(Standing.WRONG_SIGNER, f"The CRL was not signed by the key of {crl.issuer}.")
    # Without key usage anything may be signed (RFC 5280 6.3.3 f).
    may = [each for each in signers if each.key_usage is None or "crl_sign" in each.key_usage]
    if not may:
        return None, CrlVerdict(Standing.WRONG_SIGNER, f"{crl.issuer} may not sign CRLs (its key usage says so).")
    return may[0], CrlVerdict(Standing.FRESH, "")


def _part(crl: CrlFacts) -> str:
    if crl.is_delta:
        return "It serves a delta CRL, which says nothing without its base."
    if crl.is_partitioned:
        return "The CRL covers only a part of the certificates (issuing distribution point), so it is not taken for the whole."
    return ""


def _weak(crl: CrlFacts) -> str:
    digest = crl.signature_digest
    return f"The CRL is signed with {digest.upper()}, which can be forged." if digest in WEAK_DIGESTS and digest else ""


def _behind(crl: CrlFacts, seen: Seen | None) -> str:
    if seen is None or crl.sha256 == seen.sha256:
        return ""
    if seen.number is not None and crl.number is None:
        return f"The CRL has no number; the one before had {seen.number}."
    if seen.number is not None and crl.number is not None:
        if crl.number < seen.number:
            return f"The CRL went back: it has number {crl.number}, after {seen.number}."
        if crl.number == seen.number and crl.this_update < seen.this_update:
            return f"The CRL went back: number {crl.number} again, signed earlier."
    elif crl.this_update < seen.this_update:
        return "The CRL went back: it was signed before the one seen last."
    return ""


def _undated(crl: CrlFacts, now: datetime) -> str:
    if crl.next_update is None:
        return "The CRL does not say when the next one comes (nextUpdate), so nobody can tell when it is over."
    if crl.this_update > now + CLOCK_SKEW:
        return f"The CRL is dated ahead of our clock: {moment(crl.this_update)}."
    return ""


def _in_time(crl: CrlFacts, issuer: CertificateFacts, now: datetime, longest: timedelta | None) -> CrlVerdict:
    assert crl.next_update is not None
    standing, said = timing(crl.number, crl.this_update, crl.next_update, now=now, longest=longest)
    return CrlVerdict(standing, said, crl, issuer)


def moment(value: datetime) -> str:
    """Return a moment as sentences say it: "24 Nov 2026, 06:20 UTC"."""
    return f"{value.day} {value:%b %Y, %H:%M} UTC"


def timing(
    number: int | None, this_update: datetime, next_update: datetime, *, now: datetime, longest: timedelta | None
) -> tuple[Standing, str]:
    """Return how a list stands that was believed: fresh or stale, with a sentence. ``longest`` as in ``judge_crl``."""
    named = f"number {number}" if number is not None else "without a number"
    if next_update <= now:
        said = f"The CRL ended {moment(next_update)}, and no newer one is served ({named})."
        return Standing.STALE, said
    if longest is not None and now - this_update > longest:
        hours = round(longest.total_seconds() / 3600)
        said = f"The CRL is of {moment(this_update)}; agreed is a new one every {hours} hours ({named})."
        return Standing.STALE, said
    return Standing.FRESH, f"{named[0].upper()}{named[1:]}, until {moment(next_update)}."
