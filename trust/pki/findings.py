"""What a check has to say about a document, as a value.

A finding is never raised. It is collected, so that a partner hears everything at once. Whether a document may
be taken follows from the severities alone, see `refuses`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding weighs, heaviest first."""

    REFUSE = "refuse"
    """The document is not taken."""
    PROBLEM = "problem"
    """Taken, but something will break or already breaks the terms. A person must decide."""
    WARNING = "warning"
    """Taken. Works today, and is likely to hurt later."""
    NOTE = "note"
    """Good to know, nothing to do."""

    @property
    def rank(self) -> int:
        """0 is the heaviest."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check has to say.

    `code` is stable and documented in `trust.pki.codes`. `source` names the clause that is broken: an RFC
    section, the mutual TLS guide, or a clause of the signed agreement. `detail` holds what was seen,
    already escaped for display. `certificate_sha256` is the lower-case hex SHA-256 of the DER that it is
    about, or None for the upload.
    """

    code: str
    severity: Severity
    sentence: str
    fix: str
    source: str
    certificate_sha256: str | None = None
    detail: str = ""


def refuses(findings: Iterable[Finding]) -> bool:
    """Tell whether any finding forbids taking the document."""
    return any(finding.severity is Severity.REFUSE for finding in findings)


def heaviest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order in which a person should read them. Stable within one severity."""
    return tuple(sorted(findings, key=lambda finding: finding.severity.rank))
