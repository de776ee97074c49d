"""Holding certificates against the terms: each broken clause is a finding that cites it.

Plain Python: terms, certificates and the moment come in, findings go out. What breaks RFC 5280 or common validators is
``trust.pki``'s to say; here is only what two companies agreed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from trust.agreements import identity
from trust.agreements.clauses import (
    BY_NUMBER,
    CRL_CLAUSE,
    KEYS_CLAUSE,
    LIFETIME_CLAUSE,
    TIERS,
    days_in_words,
    hours_in_words,
    listed,
)
from trust.agreements.codes import DEFINITIONS
from trust.agreements.identity import Decision, Presented
from trust.agreements.terms import Terms
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts
from trust.pki.crl import CrlFacts
from trust.pki.crl_rules import signer_of
from trust.pki.display import escape
from trust.pki.findings import Finding, Severity

WAIVED_UNTIL = "Waived until "
_DIGESTS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_DUTY_WORDS = {"crl": "no CRL", "ocsp": "no OCSP responder", "crl_or_ocsp": "neither a CRL nor an OCSP responder"}


@dataclass(frozen=True, slots=True)
class Waiving:
    """An agreed waiver, as a check needs it. ``certificate_sha256`` empty waives the clause for all of ``owner``'s."""

    clause: str
    owner: str
    certificate_sha256: str
    expires_at: datetime
    reason: str

    def covers(self, clause: str, owner: str, sha256: str | None, now: datetime) -> bool:
        """Say whether the waiver is for this clause and certificate, and not over at ``now``."""
        return (
            self.clause == clause
            and self.owner == owner
            and now < self.expires_at
            and self.certificate_sha256 in ("", sha256)
        )


def tier(certificate: CertificateFacts, among: Iterable[CertificateFacts] = ()) -> str:
    """Return where a certificate stands: root, policy, issuing or service.

    A CA below a root is a policy CA when it may sign CAs that may sign CAs no further (path length of 1 or more), or when it
    issued another CA of the same upload; else it is an issuing CA.
    """
    if not certificate.is_ca:
        return "service"
    if certificate.self_signed:
        return "root"
    if certificate.path_length is not None:
        return "policy" if certificate.path_length else "issuing"
    issues = any(
        each.is_ca and each.issuer.der == certificate.subject.der and each.sha256 != certificate.sha256
        for each in among
    )
    return "policy" if issues else "issuing"


def check(
    terms: Terms,
    certificates: Sequence[CertificateFacts],
    *,
    owner: str,
    now: datetime,
    waivers: Sequence[Waiving] = (),
) -> tuple[Finding, ...]:
    """Hold certificates of ``owner`` (an organization's slug) against the terms; findings in the order of the certificates.

    Without a signed agreement the terms are recommendations, so nothing weighs more than a warning.
    """
    found = [
        finding
        for certificate in certificates
        for finding in _about(terms, certificate, tier(certificate, certificates), owner)
    ]
    return tuple(waived(_weighed(each, terms), waivers, owner=owner, now=now) for each in found)


