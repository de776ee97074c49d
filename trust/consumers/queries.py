"""Reading consumers: who pulls, what they run, who is late."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from portal import errors
from portal.organizations.models import Organization
from trust.agreements import queries as agreements
from trust.consumers import counting, rules
from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.stores.models import StoreEntry, StoreVersion, TrustStore
from trust.stores.serve.access import Access


@dataclass(frozen=True)
class Standing:
    """How one consumer stands with one store it may pull."""

    consumer: Consumer
    store: TrustStore
    pull: PullRecord | None
    state: rules.State
    next_expected_at: datetime | None
    # Certificates in the version that it runs and not in the current one.
    still_trusts: tuple[str, ...] = ()
    # Those of them that a notice of the partner took away. The others were withdrawn.
    revoked: tuple[str, ...] = ()
    # The first such notice; empty when all of it was planned.
    notice: str = ""

    @property
    def leftover(self) -> str:
        """Return what it still trusts in words: "a revoked CA", "3 revoked and 2 withdrawn CAs"; empty for nothing."""
        return rules.leftover(revoked=len(self.revoked), withdrawn=len(self.still_trusts) - len(self.revoked))

    @property
    def promised(self) -> timedelta:
        """Return how often the consumer promises to pull."""
        return timedelta(seconds=self.consumer.interval_seconds)

    @property
    def observed(self) -> timedelta | None:
        """Return how often it pulls as seen, or None before its second pull."""
        seconds = self.pull.observed_seconds if self.pull else None
        return timedelta(seconds=seconds) if seconds is not None else None


def of(organization: Organization, *, with_retired: bool = False) -> QuerySet[Consumer]:
    """Return the consumers of an organization, by name."""
    found = Consumer.objects.filter(organization=organization).prefetch_related("stores")
    return found if with_retired else found.filter(retired_at=None)


def in_state(organization: Organization, state: rules.State, now: datetime) -> QuerySet[Consumer]:
    """Return the consumers that stand so with at least one of their stores, or that are switched off, by name."""
    if state == rules.State.SWITCHED_OFF:
        return of(organization, with_retired=True).exclude(retired_at=None)
    return counting.in_state(of(organization), state, now)


def get(organization: Organization, name: str) -> Consumer:
    """Return one consumer by name. Raises NotFound for strangers as for what does not exist."""
    found = of(organization, with_retired=True).filter(name=name).first()
    if found is None:
        raise errors.NotFound()
    return found


def tokens_of(consumer: Consumer) -> QuerySet[ConsumerToken]:
    """Return a consumer's tokens, newest first."""
    return consumer.tokens.order_by("-created_at")


def standings(consumers: Iterable[Consumer], now: datetime) -> list[Standing]:
    """Return how each consumer stands with each of its stores, worst first; a bounded number of queries."""
    found = _with_leftovers(_standings(list(consumers), now))
    return sorted(found, key=lambda each: (rules.ORDER.index(each.state), each.consumer.name, each.store.name))


def _standings(consumers: list[Consumer], now: datetime) -> list[Standing]:
    rows = PullRecord.objects.filter(consumer__in=consumers).defer("history")
    pulls = {(row.consumer_id, row.store_id): row for row in rows}
    return [
        _standing(consumer, store, pulls.get((consumer.pk, store.pk)), now)
        for consumer in consumers
        for store in consumer.stores.all()
    ]


def states(consumers: Iterable[Consumer], now: datetime) -> dict[UUID, rules.State]:
    """Return of each consumer the worst state in which it is with one of its stores; a bounded number of queries."""
    listed = list(consumers)
    found: dict[UUID, list[rules.State]] = defaultdict(list)
    for each in _standings(listed, now):
        found[each.consumer.pk].append(each.state)
    return {each.pk: state_of(each, found[each.pk]) for each in listed}


