"""How often addresses are asked, how they stand, and when notice and CRL disagree. Plain Python.

The standing of one CRL or answer is judged in ``trust.pki.crl_watch`` and ``trust.pki.ocsp``; here is what follows over time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trust.pki.crl_watch import Standing

MOST_BYTES = {"crl": 10_000_000, "ocsp": 100_000}
# A CRL is asked for more often than it must change, since a revocation makes a new one before its time.
SOONEST, LATEST = timedelta(minutes=15), timedelta(hours=4)
BACKOFF = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 240))
# So many failures in a row before anybody is told: one lost packet is no news.
FAILURES_BEFORE_TOLD = 3
LEASE = timedelta(minutes=5)
# How long after a notice took effect the CA's list may lack the certificate, unless less is agreed.
CRL_LAG = timedelta(hours=24)

__all__ = ["Standing"]


class SourceKind(StrEnum):
    """What is asked at an address."""

    CRL = "crl"
    OCSP = "ocsp"


class GapKind(StrEnum):
    """Who says that a certificate is revoked, alone."""

    NOTICE_MISSING = "notice_missing"  # the CA's list does
    CRL_MISSING = "crl_missing"  # the signed notice does


class ListKind(StrEnum):
    """What a store has beside its versions; the value ends its address."""

    CRL_SET = "crl-set.pem"
    CRL_STATEMENT = "crl-set.json"
    DENY_LIST = "deny-list.json"


# In trouble, from the point of view of whoever must be able to see a revocation.
TROUBLE = frozenset({Standing.STALE, Standing.UNREACHABLE, Standing.WRONG_SIGNER, Standing.UNUSABLE})


@dataclass(frozen=True, slots=True)
class Health:
    """How a source stands after a check. ``told`` says that the standing changed and that somebody is told."""

    state: Standing
    since: datetime | None
    failures: int
    failing_since: datetime | None
    told: bool


def after(
    state: Standing,
    since: datetime | None,
    failures: int,
    failing_since: datetime | None,
    found: Standing,
    now: datetime,
) -> Health:
    """Return how a source stands when ``found`` was found at ``now``.

    Unreachable counts from the first failed try, and only after several. The first good answer of a new source is no news.
    """
    if found is Standing.UNREACHABLE:
        failures, failing_since = failures + 1, failing_since or now
        if failures < FAILURES_BEFORE_TOLD or state is Standing.UNREACHABLE:
            return Health(state, since, failures, failing_since, told=False)
        return Health(found, failing_since, failures, failing_since, told=True)
    changed = found is not state
    told = changed and not (state is Standing.UNKNOWN and found is Standing.FRESH)
    return Health(found, now if changed else since, 0, None, told)


def next_check(
    seed: str,
    found: Standing,
    *,
    now: datetime,
    failures: int = 0,
    this_update: datetime | None = None,
    next_update: datetime | None = None,
) -> datetime:
    """Return when a source is asked again. ``seed`` spreads many sources over time; the same gives the same moment.

    A quarter of what lies between two lists, between 15 minutes and 4 hours, and never later than shortly after the next one is
    due; after failures each time later; a list whose time is over every 15 minutes.
    """
    if found is Standing.UNREACHABLE:
        return now + _jittered(seed, now, BACKOFF[min(max(failures, 1), len(BACKOFF)) - 1])
    if found is not Standing.FRESH or this_update is None or next_update is None:
        return now + _jittered(seed, now, SOONEST)
    wait = min(max((next_update - this_update) / 4, SOONEST), LATEST)
    due = next_update + timedelta(minutes=1)
    return min(now + _jittered(seed, now, wait), max(due, now + timedelta(minutes=1)))


def _jittered(seed: str, now: datetime, wait: timedelta) -> timedelta:
    """Return between 85 and 115 percent of ``wait``."""
    drawn = int.from_bytes(hashlib.blake2s(f"{seed} {now.isoformat()}".encode(), digest_size=2).digest(), "big")
    return wait * (0.85 + 0.3 * drawn / 65535)


def crl_is_owed(*, effective_at: datetime, crl_of: datetime, agreed: timedelta, now: datetime) -> bool:
    """Say whether a CA's list of ``crl_of`` must name a certificate whose revocation took effect at ``effective_at``.

    Yes when the list was signed afterwards, or when it should have been by now.
    """
    return crl_of >= effective_at or now >= effective_at + min(agreed, CRL_LAG)


EVENTS = {
    "revocation.answers": "{organization}: {what} answers again: {reason}",
    "revocation.unreachable": "{organization}: {what} cannot be reached since {since}: {reason}",
    "revocation.stale": "{organization}: {what} is out of date: {reason}",
    "revocation.wrong_signer": "{organization}: {what} is not signed by its CA: {reason}",
    "revocation.unusable": "{organization}: {what} cannot be used: {reason}",
    "revocation.changed_for_partner": "{organization}: {what}, {words}: {reason}",
    "revocation.seen": "{organization}: {what} revokes {label} since {revoked_at}",
    "revocation.gone": "{organization}: {what} revokes {label} no more; what was removed stays removed",
    "revocation.notice_missing": "{organization} revoked {label} since {since} and sent {partner} no notice",
    "revocation.crl_missing": "{organization} said in {notice} that {label} is revoked, and its CRL does not name it",
    "revocation.settled": "Notice and CRL of {organization} agree about {label}: {outcome}",
}
STATE_EVENTS = {
    Standing.FRESH: "revocation.answers",
    Standing.UNREACHABLE: "revocation.unreachable",
    Standing.STALE: "revocation.stale",
    Standing.WRONG_SIGNER: "revocation.wrong_signer",
    Standing.UNUSABLE: "revocation.unusable",
}
