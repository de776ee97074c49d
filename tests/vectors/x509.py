"""Every X.509 and PKCS#7 file of cryptography-vectors, read as if a partner had sent it alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cryptography_vectors

from trust.pki.examination import examine
from trust.pki.findings import Severity
from trust.pki.lint import lint
from trust.pki.secrets_scan import scan

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ROOT = Path(cryptography_vectors.__file__).parent
_FOLDERS = ("x509", "pkcs7")
_TEXTS = (".txt", ".md", ".ldif")


@dataclass(frozen=True, order=True)
class Verdict:
    """One line of the table: which file, what became of it, and the codes of what was said, notes left out."""

    name: str
    outcome: str
    codes: str

    def line(self) -> str:
        return f"{self.name}\t{self.outcome}\t{self.codes}"


def files() -> Iterator[Path]:
    """Yield the files: certificates, requests, CRLs, OCSP answers, key stores and signed mails, good and bad."""
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix not in _TEXTS:
                yield path


def verdict(path: Path) -> Verdict:
    """Push one file through the search for keys, the reading, the rules and the linter."""
    content, name = path.read_bytes(), path.relative_to(ROOT).as_posix()
    if not scan(content).clean:
        return Verdict(name, "private key", "")
    seen = examine(content, filename_hint=path.name, now=NOW)
    if not seen.refused:
        for one in seen.reading.certificates:
            lint(one)
    codes = sorted({each.code for each in seen.findings if each.severity is not Severity.NOTE})
    return Verdict(name, "refused" if seen.refused else "taken", " ".join(codes))
