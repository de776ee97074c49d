"""How many consumers stand how, counted by the database: the rule is that of ``rules.state``, and a test holds both together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet

from portal.organizations.models import Organization
from trust.consumers import rules
from trust.consumers.models import NOT_TAKEN, RUNS, Consumer, PullRecord
from trust.consumers.rules import State
from trust.stores.models import TrustStore

STATES = (State.CURRENT, State.BEHIND, State.SILENT, State.NEVER_PULLED)
# Of more consumers than this a page need not be exact to the second.
EXACT_UP_TO = 10_000
KEPT_FOR = 15  # seconds
LATEST = Q(version_number__gte=F("store__current_number")) & ~NOT_TAKEN


def fresh(now: datetime, missed: int = rules.MISSED_PULLS) -> Q:
    """Return which pulls are recent enough for what their consumer promised: it has not missed more than ``missed``.

    Said for each promised interval, of which there are few: comparing moments with a constant costs a database little, and
    calculating with each row's does not.
    """
    promised = Consumer.objects.filter(retired_at=None).order_by().values_list("interval_seconds", flat=True).distinct()
    found = Q(pk__in=[])
    for seconds in promised:
        since = now - missed * timedelta(seconds=seconds)
        found |= Q(consumer__interval_seconds=seconds, pulled_at__gte=since)
    return found


def pulls() -> QuerySet[PullRecord]:
    """Return the pulls of consumers that are switched on, of stores that they may pull."""
    return PullRecord.objects.filter(consumer__retired_at=None, consumer__stores=F("store"))


def of_stores(now: datetime, stores: Iterable[TrustStore] | None = None) -> dict[UUID, dict[State, int]]:
    """Return of each store how many of its consumers are in each state; of all stores that have any, without ``stores``.

    Of a store with more than ``EXACT_UP_TO`` consumers the numbers may be ``KEPT_FOR`` seconds old.
    """
    if stores is None:
        return _counted(now, None)
    wanted = {_key(store): store for store in stores}
    kept = cache.get_many(wanted)
    found = {wanted[key].pk: states for key, states in kept.items()}
    missing = [store for key, store in wanted.items() if key not in kept]
    if missing:
        counted = _counted(now, missing)
        many = {
            _key(each): counted[each.pk] for each in missing if sum(counted.get(each.pk, {}).values()) > EXACT_UP_TO
        }
        if many:
            cache.set_many(many, KEPT_FOR)
        found |= counted
    return found


def _key(store: TrustStore) -> str:
    return f"consumers-by-state:{store.pk}:{store.current_number}"


def _counted(now: datetime, stores: list[TrustStore] | None) -> dict[UUID, dict[State, int]]:
    listed = Consumer.stores.through.objects.filter(consumer__retired_at=None)
    found, in_time = pulls(), fresh(now)
    if stores is not None:
        listed, found = listed.filter(truststore__in=stores), found.filter(store__in=stores)
    totals = dict(listed.order_by().values_list("truststore_id").annotate(Count("id")))
    rows = (
        found.order_by()
        .values("store")
        .annotate(
            pulled=Count("id"),
            current=Count("id", filter=in_time & LATEST),
            behind=Count("id", filter=in_time & ~LATEST),
        )
    )
    by_store = {row["store"]: row for row in rows}
    return {store_id: _states(total, by_store.get(store_id)) for store_id, total in totals.items()}


def _states(total: int, row: Mapping[str, Any] | None) -> dict[State, int]:
    pulled, current, behind = (row["pulled"], row["current"], row["behind"]) if row else (0, 0, 0)
    return {
        State.CURRENT: current,
        State.BEHIND: behind,
        State.SILENT: pulled - current - behind,
        State.NEVER_PULLED: total - pulled,
    }


def in_state(consumers: QuerySet[Consumer], state: State, now: datetime) -> QuerySet[Consumer]:
    """Return those of ``consumers`` that stand so with at least one of their stores."""
    mine, in_time = pulls().filter(consumer=OuterRef("pk")), fresh(now)
    if state == State.NEVER_PULLED:
        pulled = PullRecord.objects.filter(consumer=OuterRef("consumer"), store=OuterRef("truststore"))
        may = Consumer.stores.through.objects.filter(consumer=OuterRef("pk")).exclude(Exists(pulled))
        return consumers.filter(Exists(may))
    which = {State.CURRENT: in_time & LATEST, State.BEHIND: in_time & ~LATEST, State.SILENT: ~in_time}[state]
    return consumers.filter(Exists(mine.filter(which)))


def some_late(organization: Organization, now: datetime, most: int) -> set[UUID]:
    """Return consumers that run an older version, those of the oldest first, and some that are silent: at most ``most`` of each.

    Whoever needs all of them needs a number, which ``of_stores`` has.
    """
    mine = pulls().filter(consumer__organization=organization)
    older = mine.filter(~LATEST).order_by("version_number")
    silent = mine.filter(~fresh(now) & LATEST).order_by()
    return {pk for rows in (older, silent) for pk in rows.values_list("consumer_id", flat=True)[:most]}


@dataclass(frozen=True)
class Readiness:
    """Whether every service took up a store's current version.

    ``late`` do not run it; ``after`` is when the last of them promised to pull again, or None when some are silent or never pulled,
    so that no date can be said.
    """

    total: int
    late: int
    after: datetime | None


def readiness(store: TrustStore, now: datetime) -> Readiness:
    """Return whether, or when, what the current version replaced can be removed without surprising a service."""
    states = of_stores(now, [store]).get(store.pk, {})
    total = sum(states.values())
    late = total - states.get(State.CURRENT, 0)
    if states.get(State.SILENT) or states.get(State.NEVER_PULLED):
        return Readiness(total, late, None)
    behind = pulls().filter(store=store).filter(fresh(now) & ~LATEST)
    return Readiness(total, late, max([now, *(moment for moment, _ in _expected(behind, now))]))


def _expected(late: QuerySet[PullRecord], now: datetime) -> list[tuple[datetime, int]]:
    """Return by when how many of these should have pulled: as they promised, and who is overdue before it is called silent."""
    in_time = fresh(now, 1)
    rows = (
        late.order_by()
        .values_list("consumer__interval_seconds")
        .annotate(
            promised=Max("pulled_at", filter=in_time),
            many=Count("id", filter=in_time),
            overdue=Max("pulled_at", filter=~in_time),
            more=Count("id", filter=~in_time),
        )
    )
    found = []
    for seconds, promised, many, overdue, more in rows:
        interval = timedelta(seconds=seconds)
        if promised:
            found.append((promised + interval, many))
        if overdue:
            found.append((overdue + rules.MISSED_PULLS * interval, more))
    return found


def not_running(store: TrustStore, number: int) -> QuerySet[Consumer]:
    """Return the consumers of a store that do not run version ``number`` or a later one, by name."""
    taken = pulls().filter(store=store).annotate(runs_number=RUNS).filter(runs_number__gte=number)
    return (
        Consumer.objects.filter(retired_at=None, stores=store)
        .exclude(Exists(taken.filter(consumer=OuterRef("pk"))))
        .order_by("name")
    )


NAMED = 20


@dataclass(frozen=True)
class Takers:
    """How many of ``total`` consumers run a version or a later one, and how many of them must.

    ``missing`` are the first ``NAMED`` of the others, by name. ``after`` is when enough promised to have pulled, or None when too
    many are silent or never pulled, so that no date can be said.
    """

    total: int
    taken: int
    needed: int
    missing: tuple[str, ...]
    after: datetime | None


def taking_up(store: TrustStore, number: int, percent: int, now: datetime) -> Takers:
    """Return who took up version ``number`` of a store, as ``rules.runs`` has it; consumers that are switched off do not count."""
    consumers = Consumer.objects.filter(retired_at=None, stores=store)
    running = pulls().filter(store=store).annotate(runs_number=RUNS)
    taken = running.filter(runs_number__gte=number)
    total, count = consumers.count(), taken.count()
    needed = rules.share(total, percent)
    if count >= needed:
        return Takers(total, count, needed, (), now)
    late = not_running(store, number)
    expected = _expected(running.filter(fresh(now), runs_number__lt=number), now)
    enough = count + sum(many for _, many in expected) >= needed
    after = max(moment for moment, _ in expected) if enough else None
    return Takers(
        total=total,
        taken=count,
        needed=needed,
        missing=tuple(late.values_list("name", flat=True)[:NAMED]),
        after=after if after and after > now else None,
    )