def state_of(consumer: Consumer, of_stores: Iterable[rules.State]) -> rules.State:
    """Return the state of a consumer as a whole from those that it is in with its stores."""
    return rules.State.SWITCHED_OFF if consumer.retired_at is not None else rules.worst(of_stores)


def standings_of_store(store: TrustStore, now: datetime) -> list[Standing]:
    """Return how each consumer of one store stands with it, worst first."""
    consumers = store.consumers.filter(retired_at=None).prefetch_related("stores")
    return [each for each in standings(consumers, now) if each.store.pk == store.pk]


def _standing(consumer: Consumer, store: TrustStore, pull: PullRecord | None, now: datetime) -> Standing:
    last = rules.LastPull(pull.pulled_at, pull.runs) if pull else None
    interval = timedelta(seconds=consumer.interval_seconds)
    return Standing(
        consumer=consumer,
        store=store,
        pull=pull,
        state=rules.state(
            last=last,
            current_number=store.current_number,
            interval=interval,
            now=now,
            switched_off=consumer.retired_at is not None,
        ),
        next_expected_at=rules.next_expected_at(last, interval),
    )


def _with_leftovers(found: list[Standing]) -> list[Standing]:
    """Say of each late consumer which withdrawn certificates it still trusts, and what notice took them away."""
    late = [each for each in found if each.pull and each.pull.runs < each.store.current_number]
    if not late:
        return found
    stores = {each.store.pk for each in late}
    noticed = _by_notice(stores, min(each.pull.runs for each in late if each.pull))
    numbers = {each.pull.runs for each in late if each.pull} | {each.store.current_number for each in late}
    numbers |= {each for versions in noticed.values() for number, _ in versions for each in (number - 1, number)}
    contents: dict[tuple[object, int], set[str]] = defaultdict(set)
    rows = StoreEntry.objects.filter(version__store__in=stores, version__number__in=numbers).values_list(
        "version__store_id", "version__number", "certificate_id"
    )
    for store_id, number, digest in rows:
        contents[(store_id, number)].add(digest)
    return [_with_leftover(each, contents, noticed.get(each.store.pk, ())) for each in found]


def _with_leftover(
    standing: Standing, contents: Mapping[tuple[object, int], set[str]], noticed: Sequence[tuple[int, str]]
) -> Standing:
    runs, store = standing.pull.runs if standing.pull else standing.store.current_number, standing.store
    if runs >= store.current_number:
        return standing
    held = contents[(store.pk, runs)]
    left = held - contents[(store.pk, store.current_number)]
    gone = [
        (label, left & contents[(store.pk, number - 1)] - contents[(store.pk, number)])
        for number, label in noticed
        if number > runs
    ]
    notice = next((label for label, which in gone if which), "")
    revoked = tuple(sorted({each for _, which in gone for each in which}))
    return replace(standing, still_trusts=tuple(sorted(left)), revoked=revoked, notice=notice)


def _by_notice(stores: Iterable[UUID], after: int) -> dict[UUID, list[tuple[int, str]]]:
    """Return of each store the versions after ``after`` that a notice made, with its label, the oldest first."""
    found: dict[UUID, list[tuple[int, str]]] = defaultdict(list)
    made = StoreVersion.objects.filter(store__in=stores, number__gt=after, removes__gt=0).exclude(notice_label="")
    for store_id, number, label in made.order_by("number").values_list("store_id", "number", "notice_label"):
        found[store_id].append((number, label))
    return found


def standings_with(store: TrustStore, consumers: Iterable[Consumer], now: datetime) -> list[Standing]:
    """Return how each of these consumers stands with one store, in their order; three queries."""
    listed = list(consumers)
    rows = PullRecord.objects.filter(consumer__in=listed, store=store).defer("history")
    pulls = {row.consumer_id: row for row in rows}
    return _with_leftovers([_standing(each, store, pulls.get(each.pk), now) for each in listed])


