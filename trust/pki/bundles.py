"""One upload, read into certificates and CRLs, with every part of it accounted for.

The order of work, which `read_bundle` follows:

1. size;
2. what kind of container it is, by its bytes and never by its name;
3. each part in the strict reader of its kind;
4. de-duplicated certificates in their one order.

The search for private keys (`trust.pki.secrets_scan`) comes before, and the judgment of what was read
(`trust.pki.ca_rules`) after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from trust.pki import jwks, pkcs7
from trust.pki.archives import Budget, Member, container_of
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts, Unreadable, read_certificate
from trust.pki.codes import finding
from trust.pki.crl import CrlFacts, read_crl
from trust.pki.display import escape
from trust.pki.findings import Finding, Severity, refuses
from trust.pki.intake_limits import LIMITS, Limits
from trust.pki.manifest import Manifest, check_files, read_manifest
from trust.pki.packages import Role, role_of
from trust.pki.pem import PemBlock, looks_like_pem, read_pem
from trust.pki.unpack import unpack


class Outcome(Enum):
    """What became of one part of the upload."""

    USED = "used"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MemberReport:
    """One file of the upload. `name` is escaped; `reason` says why it was ignored or refused, or what it
    held.
    """

    name: str
    size: int
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class BundleReading:
    """What an upload holds. If the findings refuse, the contents are not to be used for anything.

    `container` is one of pem, der, pkcs7, jwks, zip, tar, tar.gz, unknown. `documents` maps escaped member
    names to the bytes of policy documents, endpoint lists and manifests, unread. `samples` are service
    certificates that the package offers for trying out its chains; they are no part of the set. `manifest` is
    what the package says of itself, if it has one that can be used.
    """

    container: str
    certificates: CertificateSet
    crls: tuple[CrlFacts, ...]
    members: tuple[MemberReport, ...]
    findings: tuple[Finding, ...]
    samples: tuple[CertificateFacts, ...] = ()
    documents: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    manifest: Manifest | None = None

    @property
    def refused(self) -> bool:
        return refuses(self.findings)


def read_bundle(content: bytes, *, filename_hint: str = "", limits: Limits = LIMITS) -> BundleReading:
    """Read an upload of any supported form. Never raises for hostile input: defects are findings.

    `filename_hint` only names the upload in the report. It is never used to decide how to read it.
    """
    reader = _Reader(limits)
    shown = escape(filename_hint or "upload", limit=200)
    container = reader.read(shown, content)
    return reader.reading(container)


def _beside(manifest_name: str, listed: dict[str, bytes], manifest: Manifest) -> dict[str, bytes]:
    """The other files of a package by their path from the manifest's folder."""
    folder = manifest_name.removesuffix("manifest.json")
    named = {name.removeprefix(folder): content for name, content in listed.items() if name != manifest_name}
    return {
        name: content for name, content in named.items() if name in manifest.files or role_of(name) is not Role.LITTER
    }


