"""What is kept of a certificate beside its bytes, for pages and the API. Plain Python."""

from typing import Any

from trust.pki.certificates import CertificateFacts
from trust.pki.findings import Finding, Severity

EVENTS: dict[str, str] = {}


def summary(facts: CertificateFacts) -> dict[str, Any]:
    """Return what pages and the API show of a certificate, as plain JSON. Text in it is escaped for display already."""
    return {
        "version": facts.version,
        "common_name": facts.subject.common_name,
        "name_marks": sorted(mark.value for mark in facts.subject.marks),
        "path_length": facts.path_length,
        "basic_constraints_critical": facts.basic_constraints_critical,
        "key_usage": sorted(facts.key_usage or ()),
        "extended_key_usage": list(facts.extended_key_usage),
        "subject_key_identifier": facts.subject_key_identifier,
        "authority_key_identifier": facts.authority_key_identifier,
        "alternative_names": list(facts.alternative_names),
        "permitted_names": list(facts.permitted_names),
        "excluded_names": list(facts.excluded_names),
        "crl_urls": list(facts.crl_urls),
        "ocsp_urls": list(facts.ocsp_urls),
        "issuer_urls": list(facts.issuer_urls),
    }


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain JSON."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "sentence": finding.sentence,
        "fix": finding.fix,
        "source": finding.source,
        "certificate_sha256": finding.certificate_sha256,
        "detail": finding.detail,
    }


def finding_from_json(data: dict[str, Any]) -> Finding:
    """Return the finding that `finding_to_json` wrote."""
    return Finding(**{**data, "severity": Severity(data["severity"])})
