"""*Try a certificate*: what the terms make of one certificate, without keeping anything."""

from dataclasses import dataclass
from datetime import datetime

from portal import errors
from portal.partnerships.models import Partnership
from trust.agreements import checks, identity, queries
from trust.agreements.checks import Decision
from trust.agreements.clauses import TIERS
from trust.agreements.identity import Presented
from trust.agreements.terms import Terms
from trust.pki import pem, secrets_scan
from trust.pki.certificates import CertificateFacts, Unreadable, read_certificate
from trust.pki.findings import Finding, Severity

LONGEST = 100_000  # bytes


@dataclass(frozen=True)
class Tried:
    """What came out. ``decision`` only for service certificates."""

    certificate: CertificateFacts
    tier: str
    who: Presented
    findings: tuple[Finding, ...]
    decision: Decision | None

    @property
    def accepted(self) -> bool:
        """Whether nothing about the certificate breaks the terms."""
        return not any(each.severity in (Severity.REFUSE, Severity.PROBLEM) for each in self.findings)

    @property
    def tier_label(self) -> str:
        """What the certificate counts as, for people."""
        return TIERS[self.tier].removesuffix("s")


def certificate(upload: bytes) -> CertificateFacts:
    """Read the one certificate of an upload, PEM or DER. Raises Invalid when it is anything else, and says nothing of it."""
    if len(upload) > LONGEST:
        raise errors.TooLarge("That is more than one certificate.", fix="Send one certificate, PEM or DER.")
    found = secrets_scan.scan(upload)
    if not found.clean:
        finding = found.findings()[0]
        raise _refused(finding.sentence, finding.fix)
    try:
        return read_certificate(_der(upload))
    except Unreadable as error:
        raise _refused(f"This cannot be read as a certificate: {error}.", "Send one certificate, PEM or DER.") from None


def _der(upload: bytes) -> bytes:
    if not pem.looks_like_pem(upload):
        return upload
    blocks = pem.read_pem(upload).blocks
    if len(blocks) != 1 or blocks[0].label != "CERTIFICATE":
        raise Unreadable(f"it has {len(blocks)} PEM blocks, and one block named CERTIFICATE is needed")
    return blocks[0].der


def attempt(*, partnership: Partnership, owner: str, upload: bytes, terms: Terms, now: datetime) -> Tried:
    """Hold one certificate of ``owner`` (a slug) against ``terms``; nothing is kept. Raises Invalid and TooLarge."""
    if owner not in queries.parties(partnership):
        raise errors.Invalid("Say whose certificate it is.", fields={"owner": ["Choose one of the two sides."]})
    facts = certificate(upload)
    level = checks.tier(facts)
    who = identity.presented(facts.load())
    findings = checks.check(terms, [facts], owner=owner, now=now, waivers=queries.waiving(partnership, now))
    decision = checks.map_identity(terms, who, owner=owner) if level == "service" else None
    return Tried(facts, level, who, findings, decision)


def _refused(sentence: str, fix: str) -> errors.Invalid:
    return errors.Invalid(sentence, code="certificate_unreadable", fix=fix, fields={"certificate": [sentence]})
