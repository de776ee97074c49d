"""The whole reading of one document in one call: what is in it, how it holds together, and everything to be said.

A pure function of the bytes and the moment. The linter's remarks are not in it: they belong to each certificate and are
kept with it (`trust.pki.lint`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trust.pki.bundles import BundleReading, read_bundle
from trust.pki.ca_rules import review
from trust.pki.chains import Chains
from trust.pki.findings import Finding, heaviest_first, refuses
from trust.pki.intake_limits import LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Examination:
    """What one document holds and what is to be said about it, heaviest first."""

    reading: BundleReading
    chains: Chains
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        return refuses(self.findings)


def examine(content: bytes, *, filename_hint: str = "", now: datetime, limits: Limits = LIMITS) -> Examination:
    """Read a document and hold it against every rule. Never raises for hostile input."""
    reading = read_bundle(content, filename_hint=filename_hint, limits=limits)
    reviewed = review(reading.certificates, now=now)
    return Examination(reading, reviewed.chains, heaviest_first([*reading.findings, *reviewed.findings]))
