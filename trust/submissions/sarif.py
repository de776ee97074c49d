"""Findings in SARIF 2.1.0, which code hosts and CI systems show beside the file (OASIS standard, 2020)."""

from collections.abc import Iterable
from typing import Any

from portal import words
from trust.pki.findings import Finding, Severity

_LEVELS = {Severity.REFUSE: "error", Severity.PROBLEM: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def report(findings: Iterable[Finding], *, file_name: str, portal: str) -> dict[str, Any]:
    """Return one run with a rule for each code and a result for each finding. ``portal`` is the portal's own address."""
    listed = list(findings)
    rules = {each.code: each for each in listed}
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "Trust Exchange", "rules": [_rule(each, portal) for each in rules.values()]}
                },
                "results": [_result(each, file_name) for each in listed],
            }
        ],
    }


def _rule(finding: Finding, portal: str) -> dict[str, Any]:
    return {
        "id": finding.code,
        "shortDescription": {"text": finding.code.replace("_", " ")},
        "helpUri": f"{portal}{words.explained_at(finding.code)}",
        "help": {"text": f"{finding.fix} ({finding.source})"},
    }


def _result(finding: Finding, file_name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.sentence} {finding.fix}"},
        # SARIF has three levels and we have four: whoever must tell "refused" from "problem" reads it here.
        "properties": {"severity": finding.severity.value},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": file_name}}}],
    }
    if finding.certificate_sha256:
        made["partialFingerprints"] = {"certificateSha256/v1": finding.certificate_sha256}
    return made