class _Reader:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.certificates: list[CertificateFacts] = []
        self.crls: list[CrlFacts] = []
        self.samples: list[CertificateFacts] = []
        self.members: list[MemberReport] = []
        self.findings: list[Finding] = []
        self.documents: dict[str, bytes] = {}
        self.places: dict[str, str] = {}
        self.manifest: Manifest | None = None

    def read(self, name: str, content: bytes) -> str:
        """Read the whole upload and return the kind of container."""
        if not content:
            self.findings.append(finding("empty_upload"))
            return "unknown"
        if len(content) > self.limits.upload:
            self.findings.append(finding("upload_too_large", size=len(content), limit=self.limits.upload))
            return "unknown"
        if (kind := container_of(content)) is not None:
            self._read_archive(content)
            return {"gzip": "tar.gz"}.get(kind.value, kind.value)
        return self._read_single(name, content)

    def reading(self, container: str) -> BundleReading:
        self._check_counts()
        return BundleReading(
            container=container,
            certificates=CertificateSet.of(self.certificates),
            crls=tuple(self.crls),
            members=tuple(self.members),
            findings=tuple(self.findings),
            samples=tuple(self.samples),
            documents=self.documents,
            places=self.places,
            manifest=self.manifest,
        )

    def _check_counts(self) -> None:
        if not self.certificates and not refuses(self.findings):
            self.findings.append(finding("no_certificates"))
        for certificate, count in Counter(self.certificates).items():
            if count > 1:
                self.findings.append(
                    finding("duplicate_certificate", certificate_sha256=certificate.sha256, count=count)
                )

    # Files
    # ------------------------------------------------------------------------------------------------------

    def _read_single(self, name: str, content: bytes) -> str:
        before = len(self.findings)
        container = self._read_trust_file(name, content)
        self._account(name, content, before, container)
        return container

    def _read_archive(self, content: bytes) -> None:
        unpacked = unpack(content, Budget(self.limits))
        self.findings += unpacked.findings
        for member in unpacked.members:
            before = len(self.findings)
            name = escape(member.name, limit=200) or "compressed file"
            what = self._read_member(name, member)
            self._account(name, member.content, before, what)
        self._check_manifest(unpacked.members)

    def _check_manifest(self, members: Iterable[Member]) -> None:
        """Hold every file of the package against its manifest, if there is one. What archivers leave behind may be unlisted."""
        listed = {member.name: member.content for member in members}
        manifests = [name for name in listed if role_of(name) is Role.MANIFEST]
        if len(manifests) > 1:
            reason = f"there are {len(manifests)} of them"
            self.findings.append(finding("manifest_unreadable", where=escape(manifests[0], limit=200), reason=reason))
            return
        for name in manifests:
            self.manifest, found = read_manifest(escape(name, limit=200), listed[name])
            self.findings += found
            if self.manifest is not None:
                self.findings += check_files(self.manifest, _beside(name, listed, self.manifest))

    def _read_member(self, name: str, member: Member) -> str:
        role = role_of(member.name)
        if container_of(member.content) is not None:
            self.findings.append(finding("archive_nested", member=name))
        elif role is Role.UNKNOWN:
            self.findings.append(finding("archive_unknown_member", member=name))
        elif role in (Role.TRUST, Role.CRL):
            return self._read_trust_file(name, member.content)
        elif role is Role.SAMPLE:
            self._read_sample(name, member.content)
        elif role is not Role.LITTER:
            self.documents[name] = member.content
        return role.value

    def _account(self, name: str, content: bytes, findings_before: int, what: str) -> None:
        new = self.findings[findings_before:]
        refused = next((one for one in new if one.severity is Severity.REFUSE), None)
        if refused:
            report = MemberReport(name, len(content), Outcome.REFUSED, refused.sentence)
        elif what in (Role.UNKNOWN.value, Role.LITTER.value):
            report = MemberReport(name, len(content), Outcome.IGNORED, "not part of a trust package")
        else:
            report = MemberReport(name, len(content), Outcome.USED, what)
        self.members.append(report)

    def _read_sample(self, name: str, content: bytes) -> None:
        """Service certificates offered for trying out the chains stay out of the set."""
        certificates, self.certificates = self.certificates, []
        self._read_trust_file(name, content)
        self.samples += self.certificates
        self.certificates = certificates

    def _read_trust_file(self, name: str, content: bytes) -> str:
        """Read one file that should hold certificates or CRLs, by its bytes; return what it was."""
        if looks_like_pem(content):
            self._read_pem(name, content)
            return "pem"
        if content[:1] == b"\x30":
            return self._read_der(name, content)
        if content.lstrip()[:1] == b"{":
            self._read_jwks(name, content)
            return "jwks"
        reason = "it is empty" if not content else "no BEGIN line, no DER structure"
        self.findings.append(finding("unknown_format", reason=f"{name}: {reason}"))
        return "unknown"

    # Forms
    # ------------------------------------------------------------------------------------------------------

    def _read_pem(self, name: str, content: bytes) -> None:
        reading = read_pem(content)
        self.findings += reading.findings
        # Each block costs work, so the wall stands before the reading.
        if not self._within_limit(sum(1 for block in reading.blocks if "CERTIFICATE" in block.label)):
            return
        for block in reading.blocks:
            self._read_block(name, block)

    def _read_block(self, name: str, block: PemBlock) -> None:
        where = f"Block {block.number} (line {block.line}) of {name}"
        match block.label:
            case "CERTIFICATE":
                self._certificate(where, block.der)
            case "X509 CERTIFICATE":
                self.findings.append(
                    finding("pem_legacy_label", block=block.number, line=block.line, label=block.label)
                )
                self._certificate(where, block.der)
            case "X509 CRL":
                self._crl(where, block.der)
            case "PKCS7" | "CMS":
                self._pkcs7(where, block.der)
            case _:
                self.findings.append(
                    finding("pem_foreign_label", block=block.number, line=block.line, label=block.label)
                )

    def _read_der(self, name: str, content: bytes) -> str:
        if pkcs7.looks_like_pkcs7(content):
            self._pkcs7(name, content)
            return "pkcs7"
        try:
            self._take_crl(name, read_crl(content))
        except Unreadable:
            self._certificate(name, content)
        return "der"

    def _read_jwks(self, name: str, content: bytes) -> None:
        reading = jwks.read_jwks(name, content)
        self.findings += reading.findings
        if self._within_limit(len(reading.certificates)):
            for number, der in reading.certificates:
                self._certificate(f"Entry {number} of {name}", der)

    def _pkcs7(self, where: str, der: bytes) -> None:
        try:
            contents = pkcs7.read_pkcs7(der)
        except pkcs7.NotACertificateSet as error:
            self.findings.append(finding(error.code, where=where, reason=error.reason))
            return
        if not self._within_limit(len(contents.certificates)):
            return
        for number, certificate in enumerate(contents.certificates, start=1):
            self._certificate(f"Certificate {number} of {where}", certificate)
        for number, crl in enumerate(contents.crls, start=1):
            self._crl(f"CRL {number} of {where}", crl)

    def _certificate(self, where: str, der: bytes) -> None:
        try:
            self.certificates.append(read_certificate(der))
        except Unreadable as error:
            self.findings.append(finding("certificate_unreadable", where=where, reason=error))

    def _crl(self, where: str, der: bytes) -> None:
        try:
            self._take_crl(where, read_crl(der))
        except Unreadable as error:
            self.findings.append(finding("crl_unreadable", where=where, reason=error))

    def _take_crl(self, where: str, crl: CrlFacts) -> None:
        if crl.sha256 not in self.places:
            self.crls.append(crl)
        self.places[crl.sha256] = where

    def _within_limit(self, more: int) -> bool:
        count = len(self.certificates) + more
        if count <= self.limits.certificates:
            return True
        self.findings.append(finding("too_many_certificates", count=count, limit=self.limits.certificates))
        return False
