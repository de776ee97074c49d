"""Checking an upload, in this order, before anything of it is kept:

1. the search for private keys, over the upload and its signature as they came;
2. the signature, against a ring of nothing but the owner's keys;
3. the search again, over what an inline signature wrapped;
4. reading the content that was signed, and nothing else;
5. holding what was read against the portal's rules, the linter, the agreed terms and what the portal remembers.

It reads the database and writes nothing, so it can also try out a bundle that nobody submits.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust import verdicts
from trust.agreements import checks as agreed
from trust.agreements import queries as agreements
from trust.agreements.terms import Terms
from trust.certificates import services as certificates
from trust.keys import queries as keys
from trust.keys.models import OpenPgpKey
from trust.pki import bounded
from trust.pki.bundles import BundleReading
from trust.pki.codes import finding
from trust.pki.examination import Examination
from trust.pki.findings import Finding, Severity, heaviest_first, refuses
from trust.pki.forecast import Forecast, check_samples, forecast
from trust.pki.openpgp import verify
from trust.pki.openpgp.errors import RingBroken, ToolMissing
from trust.pki.openpgp.verdicts import SignatureReport
from trust.pki.secrets_scan import ScanReport
from trust.submissions.remembering import remembered


@dataclass(frozen=True)
class Upload:
    """What somebody sent: a file, and its detached signature unless the file carries one itself."""

    file_name: str
    content: bytes
    signature: bytes | None
    was_encrypted: bool = False  # to the portal's intake key; ``content`` is what was inside


@dataclass(frozen=True)
class Checked:
    """Everything that the checks found. With ``secrets``, nothing of the upload may be kept.

    ``remarks`` are the linter's, by fingerprint; they are among ``findings`` too. ``against`` names the terms that counted.
    """

    findings: tuple[Finding, ...]
    scan: ScanReport
    signature: SignatureReport | None = None
    key: OpenPgpKey | None = None
    examination: Examination | None = None
    remarks: dict[str, tuple[Finding, ...]] | None = None
    against: dict[str, Any] = field(default_factory=dict)
    forecasts: tuple[Forecast, ...] = ()

    @property
    def refused(self) -> bool:
        return refuses(self.findings)

    @property
    def may_be_kept(self) -> bool:
        """Say whether the bytes of the upload may be stored.

        Only what was searched to the last byte, signed by its owner and read. A compressed message with a bad signature was
        never opened, so nobody knows what is in it.
        """
        opened = self.examination is not None and self.examination.reading.container != "unknown"
        return self.scan.clean and opened

    @property
    def refusal_code(self) -> str:
        """The code of the heaviest finding, if that refuses."""
        return self.findings[0].code if self.refused else ""


def check(upload: Upload, *, owner: Organization, partnership: Partnership, now: datetime) -> Checked:
    """Check an upload of ``owner`` for the other side of ``partnership``. Raises Unavailable when a tool is missing."""
    try:
        return _check(upload, owner=owner, partnership=partnership, now=now)
    except bounded.ReaderUnavailable as error:
        raise _cannot_read() from error


def try_out(upload: Upload, *, owner: Organization, partnership: Partnership, now: datetime) -> Checked:
    """Check a bundle that nobody submits, signed or not. Nothing of it is kept. Raises as `check`."""
    unsigned = upload.signature is None and not verify.carries_signature(upload.content)
    try:
        if not unsigned:
            return _check(upload, owner=owner, partnership=partnership, now=now)
        searched = _search(upload.content)
        if not searched.clean:
            return Checked(searched.findings(), searched)
        return _judge(upload.content, upload, searched, None, owner=owner, partnership=partnership, now=now)
    except bounded.ReaderUnavailable as error:
        raise _cannot_read() from error


def _cannot_read() -> errors.Unavailable:
    return errors.Unavailable(
        "Bundles cannot be read right now, so nothing was taken.",
        code="reader_unavailable",
        fix="Try again later. The portal's operator was told.",
    )


def _check(upload: Upload, *, owner: Organization, partnership: Partnership, now: datetime) -> Checked:
    searched = _search(upload.content, upload.signature or b"")
    if not searched.clean:
        return Checked(searched.findings(), searched)
    report = check_signature(upload, owner=owner, now=now)
    if not report.is_good or report.content is None:
        return Checked((_about_signature(owner, report),), searched, report)
    if report.content != upload.content:
        searched = _search(report.content)
        if not searched.clean:
            return Checked(searched.findings(), searched, report)
    return _judge(report.content, upload, searched, report, owner=owner, partnership=partnership, now=now)


def _judge(
    content: bytes,
    upload: Upload,
    searched: ScanReport,
    report: SignatureReport | None,
    *,
    owner: Organization,
    partnership: Partnership,
    now: datetime,
) -> Checked:
    """Read `content`, which was searched and signed, and hold it against everything."""
    examination = bounded.examine(content, filename_hint=upload.file_name, now=now)
    # How long a CA may live is for the two to agree; without an agreement the guide's terms say so as a warning.
    found = [each for each in examination.findings if each.code != "lifetime_too_long"]
    terms = agreements.terms(partnership)
    reading = examination.reading
    remarks: dict[str, tuple[Finding, ...]] = {}
    forecasts: tuple[Forecast, ...] = ()
    if not reading.refused:
        remarks = certificates.linted(reading.certificates)
        found += (remark for each in remarks.values() for remark in each)
        found += _agreed(reading, terms, owner=owner, partnership=partnership, now=now)
        found += remembered(examination, report, owner=owner, partnership=partnership)
    if not refuses(found):
        found += check_samples(reading.samples, reading.certificates, now=now)
        forecasts = forecast(
            reading.certificates, examination.chains, crls=reading.crls, samples=reading.samples, now=now
        )
    return Checked(
        heaviest_first(found),
        searched,
        report,
        keys.signer(owner, report) if report else None,
        examination,
        remarks,
        {"terms": terms.source, "agreement": terms.version, "agreement_sha256": terms.sha256},
        forecasts,
    )


def _agreed(
    reading: BundleReading, terms: Terms, *, owner: Organization, partnership: Partnership, now: datetime
) -> tuple[Finding, ...]:
    """Hold certificates and CRLs against the terms of the partnership."""
    context: dict[str, Any] = {"owner": owner.slug, "now": now, "waivers": agreements.waiving(partnership, now)}
    return (
        *agreed.check(terms, reading.certificates.certificates, **context),
        *agreed.check_crls(terms, reading.crls, reading.certificates, places=reading.places, **context),
    )


def check_signature(upload: Upload, *, owner: Organization, now: datetime) -> SignatureReport:
    """Check only the signature, against the keys of ``owner`` as they are now. Raises Unavailable."""
    ring = keys.ring_for(owner, now=now)
    try:
        report = verify.check(content=upload.content, signature=upload.signature, ring=ring, now=now)
        return verdicts.count("submission", report)
    except (RingBroken, ToolMissing) as error:
        raise errors.Unavailable(
            "Signatures cannot be checked right now, so nothing was taken.",
            code="signature_check_unavailable",
            fix="Try again later. The portal's operator was told.",
        ) from error


def _search(*parts: bytes) -> ScanReport:
    reports = [bounded.scan(part) for part in parts if part]
    return ScanReport(
        tuple(secret for report in reports for secret in report.secrets),
        tuple(reason for report in reports for reason in report.unsearched),
    )


def _about_signature(owner: Organization, report: SignatureReport) -> Finding:
    sentence, fix = keys.explain(owner, report)
    return replace(finding("signature"), code=f"signature_{report.verdict.value}", sentence=sentence, fix=fix)


def problems(findings: tuple[Finding, ...]) -> int:
    """Count the findings that a person must act on."""
    return sum(1 for each in findings if each.severity in (Severity.REFUSE, Severity.PROBLEM))
