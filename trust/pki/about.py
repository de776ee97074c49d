"""Findings about one certificate."""

from __future__ import annotations

from trust.pki.certificates import CertificateFacts
from trust.pki.codes import fill
from trust.pki.findings import Finding


def about(one: CertificateFacts, code: str, **words: object) -> Finding:
    """Make the finding `code` about `one`; its subject is filled in. Other words must be escaped already."""
    return fill(code, {"subject": one.subject, **words}, certificate_sha256=one.sha256)
