"""What pkilint, a linter for RFC 5280, says about a certificate, as our findings.

A pure function of the DER, so its answer can be kept per fingerprint. The linter is loaded on first use: that takes a
fifth of a second, and a certificate a few milliseconds.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from trust.pki.certificates import CertificateFacts
from trust.pki.codes import finding, linted
from trust.pki.display import escape
from trust.pki.findings import Finding, Severity

# The linter's FATAL means that it cannot read on, and ERROR that a MUST is broken. Neither refuses by itself: real CAs
# break small MUSTs, and what is dangerous has a rule of its own in `trust.pki.ca_rules`.
_SEVERITIES = {
    "FATAL": Severity.PROBLEM,
    "ERROR": Severity.PROBLEM,
    "WARNING": Severity.WARNING,
    "NOTICE": Severity.NOTE,
}
# INFO only tells which of several right ways was taken.
_IGNORED_SEVERITIES = frozenset({"INFO", "DEBUG"})
# Remarks for which a rule of ours says the same in words that fit a partner.
_SAID_BY_OUR_RULES = frozenset(
    {
        "pkix.basic_constraints_extension_not_critical",
        "pkix.certificate_skid_ca_missing",
        "pkix.authority_key_identifier_extension_absent",
        "pkix.ca_certificate_no_ku_extension",
        "pkix.key_usage_extension_not_critical",
        "pkix.certificate_name_constraints_extension_not_critical",
        "pkix.certificate_serial_number_out_of_range",
        "pkix.certificate_version_is_not_v3",
    }
)


def lint(certificate: CertificateFacts) -> tuple[Finding, ...]:
    """Return the linter's remarks. Never raises: a certificate that it cannot judge gets a note that says so."""
    try:
        remarks = _remarks(certificate.der)
    # The linter meets hostile structures that our own reader let through. Nothing depends on its answer.
    except Exception:
        logging.getLogger(__name__).info("pkilint could not judge %s", certificate.sha256)
        return (finding("pkilint_unavailable", certificate_sha256=certificate.sha256, subject=certificate.subject),)
    return tuple(
        linted(
            code,
            severity=_SEVERITIES[severity],
            certificate_sha256=certificate.sha256,
            subject=str(certificate.subject),
            words=words,
        )
        for severity, code, words in dict.fromkeys(remarks)
        if severity not in _IGNORED_SEVERITIES and code not in _SAID_BY_OUR_RULES
    )


def _remarks(der: bytes) -> list[tuple[str, str, str]]:
    """Return severity, code and words of each remark."""
    loader, validator = _linter()
    document = loader.load_der_document(der)
    return [
        (described.finding.severity.name, described.finding.code, _words(described))
        for result in validator.validate(document.root)
        for described in result.finding_descriptions
    ]


def _words(described: Any) -> str:
    words = described.finding.code.rpartition(".")[2].replace("_", " ")
    return f"{words}: {escape(described.message, limit=200)}" if described.message else words


@cache
def _linter() -> tuple[Any, Any]:
    from pkilint import loader
    from pkilint.pkix import certificate, extension, name

    # Its complaints about itself would repeat names of the certificate in our log.
    logging.getLogger("pkilint").setLevel(logging.CRITICAL)
    decoding = certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS)
    parts = [
        certificate.create_issuer_validator_container([]),
        certificate.create_validity_validator_container(),
        certificate.create_subject_validator_container([]),
        certificate.create_extensions_validator_container([]),
        certificate.create_spki_validator_container([]),
    ]
    return (
        loader.RFC5280CertificateDocumentLoader(),
        certificate.create_pkix_certificate_validator_container(decoding, parts),
    )
