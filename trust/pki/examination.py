"""The whole reading of one document in one call: what is in it, how it holds together, and everything to be said.

A pure function of the bytes and the moment. The linter's remarks are not in it: they belong to each certificate and are
kept with it (`trust.pki.lint`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trust.pki.bundles import BundleReading, read_bundle
from trust.pki.ca_rules import review
from trust.pki.chains import Chains
from trust.pki.codes import finding
from trust.pki.crl import CrlFacts
from trust.pki.crl_rules import check_crls, numbered
from trust.pki.endpoints import read_endpoints
from trust.pki.findings import Finding, heaviest_first, refuses
from trust.pki.intake_limits import LIMITS, Limits

_TOLD_AT_MOST = 300


@dataclass(frozen=True, slots=True)
class Examination:
    """What one document holds and what is to be said about it, heaviest first.

    `numbered_crls` are its full CRLs, each with the key that signed it and its number (`trust.pki.crl_rules.numbered`).
    """

    reading: BundleReading
    chains: Chains
    findings: tuple[Finding, ...]
    numbered_crls: tuple[tuple[str, int, CrlFacts], ...] = ()

    @property
    def refused(self) -> bool:
        return refuses(self.findings)


def examine(
    content: bytes,
    *,
    filename_hint: str = "",
    now: datetime,
    limits: Limits = LIMITS,
) -> Examination:
    """Read a document and hold it against every rule. Never raises for hostile input."""
    reading = read_bundle(content, filename_hint=filename_hint, limits=limits)
    reviewed = review(reading.certificates, now=now)
    crls = check_crls(
        reading.crls,
        reading.certificates,
        now=now,
        samples=reading.samples,
        places=reading.places,
    )
    found = [*reading.findings, *reviewed.findings, *crls, *_endpoints(reading)]
    return Examination(
        reading, reviewed.chains, _told(heaviest_first(found)), numbered(reading.crls, reading.certificates)
    )


def _told(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Cut a list that nobody could read: a file of broken blocks has a finding for each of them."""
    more = len(found) - _TOLD_AT_MOST
    return (*found[:_TOLD_AT_MOST], finding("more_findings", count=more)) if more > 0 else found


def _endpoints(reading: BundleReading) -> Iterator[Finding]:
    for name, content in reading.documents.items():
        if name.endswith("endpoints.json"):
            yield from read_endpoints(name, content)[1]
