"""The portal's own rules for CA certificates that a partner offers, as findings.

What RFC 5280 says about the form of a certificate is the linter's part (`trust.pki.lint`). Here stands what
makes a certificate dangerous or useless as something to trust, and what will break in practice. What the
two organizations agreed on beyond that is checked by `trust.agreements` and cites its clauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trust.pki.about import about
from trust.pki.certificate_set import CertificateSet
from trust.pki.certificates import CertificateFacts
from trust.pki.chains import Chains, Tier, build_chains
from trust.pki.display import Mark
from trust.pki.findings import Finding, heaviest_first
from trust.pki.key_checks import check_key, check_shared_primes
from trust.pki.public_roots import public_root_fingerprints, sounds_public
from trust.pki.reader_checks import check_reader
from trust.pki.set_rules import check_chains, check_repeats

EXPIRES_SOON = timedelta(days=60)
_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
_WEAK_DIGESTS = frozenset({"md5", "sha1", "md2", "md4"})
_COMMON_SIGNATURES = ("sha256With", "sha384With", "sha512With", "ecdsa-with-SHA")
_SERIAL_OCTETS = 20
_NAME_ATTRIBUTES, _NAME_OCTETS = 32, 4096
_YEAR = timedelta(days=365.25)
# The guide's table (1.3) has 15-20, 5-8 and 1-2 years.
LONGEST_YEARS = {Tier.ROOT: 20, Tier.POLICY: 8, Tier.ISSUING: 2}
_FORMULA = ("=", "+", "-", "@")
_ACTIVE = ("<script", "<img", "<svg", "javascript:", "{{", "{%", "${", "<!--", "</")


@dataclass(frozen=True, slots=True)
class Review:
    """What the rules say about a set: findings, heaviest first, and the chains that were found on the way."""

    findings: tuple[Finding, ...]
    chains: Chains


def review(certificates: CertificateSet, *, now: datetime) -> Review:
    """Hold a set of CA certificates against every rule. `now` is aware. Never raises for hostile
    certificates.
    """
    chains = build_chains(certificates)
    findings = [found for one in certificates for found in check_certificate(one, now=now)]
    findings += check_reader(certificates)
    findings += check_shared_primes(certificates)
    findings += (found for one in certificates for found in _check_lifetime(one, chains.tiers[one.sha256]))
    findings += check_chains(certificates, chains)
    findings += check_repeats(certificates)
    return Review(heaviest_first(findings), chains)


def check_certificate(one: CertificateFacts, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with one CA certificate taken alone."""
    for check in (
        _check_ca,
        _check_extensions,
        _check_name,
        _check_number_and_form,
        _check_signature,
        check_key,
    ):
        yield from check(one)
    yield from _check_dates(one, now)


def _check_ca(one: CertificateFacts) -> Iterator[Finding]:
    if one.version != 3:
        yield about(one, "old_version", version=one.version)
    elif not one.has_basic_constraints:
        yield about(one, "not_ca", reason="it has no basicConstraints")
    elif not one.is_ca:
        yield about(one, "not_ca", reason="its basicConstraints say CA:FALSE")
    elif one.key_usage is None:
        yield about(one, "key_usage_missing")
    elif "key_cert_sign" not in one.key_usage:
        yield about(one, "key_usage_without_cert_sign")


Rule = tuple[str, Callable[[CertificateFacts], bool]]

# Each row: the code, and when it applies. Rules that only make sense for a CA stand in the second table.
_FORM_RULES: tuple[Rule, ...] = (
    ("serial_not_positive", lambda one: one.serial == "0" or one.serial.startswith("-")),
    ("wrong_time_form", lambda one: one.early_generalized_time),
    ("signature_algorithms_differ", lambda one: one.signature_algorithms_differ),
    ("netscape_extension", lambda one: bool(one.netscape_extensions)),
    ("empty_subject", lambda one: one.subject.attributes == 0),
)
_CA_RULES: tuple[Rule, ...] = (
    ("basic_constraints_not_critical", lambda one: not one.basic_constraints_critical),
    ("key_usage_not_critical", lambda one: one.key_usage is not None and not one.key_usage_critical),
    ("key_usage_without_crl_sign", lambda one: one.key_usage is not None and "crl_sign" not in one.key_usage),
    ("subject_key_identifier_missing", lambda one: one.subject_key_identifier is None),
    (
        "authority_key_identifier_missing",
        lambda one: not one.self_signed and not one.authority_key_identifier,
    ),
    (
        "name_constraints_not_critical",
        lambda one: one.has_name_constraints and not one.name_constraints_critical,
    ),
    ("no_name_constraints", lambda one: one.is_root and not one.has_name_constraints),
)


