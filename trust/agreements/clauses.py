"""The one table of an agreement's clauses: number, place in the document, title, and the sentence that people read.

Numbers are cited by findings ("Agreement 4.2") and never change their meaning within a format version. A new term is one
entry here, one in ``schema.json`` and one in ``defaults``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Sentences = list[str]

TIERS = {"root": "Root CAs", "policy": "Policy CAs", "issuing": "Issuing CAs", "service": "Service certificates"}
SECTIONS = {
    "1": "Scope",
    "2": "Connection",
    "3": "Keys and signatures",
    "4": "Lifetimes",
    "5": "Revocation",
    "6": "Identity",
    "7": "Notices",
    "8": "Acknowledgement",
    "9": "Operations",
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One term. ``path`` leads to its value below ``terms``, with dots; ``say`` turns the value into sentences."""

    number: str
    path: str
    title: str
    say: Callable[[Any], Sentences]
    # What a document says that was signed before the clause existed. Signed bytes are never changed.
    unsaid: Any = None

    @property
    def section(self) -> str:
        """The title of the section that the clause stands in."""
        return SECTIONS[self.number.split(".")[0]]

    def value(self, terms: Mapping[str, Any]) -> Any:
        """Return the clause's value from an agreement's ``terms``. Raises KeyError when it is not there and must be."""
        found: Any = terms
        *steps, last = self.path.split(".")
        for step in steps:
            found = found[step]
        return found[last] if self.unsaid is None else found.get(last, self.unsaid)

    def sentences(self, terms: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Sentences:
        """Return what the clause says in an agreement with these ``terms``; ``names`` stand for slugs where they are given."""
        value = self.value(terms)
        if names and self.path == "identity.parties":
            value = [each | {"organization": names.get(each["organization"], each["organization"])} for each in value]
        return self.say(value)


def listed(words: list[str], joint: str = "or") -> str:
    """Join words as people do: "P-256", "P-256 or P-384", "P-256, P-384 or P-521"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def hours_in_words(hours: int) -> str:
    """Say a number of hours: "4 hours", "30 days"."""
    if hours % 24 == 0 and hours >= 48:
        return f"{hours // 24} days"
    return "1 hour" if hours == 1 else f"{hours} hours"


def days_in_words(days: int) -> str:
    """Say a number of days, with years where people think in years: "90 days", "7305 days (20 years)"."""
    years = round(days / 365.25)
    # With and without the leap days that fall into so many years.
    if years and 365 * years <= days <= 365 * years + years // 4 + 1:
        return f"{days} days ({years} {'year' if years == 1 else 'years'})"
    return f"{days} days"


def _scope(value: str) -> Sentences:
    says = {
        "each_root": "Each new root CA is verified by phone before anything below it is trusted.",
        "package": "The fingerprint of each whole package is verified by phone, and each new root CA with it.",
    }
    return [says[value]]


def _consumer_counts(value: bool) -> Sentences:
    if value:
        return ["Each side shows the other how many of its consumers run which version of a trust store."]
    return ["Neither side shows the other the numbers of its consumers."]


def _verification_age(value: int | None) -> Sentences:
    if value is None:
        return ["A verification by phone counts until its key or certificate is replaced."]
    return [f"A verification by phone counts for {days_in_words(value)}, and is made again then."]


NO_CALL, CALL = "no_call", "call"


def _renewed_roots(value: str) -> Sentences:
    says = {
        NO_CALL: "A root CA that was renewed with the name and key of one that was verified by phone needs no call of its own.",
        CALL: "A root CA that was renewed is verified by phone, even when it keeps its name and key.",
    }
    return [says[value]]


def _tls_versions(value: list[str]) -> Sentences:
    return [f"Connections use TLS {listed(value)}; nothing older is offered."]


def _clock_skew(value: int) -> Sentences:
    minutes = f"{value // 60} minutes" if value % 60 == 0 else f"{value} seconds"
    return [f"Clocks of both sides are synchronized and differ by less than {minutes}."]


def _keys(tier: str) -> Callable[[Any], Sentences]:
    def say(value: Mapping[str, Any]) -> Sentences:
        kinds = []
        if value["curves"]:
            kinds.append(f"ECDSA on {listed(value['curves'])}")
        if value["edwards"]:
            kinds.append(listed(value["edwards"]))
        if value["rsa_min_bits"]:
            kinds.append(f"RSA with at least {value['rsa_min_bits']} bits")
        return [f"{TIERS[tier]} have keys of {'; or '.join(kinds)}."]

    return say


def _digests(value: list[str]) -> Sentences:
    return [f"Certificates, CRLs and OCSP answers are signed with {listed(value)}."]


def _lifetime(tier: str) -> Callable[[Any], Sentences]:
    def say(value: Mapping[str, int]) -> Sentences:
        shortest, longest = days_in_words(value["min_days"]), days_in_words(value["max_days"])
        return [f"{TIERS[tier]} are valid for at most {longest}, and planned for at least {shortest}."]

    return say


def _duty(value: str) -> Sentences:
    says = {
        "crl": "Each certificate that is not a root names a CRL.",
        "ocsp": "Each certificate that is not a root names an OCSP responder.",
        "crl_or_ocsp": "Each certificate that is not a root names a CRL or an OCSP responder.",
        "both": "Each certificate that is not a root names a CRL and an OCSP responder.",
        "none": "Certificates need not name a CRL or an OCSP responder.",
    }
    return [says[value]]


def _crl_age(whose: str) -> Callable[[Any], Sentences]:
    return lambda value: [f"CRLs of {whose} are published anew at least every {hours_in_words(value)}."]


def _ocsp_age(value: int) -> Sentences:
    return [f"OCSP answers are at most {hours_in_words(value)} old."]


def _each_party(what: Callable[[Mapping[str, Any]], Sentences]) -> Callable[[Any], Sentences]:
    return lambda parties: [sentence for party in parties for sentence in what(party)]


def _trust_domains(party: Mapping[str, Any]) -> Sentences:
    if not party["trust_domains"]:
        return [f"No SPIFFE trust domain is agreed for {party['organization']}."]
    return [f"SPIFFE IDs of {party['organization']} are in the trust domain {listed(party['trust_domains'])}."]


def _dns_suffixes(party: Mapping[str, Any]) -> Sentences:
    if not party["dns_suffixes"]:
        return [f"DNS names of {party['organization']} are not limited."]
    return [f"DNS names of {party['organization']} are {listed(party['dns_suffixes'])} or end in it."]


def _subject_organizations(party: Mapping[str, Any]) -> Sentences:
    if not party["subject_organizations"]:
        return [f"The O of subjects of {party['organization']} is not limited."]
    names = [f"“{name}”" for name in party["subject_organizations"]]
    return [f"Subjects of {party['organization']} have the O {listed(names)}."]


CONDITIONS = {"spiffe": "SPIFFE ID", "dns": "DNS name", "organization": "O", "unit": "OU"}


def _rules(party: Mapping[str, Any]) -> Sentences:
    if not party["rules"]:
        return [f"Certificates of {party['organization']} are given no permissions by this agreement."]
    return [
        f"{party['organization']}: a certificate with {_when(rule['when'])} may {listed(rule['grants'], 'and')}."
        for rule in party["rules"]
    ]


def _when(when: Mapping[str, str]) -> str:
    return listed([f"{CONDITIONS[kind]} {when[kind]}" for kind in CONDITIONS if kind in when], "and")


def _separate(value: bool) -> Sentences:
    if value:
        return ["A service certificate is for clients or for servers, never for both."]
    return ["A service certificate may be for clients and servers at once."]


def _lead(what: str) -> Callable[[Any], Sentences]:
    return lambda value: [f"{what} takes effect {hours_in_words(value)} after its notice, or later."]


def _acknowledge(what: str) -> Callable[[Any], Sentences]:
    return lambda value: [f"{what} is acknowledged by a person within {hours_in_words(value)}."]


def _windows(value: list[Mapping[str, str]]) -> Sentences:
    if not value:
        return ["No maintenance windows are agreed."]
    return [f"Maintenance on {each['day']} from {each['start']} to {each['end']} {each['zone']}." for each in value]


def _blackouts(value: list[Mapping[str, str]]) -> Sentences:
    if not value:
        return ["There are no days without changes."]
    return [f"No planned change from {each['first']} to {each['last']}: {each['reason']}." for each in value]


def _review(value: int) -> Sentences:
    return [f"Both sides review this partnership every {days_in_words(value)}."]


# Without this in a document, removing an old CA waits for nobody.
REMOVAL_WAITS = "9.4"
NO_WAIT = {"percent": 0, "at_most_days": 14}


def _removal_waits(value: Mapping[str, int]) -> Sentences:
    if not value["percent"]:
        return ["A planned removal of a CA waits for no service."]
    share = "all" if value["percent"] == 100 else f"{value['percent']} % of"
    return [
        f"Before a side removes a CA in a planned change, {share} its services have taken up the version that added the newer"
        f" one; it waits for that at most {days_in_words(value['at_most_days'])}.",
        "A removal because of a revocation, or in an emergency, never waits.",
    ]


CLAUSES: tuple[Clause, ...] = (
    Clause("1.1", "verification.scope", "What is verified by phone", _scope),
    Clause("1.2", "sharing.consumer_counts", "Consumer counts", _consumer_counts),
    Clause("1.3", "verification.max_age_days", "How long a verification counts", _verification_age),
    Clause("1.4", "verification.renewed_roots", "Renewed roots", _renewed_roots, unsaid=NO_CALL),
    Clause("2.1", "tls.versions", "TLS versions", _tls_versions),
    Clause("2.2", "tls.clock_skew_seconds", "Clocks", _clock_skew),
    *(Clause(f"3.{n}", f"keys.{tier}", f"Keys: {TIERS[tier]}", _keys(tier)) for n, tier in enumerate(TIERS, 1)),
    Clause("3.5", "signatures.digests", "Signature digests", _digests),
    *(
        Clause(f"4.{n}", f"lifetimes.{tier}", f"Lifetime: {TIERS[tier]}", _lifetime(tier))
        for n, tier in enumerate(TIERS, 1)
    ),
    Clause("5.1", "revocation.duty", "CRL and OCSP", _duty),
    Clause("5.2", "revocation.offline_crl_hours", "CRLs of offline CAs", _crl_age("root and policy CAs")),
    Clause("5.3", "revocation.issuing_crl_hours", "CRLs of issuing CAs", _crl_age("issuing CAs")),
    Clause("5.4", "revocation.ocsp_hours", "OCSP answers", _ocsp_age),
    Clause("6.1", "identity.parties", "SPIFFE trust domains", _each_party(_trust_domains)),
    Clause("6.2", "identity.parties", "DNS names", _each_party(_dns_suffixes)),
    Clause("6.3", "identity.parties", "Organization in the subject", _each_party(_subject_organizations)),
    Clause("6.4", "identity.parties", "Permissions", _each_party(_rules)),
    Clause("6.5", "identity.separate_purposes", "Clients and servers", _separate),
    Clause("7.1", "notices.ca_renewal_hours", "Notice of a CA renewal", _lead("A CA renewal")),
    Clause("7.2", "notices.ca_revocation_hours", "Notice of a revocation", _lead("A CA revocation")),
    Clause("7.3", "notices.other_hours", "Other notices", _lead("Any other change")),
    Clause("8.1", "acknowledgement.ca_renewal_hours", "CA renewals", _acknowledge("A notice of a CA renewal")),
    Clause("8.2", "acknowledgement.ca_revocation_hours", "Revocations", _acknowledge("A notice of a revocation")),
    Clause("8.3", "acknowledgement.other_hours", "Other notices", _acknowledge("Any other notice")),
    Clause("9.1", "operations.maintenance_windows", "Maintenance windows", _windows),
    Clause("9.2", "operations.blackouts", "Days without changes", _blackouts),
    Clause("9.3", "operations.review_every_days", "Reviews", _review),
    Clause(REMOVAL_WAITS, "operations.removal_waits", "Removals wait for services", _removal_waits, unsaid=NO_WAIT),
)
BY_NUMBER = {clause.number: clause for clause in CLAUSES}
KEYS_CLAUSE = {tier: f"3.{n}" for n, tier in enumerate(TIERS, 1)}
LIFETIME_CLAUSE = {tier: f"4.{n}" for n, tier in enumerate(TIERS, 1)}
CRL_CLAUSE = {"root": "5.2", "policy": "5.2", "issuing": "5.3"}