def check_crls(
    terms: Terms,
    crls: Iterable[CrlFacts],
    certificates: CertificateSet,
    *,
    owner: str,
    now: datetime,
    waivers: Sequence[Waiving] = (),
    places: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Say which CRLs of ``owner`` are older than agreed. ``places`` names each by its SHA-256.

    A list that no CA of ``certificates`` signed is not judged here: whose it is, is unknown.
    """
    found = []
    for crl in crls:
        signer = signer_of(crl, certificates)
        level = tier(signer, certificates) if signer else ""
        longest, age = terms.crl_longest.get(level), now - crl.this_update
        if signer is None or longest is None or age <= longest:
            continue
        words = {
            "where": (places or {}).get(crl.sha256, "in the package"),
            "issuer": _about_one(signer)["subject"],
            "age": hours_in_words(int(age / timedelta(hours=1))),
            "longest": hours_in_words(int(longest / timedelta(hours=1))),
        }
        said = _finding(terms, CRL_CLAUSE[level], "agreement_crl_age", certificate_sha256=signer.sha256, **words)
        found.append(waived(_weighed(said, terms), waivers, owner=owner, now=now))
    return tuple(found)


def _about(terms: Terms, certificate: CertificateFacts, level: str, owner: str) -> Iterable[Finding]:
    yield from _key(terms, certificate, level)
    yield from _digest(terms, certificate)
    yield from _lifetime(terms, certificate, level)
    if level != "root":
        yield from _revocation(terms, certificate)
    if level == "service":
        for each in map_identity(terms, identity.presented(certificate.load()), owner=owner).findings:
            yield replace(each, certificate_sha256=certificate.sha256)


def _finding(
    terms: Terms,
    number: str,
    code: str,
    *,
    certificate_sha256: str | None = None,
    severity: Severity | None = None,
    **words: object,
) -> Finding:
    definition = DEFINITIONS[code]
    said = " ".join(BY_NUMBER[number].sentences(terms.values))
    return Finding(
        code=code,
        severity=severity or definition.severity,
        sentence=definition.sentence.format(**words),
        fix=definition.fix.format(**words),
        source=terms.citation(number),
        certificate_sha256=certificate_sha256,
        detail=escape(said, limit=600),
    )


def _about_one(certificate: CertificateFacts) -> dict[str, Any]:
    name = certificate.subject.common_name or str(certificate.subject)
    return {"certificate_sha256": certificate.sha256, "subject": name}


def _key(terms: Terms, certificate: CertificateFacts, level: str) -> Iterable[Finding]:
    key, allowed = certificate.public_key, terms.values["keys"][level]
    if key.algorithm == "RSA":
        fits = allowed["rsa_min_bits"] is not None and (key.size or 0) >= allowed["rsa_min_bits"]
    else:
        fits = key.curve in allowed["curves"] if key.algorithm == "EC" else key.algorithm in allowed["edwards"]
    if not fits:
        words = _about_one(certificate)
        yield _finding(terms, KEYS_CLAUSE[level], "agreement_key", key=key, tier=_lower(level), **words)


def _lower(level: str) -> str:
    return TIERS[level][0].lower() + TIERS[level][1:]


def _digest(terms: Terms, certificate: CertificateFacts) -> Iterable[Finding]:
    # Ed25519 and Ed448 have their digest built in; the clause on keys decides about them.
    if certificate.signature_digest is None:
        return
    agreed, used = terms.values["signatures"]["digests"], _DIGESTS.get(certificate.signature_digest)
    if used not in agreed:
        words = _about_one(certificate) | {"digest": used or certificate.signature_digest.upper()}
        yield _finding(terms, "3.5", "agreement_digest", agreed=listed(agreed), **words)


def _lifetime(terms: Terms, certificate: CertificateFacts, level: str) -> Iterable[Finding]:
    limits = terms.values["lifetimes"][level]
    shortest, longest = limits["min_days"], limits["max_days"]
    length = certificate.not_after - certificate.not_before
    number = LIFETIME_CLAUSE[level]
    words = _about_one(certificate) | {"lifetime": days_in_words(length.days)}
    if length > timedelta(days=longest):
        words |= {"longest": days_in_words(longest)}
        yield _finding(terms, number, "agreement_lifetime_long", days=longest, **words)
    elif length < timedelta(days=shortest):
        severity = Severity.NOTE if level == "service" else None
        words |= {"shortest": days_in_words(shortest)}
        yield _finding(terms, number, "agreement_lifetime_short", severity=severity, **words)


def _revocation(terms: Terms, certificate: CertificateFacts) -> Iterable[Finding]:
    duty = terms.values["revocation"]["duty"]
    crl, ocsp = bool(certificate.crl_urls), bool(certificate.ocsp_urls)
    kept = {"crl": crl, "ocsp": ocsp, "crl_or_ocsp": crl or ocsp, "both": crl and ocsp, "none": True}[duty]
    if kept:
        return
    missing = _DUTY_WORDS.get(duty) or ("no CRL" if ocsp else "no OCSP responder" if crl else "neither CRL nor OCSP")
    yield _finding(terms, "5.1", "agreement_revocation", missing=missing, **_about_one(certificate))


def _weighed(finding: Finding, terms: Terms) -> Finding:
    if terms.in_force or finding.severity.rank >= Severity.WARNING.rank:
        return finding
    return replace(finding, severity=Severity.WARNING)


def waived(finding: Finding, waivers: Sequence[Waiving], *, owner: str, now: datetime) -> Finding:
    """Return the finding, or what is left of it when both sides waived its clause: a note that says until when."""
    clause = finding.source.rpartition(" ")[2]
    for each in waivers:
        if each.covers(clause, owner, finding.certificate_sha256, now):
            until = f"{WAIVED_UNTIL}{each.expires_at:%d %b %Y}: {escape(each.reason, limit=200)}"
            return replace(finding, severity=Severity.NOTE, detail=f"{until}\n{finding.detail}".strip())
    return finding


def map_identity(terms: Terms, who: Presented, *, owner: str) -> Decision:
    """Say what the agreement makes of a certificate that ``owner`` presents: permissions, and what breaks a clause.

    Permissions are given only by rules whose conditions all hold, and none at all when a clause of identity is broken.
    """
    party = terms.identity_of(owner)
    findings = tuple(_identity_findings(terms, who, owner))
    if party is None:
        return Decision((), (), findings)
    matched = tuple(n for n, rule in enumerate(party["rules"]) if identity.rule_matches(rule, who))
    granted = {grant for n in matched for grant in party["rules"][n]["grants"]}
    decision = Decision(tuple(sorted(granted)), matched, findings)
    if not decision.accepted:
        return replace(decision, permissions=())
    if party["rules"] and not matched:
        nobody = _finding(terms, "6.4", "identity_no_rule")
        return replace(decision, findings=(*findings, nobody))
    return decision


def _identity_findings(terms: Terms, who: Presented, owner: str) -> Iterable[Finding]:
    yield from _spiffe(terms, who, owner)
    yield from _names(terms, who, owner)
    if terms.values["identity"]["separate_purposes"] and {"clientAuth", "serverAuth"} <= set(who.purposes):
        yield _finding(terms, "6.5", "identity_purposes_together")


def _spiffe(terms: Terms, who: Presented, owner: str) -> Iterable[Finding]:
    party = terms.identity_of(owner)
    if len(who.spiffe_ids) > 1:
        yield _finding(terms, "6.1", "identity_several_ids", count=len(who.spiffe_ids))
    for each in who.spiffe_ids:
        why = identity.spiffe_problem(each)
        if why is None and party and party["trust_domains"]:
            outside = identity.trust_domain(each) not in party["trust_domains"]
            why = f"its trust domain is not one that is agreed for {owner}" if outside else None
        if why:
            yield _finding(terms, "6.1", "identity_trust_domain", spiffe_id=escape(each, limit=300), reason=why)


def _names(terms: Terms, who: Presented, owner: str) -> Iterable[Finding]:
    party = terms.identity_of(owner)
    if party is None:
        return
    suffixes, organizations = party["dns_suffixes"], party["subject_organizations"]
    for name in who.dns_names:
        if suffixes and not any(identity.under(suffix, name) for suffix in suffixes):
            words: dict[str, Any] = {
                "name": escape(name, limit=300),
                "party": owner,
                "suffixes": listed(list(suffixes)),
            }
            yield _finding(terms, "6.2", "identity_dns_name", **words)
    if organizations and not set(who.organizations) & set(organizations):
        said = escape(", ".join(who.organizations), limit=300) or "nothing"
        yield _finding(terms, "6.3", "identity_organization", said=said, agreed=listed(list(organizations)))
