"""States of an agreement and a waiver, the presets, and what makes a document one that can be signed."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import rfc8785

from trust.agreements import identity
from trust.agreements.clauses import CLAUSES, NO_WAIT, TIERS
from trust.pki.schemas import Validator

FORMAT = "partner-trust-exchange/agreement"
FORMAT_VERSION = 1
SCHEMA_PATH = Path(__file__).with_name("schema.json")
WAIVER_LONGEST = timedelta(days=366)


class State(StrEnum):
    """Where a version of an agreement is."""

    DRAFT = "draft"
    WAITING_FOR_PARTNER = "waiting_for_partner"
    IN_FORCE = "in_force"
    REPLACED = "replaced"


STATE_LABELS = {
    State.DRAFT: "Draft",
    State.WAITING_FOR_PARTNER: "Waiting for partner",
    State.IN_FORCE: "In force",
    State.REPLACED: "Replaced",
}


class WaiverState(StrEnum):
    """Where a waiver is. Whether an agreed one still counts follows from its expiry."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    ENDED = "ended"


WAIVER_LABELS = {
    WaiverState.PROPOSED: "Waiting for partner",
    WaiverState.AGREED: "Waived",
    WaiverState.DECLINED: "Declined",
    WaiverState.ENDED: "Ended",
}

EVENTS = {
    "agreement.drafted": "{actor} wrote a draft of agreement v{version}",
    "agreement.discarded": "{actor} discarded the draft of agreement v{version}",
    "agreement.proposed": "{actor} signed agreement v{version} for {organization} and sent it to {partner}",
    "agreement.withdrawn": "{organization} withdrew agreement v{version}: {reason}",
    "agreement.declined": "{organization} declined agreement v{version}: {reason}",
    "agreement.in_force": "{actor} signed agreement v{version} for {organization}; it is in force",
    "agreement.waiver_proposed": "{organization} asks {partner} to waive {clause} until {expires_at}: {reason}",
    "agreement.waiver_agreed": "{organization} agreed to waive {clause} until {expires_at}",
    "agreement.waiver_declined": "{organization} declined to waive {clause}",
    "agreement.waiver_ended": "{organization} ended the waiver of {clause}",
}

_CURVES = ["P-256", "P-384", "P-521"]
_GUIDE: dict[str, Any] = {
    "verification": {"scope": "each_root", "max_age_days": None, "renewed_roots": "no_call"},
    "sharing": {"consumer_counts": False},
    "tls": {"versions": ["1.2", "1.3"], "clock_skew_seconds": 300},
    "keys": {tier: {"curves": _CURVES, "edwards": [], "rsa_min_bits": 2048} for tier in TIERS},
    "signatures": {"digests": ["SHA-256", "SHA-384", "SHA-512"]},
    "lifetimes": {
        "root": {"min_days": 5475, "max_days": 7305},  # 15 to 20 years, with leap days
        "policy": {"min_days": 1825, "max_days": 2922},  # 5 to 8 years
        "issuing": {"min_days": 365, "max_days": 731},  # 1 to 2 years
        "service": {"min_days": 7, "max_days": 90},
    },
    "revocation": {
        "duty": "crl_or_ocsp",
        "offline_crl_hours": 2160,
        "issuing_crl_hours": 24,
        "ocsp_hours": 24,
    },
    "identity": {"separate_purposes": True, "parties": []},
    "notices": {"ca_renewal_hours": 720, "ca_revocation_hours": 4, "other_hours": 168},
    "acknowledgement": {"ca_renewal_hours": 168, "ca_revocation_hours": 4, "other_hours": 72},
    "operations": {"maintenance_windows": [], "blackouts": [], "review_every_days": 30, "removal_waits": NO_WAIT},
}


@dataclass(frozen=True, slots=True)
class Preset:
    """Terms to start from. ``changes`` replace the guide's, by clause path."""

    name: str
    label: str
    sentence: str
    changes: Mapping[str, Any]