def _check_extensions(one: CertificateFacts) -> Iterator[Finding]:
    if one.is_ca:
        yield from (about(one, code) for code, applies in _CA_RULES if applies(one))
        if one.extended_key_usage:
            yield about(one, "extended_key_usage_on_ca", purposes=", ".join(one.extended_key_usage))
    if one.unknown_critical:
        yield about(one, "unknown_critical_extension", oids=", ".join(one.unknown_critical))


def _check_number_and_form(one: CertificateFacts) -> Iterator[Finding]:
    yield from (about(one, code) for code, applies in _FORM_RULES if applies(one))
    if one.serial_octets > _SERIAL_OCTETS:
        yield about(one, "serial_too_long", octets=one.serial_octets)
    elif one.serial_octets < 8 and not one.self_signed:
        yield about(one, "serial_predictable")


def _check_name(one: CertificateFacts) -> Iterator[Finding]:
    name = one.subject
    if name.attributes > _NAME_ATTRIBUTES or len(name.der) > _NAME_OCTETS:
        yield about(one, "oversized_name", attributes=name.attributes, octets=len(name.der))
    marks = (name.marks | one.issuer.marks) - {Mark.NOT_ASCII}
    if marks:
        yield about(one, "suspicious_name", marks=", ".join(sorted(mark.value for mark in marks)))
    elif Mark.NOT_ASCII in name.marks:
        yield about(one, "non_ascii_name")
    if any(_could_act(value) for value in name.values):
        yield about(one, "active_text_in_name")
    if one.sha256 in public_root_fingerprints():
        yield about(one, "public_web_root")
    elif any(sounds_public(value) for value in name.values):
        yield about(one, "public_ca_name")


def _could_act(value: str) -> bool:
    lowered = value.lower()
    return value.startswith(_FORMULA) or any(piece in lowered for piece in _ACTIVE)


def _check_signature(one: CertificateFacts) -> Iterator[Finding]:
    if one.signature_digest in _WEAK_DIGESTS:
        # Nobody checks the signature of an anchor: trust in it comes from the call.
        code = "weak_self_signature" if one.is_root else "weak_signature"
        yield about(one, code, digest=str(one.signature_digest).upper())
    elif not one.signature_algorithm.startswith(_COMMON_SIGNATURES):
        yield about(one, "signature_algorithm_uncommon", algorithm=one.signature_algorithm)


def _check_dates(one: CertificateFacts, now: datetime) -> Iterator[Finding]:
    not_before, not_after = _day(one.not_before), _day(one.not_after)
    if one.not_after < one.not_before:
        yield about(one, "dates_reversed", not_before=not_before, not_after=not_after)
    elif one.not_after < now:
        yield about(one, "expired", not_after=not_after)
    elif one.not_before > now:
        yield about(one, "not_yet_valid", not_before=not_before)
    elif one.not_after >= _FOR_EVER:
        yield about(one, "never_expires", not_after=not_after)
    elif one.not_after - now < EXPIRES_SOON:
        yield about(one, "expires_soon", not_after=not_after, days=(one.not_after - now).days)


def _check_lifetime(one: CertificateFacts, tier: Tier) -> Iterator[Finding]:
    lifetime, limit = one.not_after - one.not_before, LONGEST_YEARS[tier]
    # A week of grace: CAs date certificates back, and leap days add up.
    if one.is_ca and one.not_after < _FOR_EVER and lifetime > limit * _YEAR + timedelta(days=7):
        yield about(one, "lifetime_too_long", years=round(lifetime / _YEAR), tier=tier.value, limit=limit)


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
