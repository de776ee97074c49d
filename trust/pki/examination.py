"""The whole reading of one document in one call: what is in it, how it holds together, and everything to be said.

A pure function of the bytes and the moment. The linter's remarks are not in it: they belong to each certificate and are
kept with it (`trust.pki.lint`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from trust.pki.bundles import BundleReading, read_bundle
from trust.pki.ca_rules import review
from trust.pki.chains import Chains
from trust.pki.codes import finding
from trust.pki.crl_rules import check_crls
from trust.pki.endpoints import read_endpoints
from trust.pki.findings import Finding, heaviest_first, refuses
from trust.pki.intake_limits import LIMITS, Limits

_TOLD_AT_MOST = 300


@dataclass(frozen=True, slots=True)
class Examination:
    """What one document holds and what is to be said about it, heaviest first."""

    reading: BundleReading
    chains: Chains
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        return refuses(self.findings)


def examine(
    content: bytes,
    *,
    filename_hint: str = "",
    now: datetime,
    limits: Limits = LIMITS,
    known_crl_numbers: Mapping[bytes, int] | None = None,
) -> Examination:
    """Read a document and hold it against every rule. Never raises for hostile input.

    `known_crl_numbers` has the highest CRL number seen before, by the DER of the issuer's name.
    """
    reading = read_bundle(content, filename_hint=filename_hint, limits=limits)
    reviewed = review(reading.certificates, now=now)
    crls = check_crls(
        reading.crls,
        reading.certificates,
        now=now,
        samples=reading.samples,
        places=reading.places,
        known_numbers=known_crl_numbers,
    )
    found = [*reading.findings, *reviewed.findings, *crls, *_endpoints(reading)]
    return Examination(reading, reviewed.chains, _told(heaviest_first(found)))


def _told(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Cut a list that nobody could read: a file of broken blocks has a finding for each of them."""
    more = len(found) - _TOLD_AT_MOST
    return (*found[:_TOLD_AT_MOST], finding("more_findings", count=more)) if more > 0 else found


def _endpoints(reading: BundleReading) -> Iterator[Finding]:
    for name, content in reading.documents.items():
        if name.endswith("endpoints.json"):
            yield from read_endpoints(name, content)[1]
