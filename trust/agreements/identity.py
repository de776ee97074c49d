"""Who a certificate says it is, and what the agreement lets that be: SPIFFE IDs, DNS names, O and OU to permissions.

Plain Python. SPIFFE IDs are read by the SPIFFE-ID specification, section 2; that a certificate carries exactly one is the
X.509-SVID specification, section 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trust.pki.findings import Finding, Severity

TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")
_ID_LONGEST = 2048
_PATTERN_SEGMENT = re.compile(r"\*|\*\*|[A-Za-z0-9._-]+")
_DNS_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
RULE_SEPARATOR = " -> "
_CONDITION_WORDS = {"dns:": "dns", "O=": "organization", "OU=": "unit"}
_GRANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


@dataclass(frozen=True, slots=True)
class Presented:
    """What a certificate says about whom it stands for. Raw values; they are compared, and escaped where shown."""

    spiffe_ids: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the agreement makes of a certificate. ``matched`` are positions of rules, from 0."""

    permissions: tuple[str, ...]
    matched: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        """Whether nothing that the certificate says breaks the agreement."""
        return not any(each.severity in (Severity.REFUSE, Severity.PROBLEM) for each in self.findings)


def presented(certificate: x509.Certificate) -> Presented:
    """Read who ``certificate`` stands for. Raises ValueError when its names cannot be decoded."""
    names = _alternative_names(certificate)
    subject = certificate.subject
    return Presented(
        spiffe_ids=tuple(each for each in names.get_values_for_type(x509.UniformResourceIdentifier) if _is_spiffe(each))
        if names
        else (),
        dns_names=tuple(names.get_values_for_type(x509.DNSName)) if names else (),
        organizations=tuple(str(each.value) for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)),
        units=tuple(str(each.value) for each in subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)),
        purposes=_purposes(certificate),
    )


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _purposes(certificate: x509.Certificate) -> tuple[str, ...]:
    words = {ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth", ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth"}
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(words.get(each, each.dotted_string) for each in usage)


def _is_spiffe(uri: str) -> bool:
    return uri[:9].lower() == "spiffe://"


def spiffe_problem(value: str) -> str | None:
    """Say what is wrong with a SPIFFE ID, or return None (SPIFFE-ID 2)."""
    if len(value.encode()) > _ID_LONGEST:
        return "it is longer than 2048 bytes"
    domain, _, path = value.removeprefix("spiffe://").partition("/")
    if not value.startswith("spiffe://") or not TRUST_DOMAIN.fullmatch(domain):
        return "its trust domain is not lower-case letters, digits, dots, dashes and underscores"
    segments = path.split("/") if "/" in value.removeprefix("spiffe://") else []
    if any(not _SEGMENT.fullmatch(each) or each in (".", "..") for each in segments):
        return "its path has an empty or relative segment, or a character that is not allowed"
    return None


def trust_domain(value: str) -> str:
    """Return the trust domain of a SPIFFE ID or pattern."""
    return value.removeprefix("spiffe://").partition("/")[0]


def matches_spiffe(pattern: str, value: str) -> bool:
    """Say whether a SPIFFE ID fits a pattern: ``*`` stands for one segment of the path, ``**`` at the end for the rest."""
    if spiffe_problem(value):
        return False
    wanted, found = pattern.removeprefix("spiffe://").split("/"), value.removeprefix("spiffe://").split("/")
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        if len(found) <= len(wanted):
            return False
        found = found[: len(wanted)]
    return len(wanted) == len(found) and all(a in ("*", b) for a, b in zip(wanted, found, strict=True))


def matches_dns(pattern: str, value: str) -> bool:
    """Say whether a DNS name fits: exactly, or ``*.`` for one label in front (RFC 9525 6.3). A wildcard certificate fits only
    the same wildcard."""
    pattern, value = pattern.lower().rstrip("."), value.lower().rstrip(".")
    if not pattern.startswith("*."):
        return pattern == value
    head, _, tail = value.partition(".")
    return bool(head) and tail == pattern[2:] and (head == "*" or "*" not in head)


def under(suffix: str, name: str) -> bool:
    """Say whether a DNS name is ``suffix`` or lies below it, wildcard or not."""
    suffix, name = suffix.lower().strip("."), name.lower().rstrip(".")
    return name == suffix or name.endswith(f".{suffix}")


def dns_problem(value: str) -> str | None:
    """Say what is wrong with a DNS suffix or pattern of an agreement, or return None."""
    labels = value.removeprefix("*.").split(".")
    if len(value) > 253 or len(labels) < 2 or not all(_DNS_LABEL.fullmatch(each) for each in labels):
        return "it is not a DNS name of at least two lower-case labels"
    return None


def pattern_problem(value: str) -> str | None:
    """Say what is wrong with the SPIFFE pattern of a rule, or return None."""
    domain, _, path = value.removeprefix("spiffe://").partition("/")
    if not value.startswith("spiffe://") or not TRUST_DOMAIN.fullmatch(domain):
        return "it does not start with spiffe:// and a trust domain"
    segments = path.split("/") if path else []
    if any(not _PATTERN_SEGMENT.fullmatch(each) or each in (".", "..") for each in segments):
        return "a segment of its path is neither a name nor * nor **"
    return "** stands only at the end" if "**" in segments[:-1] else None


def read_rule(line: str) -> dict[str, Any]:
    """Read a rule as people write it: ``spiffe://alder.example/prod/* and OU=prod -> orders.read, orders.write``.

    Raises ValueError with what is wrong.
    """
    left, arrow, right = line.partition(RULE_SEPARATOR)
    if not arrow:
        raise ValueError(f"“{line}” lacks the arrow: write conditions -> permissions.")
    when: dict[str, str] = {}
    for part in (each.strip() for each in left.split(" and ")):
        kind, value = _condition(part)
        if kind in when:
            raise ValueError(f"“{line}” has two conditions of the same kind.")
        when[kind] = value
    grants = [each.strip() for each in right.split(",")]
    if not all(_GRANT.fullmatch(each) for each in grants):
        raise ValueError(f"“{line}” grants something that is not a plain word: use letters, digits, dots and dashes.")
    return {"when": when, "grants": grants}


def _condition(text: str) -> tuple[str, str]:
    if _is_spiffe(text):
        return "spiffe", text
    for prefix, kind in _CONDITION_WORDS.items():
        if text.startswith(prefix) and text[len(prefix) :].strip():
            return kind, text[len(prefix) :].strip()
    raise ValueError(f"“{text}” is no condition: start it with spiffe://, dns:, O= or OU=.")


def write_rule(rule: Mapping[str, Any]) -> str:
    """Write a rule as people write it; the reverse of ``read_rule``."""
    words = {"spiffe": "", "dns": "dns:", "organization": "O=", "unit": "OU="}
    conditions = [f"{words[kind]}{rule['when'][kind]}" for kind in words if kind in rule["when"]]
    return f"{' and '.join(conditions)}{RULE_SEPARATOR}{', '.join(rule['grants'])}"


def rule_matches(rule: Mapping[str, Any], who: Presented) -> bool:
    """Say whether every condition of a rule holds for a certificate."""
    when = rule["when"]
    return (
        ("spiffe" not in when or any(matches_spiffe(when["spiffe"], each) for each in who.spiffe_ids))
        and ("dns" not in when or any(matches_dns(when["dns"], each) for each in who.dns_names))
        and ("organization" not in when or when["organization"] in who.organizations)
        and ("unit" not in when or when["unit"] in who.units)
    )
