"""Every finding that holding certificates against the terms can give: code, severity, sentence, fix and clauses, in one table.

Codes are a public contract, as those of ``trust.pki.codes``. The words in braces are filled in by the check, escaped for
display. Severities are those of an agreement in force; recommended terms never weigh more than a warning.
"""

from trust.pki.codes import Definition
from trust.pki.findings import Severity

_NEXT_RENEWAL = "Change this at the next renewal, or agree on a waiver until then."
_PROBLEM, _WARNING = Severity.PROBLEM, Severity.WARNING

_ROWS: tuple[tuple[str, Severity, str, str, str], ...] = (
    (
        "agreement_key",
        _PROBLEM,
        "{subject} has a key of {key}, which is not agreed for {tier}.",
        f"Make a key that is agreed and issue the certificate again. {_NEXT_RENEWAL}",
        "Agreement 3.1 to 3.4",
    ),
    (
        "agreement_digest",
        _PROBLEM,
        "{subject} is signed with {digest}, which is not agreed.",
        "Issue it again, signed with {agreed}.",
        "Agreement 3.5",
    ),
    (
        "agreement_lifetime_long",
        _PROBLEM,
        "{subject} is valid for {lifetime}; agreed are at most {longest}.",
        f"Issue it with -days {{days}} or less. {_NEXT_RENEWAL}",
        "Agreement 4.1 to 4.4",
    ),
    (
        # A note for a service certificate: rotating more often than planned harms nobody.
        "agreement_lifetime_short",
        _WARNING,
        "{subject} is valid for {lifetime}; planned are at least {shortest}.",
        "Plan the next renewal earlier than usual, and announce it with a notice.",
        "Agreement 4.1 to 4.4",
    ),
    (
        "agreement_revocation",
        _PROBLEM,
        "{subject} names {missing}, so your partner cannot see a revocation of it.",
        f"Issue it with crlDistributionPoints or authorityInfoAccess. {_NEXT_RENEWAL}",
        "Agreement 5.1",
    ),
    (
        "agreement_crl_age",
        _PROBLEM,
        "The CRL {where} of {issuer} is {age} old; agreed is a new one at least every {longest}.",
        "Publish the CRLs of that CA as often as agreed, and send the newest one.",
        "Agreement 5.2 to 5.3",
    ),
    (
        "identity_several_ids",
        _PROBLEM,
        "The certificate has {count} SPIFFE IDs; validators refuse more than one.",
        "Issue it with exactly one URI in subjectAltName.",
        "Agreement 6.1",
    ),
    (
        "identity_trust_domain",
        _PROBLEM,
        "The SPIFFE ID {spiffe_id} is not acceptable: {reason}.",
        "Issue the certificate with a SPIFFE ID of an agreed trust domain.",
        "Agreement 6.1",
    ),
    (
        "identity_dns_name",
        _PROBLEM,
        "The DNS name {name} is outside what is agreed for {party}.",
        "Use names that end in {suffixes}.",
        "Agreement 6.2",
    ),
    (
        "identity_organization",
        _PROBLEM,
        "The O of the subject is {said}, not the agreed one.",
        "Issue the certificate with O={agreed}.",
        "Agreement 6.3",
    ),
    (
        "identity_no_rule",
        _WARNING,
        "No rule of the agreement gives this certificate a permission.",
        "Compare its SPIFFE ID, DNS names, O and OU with the rules, or agree on a rule for it.",
        "Agreement 6.4",
    ),
    (
        "identity_purposes_together",
        _PROBLEM,
        "The certificate is for clients and for servers.",
        "Issue two: one with clientAuth and one with serverAuth.",
        "Agreement 6.5",
    ),
)
DEFINITIONS: dict[str, Definition] = {row[0]: Definition(*row) for row in _ROWS}
