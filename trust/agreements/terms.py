"""What other features read of an agreement: the terms that count at a moment, signed or recommended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from trust.agreements.clauses import BY_NUMBER, CALL, REMOVAL_WAITS

RENEWAL, REVOCATION = "ca_renewal", "ca_revocation"


@dataclass(frozen=True, slots=True)
class RemovalWaits:
    """How many of a side's services must have taken up a newer CA before the older is removed as planned.

    ``percent`` is above 0. It waits at most ``at_most`` from when the newer CA was published.
    """

    percent: int
    at_most: timedelta


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a partnership.

    ``version`` is the number of the agreement in force, or None when both sides have not signed one yet: then these are the
    guide's recommended terms, and whoever shows them says so (``source``).
    """

    values: Mapping[str, Any] = field(repr=False)
    version: int | None = None
    sha256: str = ""

    @property
    def in_force(self) -> bool:
        """Whether both sides signed these terms."""
        return self.version is not None

    @property
    def source(self) -> str:
        """Where the terms come from, for people: "Agreement v3" or "Recommended terms, no agreement is in force yet"."""
        return f"Agreement v{self.version}" if self.in_force else "Recommended terms, no agreement is in force yet"

    def citation(self, number: str) -> str:
        """Return how a finding cites a clause: "Agreement 4.2" or "Recommended terms 4.2"."""
        return f"Agreement {number}" if self.in_force else f"Recommended terms {number}"

    def notice_lead(self, change: str) -> timedelta:
        """Return how long before it takes effect a change must be told. ``change``: ca_renewal, ca_revocation, or any other."""
        return timedelta(hours=self._by_change("notices", change))

    def acknowledge_within(self, change: str) -> timedelta:
        """Return how long a person of the receiving side has to acknowledge a notice of this change."""
        return timedelta(hours=self._by_change("acknowledgement", change))

    def _by_change(self, section: str, change: str) -> int:
        key = change if change in (RENEWAL, REVOCATION) else "other"
        hours: int = self.values[section][f"{key}_hours"]
        return hours

    @property
    def shares_consumer_counts(self) -> bool:
        """Whether each side may see the other's consumer counts."""
        return bool(self.values["sharing"]["consumer_counts"])

    @property
    def verification_scope(self) -> str:
        """What is verified by phone: ``each_root``, or ``package`` (the package's fingerprint, and each new root)."""
        return str(self.values["verification"]["scope"])

    @property
    def verification_max_age_days(self) -> int | None:
        """For how many days a verification by phone counts; None for no limit."""
        days: int | None = self.values["verification"]["max_age_days"]
        return days

    @property
    def renewed_roots_need_a_call(self) -> bool:
        """Whether a root that was renewed with the name and key of a verified one is verified by phone all the same."""
        return bool(BY_NUMBER["1.4"].value(self.values) == CALL)

    @property
    def crl_longest(self) -> Mapping[str, timedelta]:
        """How old a CRL may be at most, by tier of the CA that signs it."""
        revocation = self.values["revocation"]
        offline, issuing = revocation["offline_crl_hours"], revocation["issuing_crl_hours"]
        return {
            "root": timedelta(hours=offline),
            "policy": timedelta(hours=offline),
            "issuing": timedelta(hours=issuing),
        }

    @property
    def ocsp_longest(self) -> timedelta:
        """How old an OCSP answer may be at most."""
        return timedelta(hours=self.values["revocation"]["ocsp_hours"])

    @property
    def clock_skew(self) -> timedelta:
        """By how much the clocks of the two sides may differ."""
        return timedelta(seconds=self.values["tls"]["clock_skew_seconds"])

    @property
    def review_every(self) -> timedelta:
        """How often both sides review the partnership."""
        return timedelta(days=self.values["operations"]["review_every_days"])

    @property
    def removal_waits(self) -> RemovalWaits | None:
        """Return what a planned removal of a CA waits for, or None when it waits for nobody."""
        said = BY_NUMBER[REMOVAL_WAITS].value(self.values)
        return RemovalWaits(said["percent"], timedelta(days=said["at_most_days"])) if said["percent"] else None

    def identity_of(self, organization: str) -> Mapping[str, Any] | None:
        """Return the identity rules of one party, by its slug; None when the terms have none."""
        for party in self.values["identity"]["parties"]:
            if party["organization"] == organization:
                found: Mapping[str, Any] = party
                return found
        return None
