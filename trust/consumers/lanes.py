"""The consumers of a store by the version they run, for its pages. The work that grows with consumers is one grouped count."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count, Exists, F, OuterRef

from trust.consumers import counting, queries
from trust.consumers.models import NOT_TAKEN, Consumer, PullRecord
from trust.consumers.queries import Standing
from trust.consumers.rules import State
from trust.stores.models import TrustStore

# Names shown of one lane; above that, a count says enough.
LANE_NAMES = 60


@dataclass(frozen=True)
class Lane:
    """The consumers of one store that run one version; ``number`` is None for those that never pulled.

    ``standings`` are at most ``LANE_NAMES`` of ``count``, by name, and none of more than that which are current.
    """

    number: int | None
    count: int
    standings: tuple[Standing, ...]
    late: bool

    @property
    def silent(self) -> int:
        """How many of those that are named stopped pulling: what they run now is what they ran when last heard of."""
        return sum(1 for each in self.standings if each.state == State.SILENT)

    @property
    def silence(self) -> str:
        """The same in words, "3 silent", or "at least 3 silent" where others are not named; empty for none."""
        return f"{'at least ' if self.more else ''}{self.silent} silent" if self.silent else ""

    @property
    def trusts_what_left(self) -> bool:
        """Whether the version that they run holds what was withdrawn or revoked since; of who never pulled nobody knows."""
        return any(each.still_trusts for each in self.standings)

    @property
    def more(self) -> int:
        """How many there are beside those that are named."""
        return self.count - len(self.standings)


@dataclass(frozen=True)
class _Counted:
    number: int | None
    count: int
    late: bool
    consumers: tuple[UUID, ...]


def lanes_of(store: TrustStore, now: datetime) -> list[Lane]:
    """Return the consumers of a store by the version they run, the oldest on top, never pulled last.

    Of a store with more than ``counting.EXACT_UP_TO`` consumers the lanes may be ``counting.KEPT_FOR`` seconds old.
    """
    key = f"consumers-by-version:{store.pk}:{store.current_number}"
    counted: list[_Counted] | None = cache.get(key)
    if counted is None:
        counted = _count(store)
        if sum(each.count for each in counted) > counting.EXACT_UP_TO:
            cache.set(key, counted, counting.KEPT_FOR)
    return _with_names(store, counted, now)


def _count(store: TrustStore) -> list[_Counted]:
    pulled = counting.pulls().filter(store=store)
    running: Counter[int] = Counter()
    # Few could not take a version into use, and an index knows them.
    for rows, runs in (
        (pulled.exclude(NOT_TAKEN), F("version_number")),
        (pulled.filter(NOT_TAKEN), F("reported_number") - 1),
    ):
        grouped = rows.order_by().values(lane=runs).annotate(count=Count("id"))
        running.update({row["lane"]: row["count"] for row in grouped})
    found = []
    for number, count in sorted(running.items()):
        late = number < store.current_number
        found.append(_Counted(number, count, late, _some(store, number) if late or count <= LANE_NAMES else ()))
    live = Consumer.objects.filter(retired_at=None, stores=store)
    never = live.count() - running.total()
    if never > 0:
        records = PullRecord.objects.filter(consumer=OuterRef("pk"), store=store)
        waiting = live.filter(~Exists(records)).order_by().values_list("pk", flat=True)
        found.append(_Counted(None, never, False, tuple(waiting) if never <= LANE_NAMES else ()))
    return found


def _some(store: TrustStore, number: int) -> tuple[UUID, ...]:
    """Return consumers in a lane, whichever the database finds first: sorting all of them costs more than it tells."""
    pulled = counting.pulls().filter(store=store).order_by()
    fetched = pulled.filter(version_number=number).exclude(NOT_TAKEN)
    returned = pulled.filter(NOT_TAKEN, reported_number=number + 1)
    found = [pk for rows in (fetched, returned) for pk in rows.values_list("consumer_id", flat=True)[:LANE_NAMES]]
    return tuple(found[:LANE_NAMES])


def _with_names(store: TrustStore, counted: Iterable[_Counted], now: datetime) -> list[Lane]:
    listed = list(counted)
    named = Consumer.objects.filter(pk__in={pk for each in listed for pk in each.consumers}).order_by("name")
    standings = queries.standings_with(store, named, now)
    by_consumer = {each.consumer.pk: each for each in standings}
    return [
        Lane(
            each.number,
            each.count,
            tuple(
                sorted(
                    (by_consumer[pk] for pk in each.consumers if pk in by_consumer), key=lambda one: one.consumer.name
                )
            ),
            each.late,
        )
        for each in listed
    ]
