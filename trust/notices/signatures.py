"""Who signed a notice: checked against the keys of one organization, and whether the receiver verified that key by phone."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from portal import errors
from portal.organizations.models import Organization
from trust import verdicts
from trust.keys import queries as keys
from trust.keys.models import KeyComponent, OpenPgpKey
from trust.pki.openpgp import verify
from trust.pki.openpgp.errors import OpenPgpError
from trust.pki.openpgp.ring import RingKey
from trust.pki.openpgp.verdicts import SignatureReport
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind


@dataclass(frozen=True)
class Signed:
    """A good signature: what it covers, whose key made it, and everything that makes the check repeatable."""

    payload: bytes
    fingerprint: str
    signed_at: datetime
    report: dict[str, Any]


def check(*, content: bytes, signature: bytes | None, sender: Organization, now: datetime) -> Signed:
    """Return what the sender signed. Only keys that the sender proved to hold are in the ring.

    Raises Invalid with the code ``signature_`` and the verdict, and Unavailable when gpgv cannot be run.
    """
    report = verdicts.count("notice", _report(content, signature, keys.ring_for(sender, now=now), now))
    if not report.is_good:
        sentence, fix = keys.explain(sender, report)
        raise errors.Invalid(
            sentence, code=f"signature_{report.verdict.value}", fix=fix, fields={"signature": [sentence]}
        )
    assert report.content is not None
    assert report.primary_fingerprint
    assert report.created_at
    kept = {name: value for name, value in asdict(report).items() if name not in ("content", "created_at")}
    return Signed(report.content, report.primary_fingerprint, report.created_at, kept)


def sender_by_hint(*, content: bytes, signature: bytes | None, now: datetime) -> Organization | None:
    """Return the organization whose key the signature *claims*, for a notice that anybody hands in. Proves nothing."""
    hint = (_report(content, signature, [], now).signer_hint or "").lower()
    if not hint:
        return None
    part = KeyComponent.objects.select_related("key__organization").filter(fingerprint=hint).first()
    key = part.key if part else OpenPgpKey.objects.select_related("organization").filter(fingerprint=hint).first()
    return key.organization if key else None


def is_verified(fingerprint: str, receiver: Organization, now: datetime) -> bool:
    """Say whether the receiver verified this key by phone, and still counts that."""
    return verifications.is_verified(receiver, ItemKind.OPENPGP_KEY, fingerprint, now)


def _report(content: bytes, signature: bytes | None, ring: list[RingKey], now: datetime) -> SignatureReport:
    try:
        return verify.check(content=content, signature=signature, ring=ring, now=now)
    except OpenPgpError as problem:
        raise errors.Unavailable(problem.sentence, code=problem.code, fix=problem.fix) from problem