_FIPS_KEYS = {f"keys.{tier}": {"curves": _CURVES, "edwards": [], "rsa_min_bits": 2048} for tier in TIERS}
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "guide",
            "As in the guide",
            "Roots 15 to 20 years, policy CAs 5 to 8, issuing CAs 1 to 2, service certificates 7 to 90 days.",
            {},
        ),
        Preset(
            "pci",
            "Payments (PCI DSS)",
            "Service certificates rotate within 90 days, RSA has at least 2048 bits, and every certificate names a CRL and OCSP.",
            {"revocation.duty": "both", "lifetimes.service": {"min_days": 1, "max_days": 90}},
        ),
        Preset(
            "fips",
            "Government (FIPS 140)",
            "Only the NIST curves and RSA, SHA-2 digests, and TLS 1.2 or 1.3.",
            _FIPS_KEYS | {"signatures.digests": ["SHA-256", "SHA-384", "SHA-512"]},
        ),
        Preset(
            "modern",
            "Modern",
            "TLS 1.3, elliptic curves only, service certificates of at most 7 days.",
            {
                "tls.versions": ["1.3"],
                "lifetimes.service": {"min_days": 1, "max_days": 7},
                **{f"keys.{tier}": {"curves": _CURVES, "edwards": ["Ed25519"], "rsa_min_bits": None} for tier in TIERS},
            },
        ),
    )
}


def preset_terms(name: str, organizations: Sequence[str]) -> dict[str, Any]:
    """Return the terms of a preset for two organizations (their slugs). Raises KeyError for an unknown preset."""
    terms = copy.deepcopy(_GUIDE)
    for path, value in PRESETS[name].changes.items():
        put(terms, path, copy.deepcopy(value))
    terms["identity"]["parties"] = [
        {"organization": each, "trust_domains": [], "dns_suffixes": [], "subject_organizations": [], "rules": []}
        for each in organizations
    ]
    return terms


def put(terms: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path of ``terms``, in place."""
    *steps, last = path.split(".")
    for step in steps:
        terms = terms[step]
    terms[last] = value


def document(
    *,
    partnership: str,
    parties: Sequence[tuple[str, str]],
    version: int,
    replaces: str | None,
    terms: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the document that both sides sign.

    ``parties`` are slug and name, the inviting organization first. ``replaces`` is the SHA-256 (hex) of the document that is in
    force now. Partnership, parties, version and predecessor are inside the signed bytes, so that a signature can be used for
    nothing else.
    """
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "partnership": partnership,
        "parties": [{"organization": slug, "name": name} for slug, name in parties],
        "version": version,
        "replaces": replaces,
        "terms": dict(terms),
    }


def canonical(content: Mapping[str, Any]) -> bytes:
    """Return the bytes to be signed: canonical JSON (RFC 8785). Raises ValueError for what it cannot carry."""
    return rfc8785.dumps(dict(content))


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a document's bytes, in lower-case hex: how another document names it."""
    return hashlib.sha256(content).hexdigest()


@cache
def schema() -> dict[str, Any]:
    """Return the published JSON Schema of the document."""
    loaded: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return loaded


@cache
def _validator() -> Validator:
    return Validator(schema())


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a document cannot be signed: the place ("terms.lifetimes.root"), and a sentence."""

    path: str
    sentence: str


def problems(content: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with a document, by the schema and by what the schema cannot say."""
    found = [
        Problem(".".join(str(step) for step in error.absolute_path), _short(error.message))
        for error in _validator().iter_errors(dict(content))
    ]
    return sorted(found, key=lambda each: each.path) or list(_senseless(content))


def _short(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:300]} …"


def _senseless(content: Mapping[str, Any]) -> Iterator[Problem]:
    terms = content["terms"]
    slugs = [party["organization"] for party in content["parties"]]
    if len(set(slugs)) != 2:
        yield Problem("parties", "An agreement has two different parties.")
    yield from _keys(terms)
    yield from _lifetimes(terms)
    if sorted(each["organization"] for each in terms["identity"]["parties"]) != sorted(slugs):
        yield Problem("terms.identity.parties", "Identity rules name each party exactly once.")
    for position, party in enumerate(terms["identity"]["parties"]):
        yield from _identity(party, f"terms.identity.parties.{position}")
    yield from _operations(terms["operations"])


