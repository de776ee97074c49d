"""What holds a planned removal: the agreement may say that services take up a newer CA before the older one goes.

A removal because of a partner's signed notice, or that an officer declares an emergency, is never held.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from portal import errors, words
from trust.agreements import queries as agreements
from trust.agreements.clauses import REMOVAL_WAITS
from trust.stores import adoption, rules
from trust.stores.models import StoreVersion, TrustStore


@dataclass(frozen=True)
class Hold:
    """Why removing waits. ``version`` added the newer CA, ``taken`` of ``total`` services run it and ``needed`` must.

    ``missing`` names some of those that do not. ``safe_after`` is when enough promised to have pulled, or None when too many are
    silent for that; ``ends_at`` is when nothing waits any more, whoever is silent.
    """

    clause: str
    version: StoreVersion
    percent: int
    total: int
    taken: int
    needed: int
    missing: tuple[str, ...]
    safe_after: datetime | None
    ends_at: datetime

    @property
    def more(self) -> int:
        """How many are missing beside those that are named."""
        return self.total - self.taken - len(self.missing)


def of(store: TrustStore, now: datetime) -> Hold | None:
    """Return what holds the removal of whatever is older than the store's newest CA, or None."""
    found = _newest(store)
    older = found[1] if found else frozenset()
    return _hold(store, found[0], older, now) if found and older else None


def require(store: TrustStore, composition: rules.Composition, now: datetime) -> None:
    """Refuse to remove as planned what services still need, as the agreement in force says. Raises Conflict."""
    found = _newest(store)
    if found is None:
        return
    version, older, newer = found
    replaced = {entry.sha256 for entry in composition.removed} & older
    if not replaced or not newer & {entry.sha256 for entry in composition.entries}:
        return
    hold = _hold(store, version, replaced, now)
    if hold is not None:
        raise refusal(hold, store)


def refusal(hold: Hold, store: TrustStore) -> errors.Conflict:
    """Return a hold as the refusal of a removal, which says who is missing, until when, and what can be done."""
    until = hold.safe_after or hold.ends_at
    return errors.Conflict(
        f"{hold.taken} of {hold.total} services run {hold.version}, which added a newer CA; {hold.clause} asks for {hold.needed}"
        " before the older one is removed.",
        code="services_not_ready",
        fix=(
            f"Wait until {words.exact(until)}, agree on a waiver of clause {REMOVAL_WAITS}, or, if the CA may be compromised,"
            " remove it as an emergency."
        ),
        extra={
            "clause": hold.clause,
            "store": store.name,
            "version": hold.version.number,
            "percent": hold.percent,
            "consumers": hold.total,
            "taken_up": hold.taken,
            "needed": hold.needed,
            "missing": list(hold.missing),
            "missing_count": hold.total - hold.taken,
            "safe_to_remove_after": hold.safe_after.isoformat() if hold.safe_after else None,
            "waits_until": hold.ends_at.isoformat(),
        },
    )


def _newest(store: TrustStore) -> tuple[StoreVersion, frozenset[str], frozenset[str]] | None:
    """Return the last version that added anything, with what was there before it and what it added."""
    version = store.versions.filter(adds__gt=0).order_by("-number").first()
    before = store.versions.filter(number__lt=version.number).order_by("-number").first() if version else None
    if version is None or before is None:
        return None
    older = frozenset(before.entries.values_list("certificate_id", flat=True))
    return version, older, frozenset(version.entries.values_list("certificate_id", flat=True)) - older


def _hold(store: TrustStore, version: StoreVersion, replaced: Iterable[str], now: datetime) -> Hold | None:
    terms = agreements.terms(store.partnership)
    waits = terms.removal_waits
    if waits is None or now >= version.published_at + waits.at_most or _waived(store, replaced, now):
        return None
    takers = adoption.source.taking_up(store, version.number, waits.percent, now)
    if takers is None or takers.taken >= takers.needed:
        return None
    ends_at = version.published_at + waits.at_most
    return Hold(
        clause=terms.citation(REMOVAL_WAITS),
        version=version,
        percent=waits.percent,
        total=takers.total,
        taken=takers.taken,
        needed=takers.needed,
        missing=takers.missing,
        safe_after=min(takers.after, ends_at) if takers.after else None,
        ends_at=ends_at,
    )


def _waived(store: TrustStore, replaced: Iterable[str], now: datetime) -> bool:
    waivers = agreements.waiving(store.partnership, now)
    owner = store.owner.slug
    return all(any(each.covers(REMOVAL_WAITS, owner, digest, now) for each in waivers) for digest in replaced)
