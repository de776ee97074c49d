"""Reading consumers: who pulls, what they run, who is late."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from portal import errors
from portal.organizations.models import Organization
from trust.consumers import rules
from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.stores.models import StoreEntry, TrustStore
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


def of(organization: Organization, *, with_retired: bool = False) -> QuerySet[Consumer]:
    """Return the consumers of an organization, by name."""
    found = Consumer.objects.filter(organization=organization).prefetch_related("stores")
    return found if with_retired else found.filter(retired_at=None)


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
    listed = list(consumers)
    pulls = {
        (row.consumer_id, row.store_id): row for row in PullRecord.objects.filter(consumer__in=listed).defer("history")
    }
    found = [
        _standing(consumer, store, pulls.get((consumer.pk, store.pk)), now)
        for consumer in listed
        for store in consumer.stores.all()
    ]
    found = _with_leftovers(found)
    return sorted(found, key=lambda each: (rules.ORDER.index(each.state), each.consumer.name, each.store.name))


def standings_of_store(store: TrustStore, now: datetime) -> list[Standing]:
    """Return how each consumer of one store stands with it, worst first."""
    consumers = store.consumers.filter(retired_at=None).prefetch_related("stores")
    return [each for each in standings(consumers, now) if each.store.pk == store.pk]


def _standing(consumer: Consumer, store: TrustStore, pull: PullRecord | None, now: datetime) -> Standing:
    last = rules.LastPull(pull.pulled_at, pull.version_number) if pull else None
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
    """Say of each late consumer which withdrawn certificates it still trusts."""
    late = [each for each in found if each.pull and each.pull.version_number < each.store.current_number]
    if not late:
        return found
    wanted = {(each.store.pk, each.pull.version_number) for each in late if each.pull}
    wanted |= {(each.store.pk, each.store.current_number) for each in late}
    contents: dict[tuple[object, int], set[str]] = defaultdict(set)
    rows = StoreEntry.objects.filter(
        version__store__in={key[0] for key in wanted}, version__number__in={key[1] for key in wanted}
    ).values_list("version__store_id", "version__number", "certificate_id")
    for store_id, number, digest in rows:
        contents[(store_id, number)].add(digest)
    return [
        each
        if each not in late or each.pull is None
        else Standing(
            each.consumer,
            each.store,
            each.pull,
            each.state,
            each.next_expected_at,
            tuple(
                sorted(
                    contents[(each.store.pk, each.pull.version_number)]
                    - contents[(each.store.pk, each.store.current_number)]
                )
            ),
        )
        for each in found
    ]


@dataclass(frozen=True)
class Lane:
    """The consumers of one store that run one version."""

    number: int | None
    standings: tuple[Standing, ...]
    late: bool


def lanes(standings: Iterable[Standing], current_number: int) -> list[Lane]:
    """Return the consumers of one store by the version they run, the oldest on top; never pulled last."""
    by_number: dict[int | None, list[Standing]] = defaultdict(list)
    for each in standings:
        by_number[each.pull.version_number if each.pull else None].append(each)
    ordered = sorted(by_number.items(), key=lambda item: (item[0] is None, item[0] or 0))
    return [Lane(number, tuple(each), late=number is not None and number < current_number) for number, each in ordered]


def adoption(store: TrustStore, now: datetime) -> dict[str, int]:
    """Return how many consumers of a store are in each state: {"current": 11, "behind": 1, …, "all": 12}."""
    counts = {state.value: 0 for state in rules.State}
    listed = standings_of_store(store, now)
    for each in listed:
        counts[each.state.value] += 1
    return counts | {"all": len(listed)}


def access_by_digest(digest: str, now: datetime) -> Access | None:
    """Return what the consumer token with this digest opens, or None when none is in force."""
    token = ConsumerToken.objects.select_related("consumer").filter(digest=digest).first()
    if token is None or not token.in_force(now) or token.consumer.retired_at is not None:
        return None
    stores = token.consumer.stores.through.objects.filter(consumer_id=token.consumer_id)
    return Access(
        organization_id=token.consumer.organization_id,
        store_ids=frozenset(stores.values_list("truststore_id", flat=True)),
        consumer_id=token.consumer_id,
        token_id=token.pk,
        expires_at=token.expires_at.timestamp(),
    )