def _keys(terms: Mapping[str, Any]) -> Iterator[Problem]:
    for tier, name in TIERS.items():
        kinds = terms["keys"][tier]
        if not (kinds["curves"] or kinds["edwards"] or kinds["rsa_min_bits"]):
            yield Problem(f"terms.keys.{tier}", f"{name} are left without any kind of key.")


def _lifetimes(terms: Mapping[str, Any]) -> Iterator[Problem]:
    lifetimes = terms["lifetimes"]
    for tier, name in TIERS.items():
        if lifetimes[tier]["min_days"] > lifetimes[tier]["max_days"]:
            yield Problem(f"terms.lifetimes.{tier}", f"{name}: the shortest lifetime is longer than the longest.")
    order = list(TIERS)
    for above, below in pairwise(order):
        if lifetimes[below]["max_days"] > lifetimes[above]["max_days"]:
            yield Problem(
                f"terms.lifetimes.{below}",
                f"{TIERS[below]} would outlive {TIERS[above].lower().replace('cas', 'CAs')}, which sign them.",
            )


def _identity(party: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for name in party["dns_suffixes"]:
        if why := identity.dns_problem(name):
            yield Problem(f"{path}.dns_suffixes", f"“{name}”: {why}.")
    for rule in party["rules"]:
        yield from (Problem(f"{path}.rules", each) for each in _rule(rule, party))


def _rule(rule: Mapping[str, Any], party: Mapping[str, Any]) -> Iterator[str]:
    when = rule["when"]
    if "spiffe" in when:
        why = identity.pattern_problem(when["spiffe"])
        if why:
            yield f"“{when['spiffe']}”: {why}."
        elif identity.trust_domain(when["spiffe"]) not in party["trust_domains"]:
            yield f"“{when['spiffe']}” is outside the trust domains agreed for {party['organization']}."
    if "dns" in when:
        why = identity.dns_problem(when["dns"])
        if why:
            yield f"“{when['dns']}”: {why}."
        elif party["dns_suffixes"] and not any(
            identity.under(suffix, when["dns"].removeprefix("*.")) for suffix in party["dns_suffixes"]
        ):
            yield f"“{when['dns']}” is outside the DNS names agreed for {party['organization']}."


def _operations(operations: Mapping[str, Any]) -> Iterator[Problem]:
    for window in operations["maintenance_windows"]:
        try:
            ZoneInfo(window["zone"])
        except (ValueError, OSError, KeyError):
            yield Problem("terms.operations.maintenance_windows", f"“{window['zone']}” is no IANA time zone.")
        if window["start"] == window["end"]:
            yield Problem("terms.operations.maintenance_windows", "A maintenance window ends when it starts.")
    for blackout in operations["blackouts"]:
        try:
            backwards = date.fromisoformat(blackout["first"]) > date.fromisoformat(blackout["last"])
        except ValueError:
            yield Problem("terms.operations.blackouts", f"“{blackout['first']} {blackout['last']}” are no days.")
            continue
        if backwards:
            yield Problem("terms.operations.blackouts", f"“{blackout['reason']}” ends before it begins.")


def reads_back(content: bytes) -> dict[str, Any]:
    """Read a stored document. Raises ValueError when its bytes are not the canonical form of what they say."""
    read: dict[str, Any] = json.loads(content)
    if canonical(read) != content:
        raise ValueError("The document is not in canonical form.")
    return read


_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(value: str) -> bool:
    """Say whether ``value`` is a SHA-256 in lower-case hex."""
    return bool(_SHA256.fullmatch(value))


def waiver_problem(*, clause: str, reason: str, owner: str, expires_at: datetime, now: datetime) -> Problem | None:
    """Say what is wrong with a waiver, or return None."""
    if clause not in {each.number for each in CLAUSES}:
        return Problem("clause", "Choose a clause of the agreement.")
    if not reason.strip():
        return Problem("reason", "Say why the clause is waived.")
    if not owner.strip():
        return Problem("owner", "Name who sees to it that the waiver is no longer needed.")
    if expires_at <= now:
        return Problem("expires_at", "The waiver ends in the future.")
    if expires_at > now + WAIVER_LONGEST:
        return Problem("expires_at", "A waiver lasts at most a year. For longer, change the agreement.")
    return None