def counts_of(stores: Iterable[TrustStore], now: datetime) -> dict[UUID, tuple[int, int]]:
    """Return of each store how many of its consumers are current, and how many it has."""
    listed = list(stores)
    counted = counting.of_stores(now, listed)
    nobody: dict[rules.State, int] = {}
    found = {store.pk: counted.get(store.pk, nobody) for store in listed}
    return {pk: (states.get(rules.State.CURRENT, 0), sum(states.values())) for pk, states in found.items()}


@dataclass(frozen=True)
class Uptake:
    """What a partner's services run of one's own certificates: numbers, and nobody's name. ``counts`` is by state."""

    store: TrustStore
    counts: dict[rules.State, int]

    @property
    def current(self) -> int:
        """Return how many run the current version."""
        return self.counts.get(rules.State.CURRENT, 0)

    @property
    def total(self) -> int:
        """Return how many there are."""
        return sum(self.counts.values())


def shared_with(owner: Organization, now: datetime) -> list[Uptake]:
    """Return what partners' services run of the owner's certificates, where the agreement in force shares the counts."""
    stores = list(
        TrustStore.objects.filter(owner=owner, current_number__gt=0, partnership__activated_at__isnull=False)
        .select_related("relying", "partnership__first_organization", "partnership__second_organization")
        .order_by("relying__name", "name")
    )
    agreed = agreements.in_force_of({store.partnership_id for store in stores})
    shared = [
        store
        for store in stores
        if store.partnership_id in agreed
        and agreements.terms_of(agreed[store.partnership_id], store.partnership).shares_consumer_counts
    ]
    counted = counting.of_stores(now, shared) if shared else {}
    return [Uptake(store, counted.get(store.pk, {})) for store in shared]


def readiness(store: TrustStore, now: datetime) -> counting.Readiness:
    """Return whether every service took up a store's current version, and if not, when the last one should have."""
    return counting.readiness(store, now)


def taking_up(store: TrustStore, number: int, percent: int, now: datetime) -> counting.Takers:
    """Return how many consumers of a store run version ``number`` or a later one, held against a share of them."""
    return counting.taking_up(store, number, percent, now)


def adoption(store: TrustStore, now: datetime) -> dict[str, int]:
    """Return how many consumers of a store are in each state: {"current": 11, "behind": 1, …, "all": 12}."""
    states = counting.of_stores(now, [store]).get(store.pk, {})
    return {state.value: states.get(state, 0) for state in rules.State} | {"all": sum(states.values())}


@lru_cache(maxsize=10_000)
def _kept_once(value: Any) -> Any:
    """Return the first of equal values: processes remember the tokens of many thousands of services that may pull the same."""
    return value


def access_by_digest(digest: str, now: datetime) -> Access | None:
    """Return what the consumer token with this digest opens, or None when none is in force."""
    # At most one has it. ``first`` would have it put into an order.
    token = next(iter(ConsumerToken.objects.select_related("consumer").filter(digest=digest)), None)
    if token is None or not token.in_force(now) or token.consumer.retired_at is not None:
        return None
    stores = token.consumer.stores.through.objects.filter(consumer_id=token.consumer_id)
    return Access(
        organization_id=_kept_once(token.consumer.organization_id),
        store_ids=_kept_once(frozenset(stores.values_list("truststore_id", flat=True))),
        consumer_id=token.consumer_id,
        token_id=token.pk,
        expires_at=token.expires_at.timestamp(),
    )


def reporting(access: Access, name: str) -> tuple[TrustStore, Consumer]:
    """Return the store and the consumer that a token reports about. Raises NotFound for a store that it does not open."""
    store = TrustStore.objects.filter(relying_id=access.organization_id, name=name).first()
    consumer = Consumer.objects.filter(pk=access.consumer_id).first() if access.consumer_id else None
    if store is None or consumer is None or not access.opens(store.pk):
        raise errors.NotFound()
    return store, consumer
