"""Many consumers: counted as the rules count, narrowed by state and name, in a number of queries that does not grow."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import errors
from tests.makers import consumers as make
from tests.makers import stores as make_stores
from trust.consumers import counting, queries, rules, services
from trust.consumers.models import Consumer, PullRecord


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


def add(store, now, count: int, start: int = 0) -> None:
    """Add consumers that stand in every way there is, one after the other."""
    made = Consumer.objects.bulk_create(
        Consumer(organization=store.relying, name=f"service-{number:05}", created_at=now, interval_seconds=86400)
        for number in range(start, start + count)
    )
    through = Consumer.stores.through
    through.objects.bulk_create(through(consumer=each, truststore=store) for each in made)
    kinds = [
        {"pulled_at": now, "version_number": 2},
        {"pulled_at": now - timedelta(days=2), "version_number": 2},
        {"pulled_at": now - timedelta(days=2, seconds=1), "version_number": 2},
        {"pulled_at": now, "version_number": 1},
        {"pulled_at": now - timedelta(days=9), "version_number": 1},
        {"pulled_at": now, "version_number": 2, "reported_stage": "fetched", "reported_number": 2},
        None,
    ]
    rows = [(each, kinds[at % len(kinds)]) for at, each in enumerate(made)]
    PullRecord.objects.bulk_create(PullRecord(consumer=each, store=store, **kind) for each, kind in rows if kind)


@pytest.fixture
def store(cast, now):
    make_stores.published(cast)
    make_stores.published(cast, *make_stores.whole("Other"))
    store = make.store_of(cast)
    add(store, now, 14)
    return store


class TestCounting:
    def test_is_by_the_rules(self, store, now):
        one_by_one = Counter(each.state for each in queries.standings_of_store(store, now))

        assert counting.of_stores(now)[store.pk] == {state: one_by_one[state] for state in counting.STATES}
        assert queries.counts_of([store], now) == {store.pk: (one_by_one[rules.State.CURRENT], 14)}

    def test_is_exact_for_few_and_kept_for_a_moment_for_many(self, store, now, monkeypatch):
        before = counting.of_stores(now, [store])[store.pk]
        PullRecord.objects.all().delete()
        assert counting.of_stores(now, [store])[store.pk] != before

        monkeypatch.setattr(counting, "EXACT_UP_TO", 5)
        kept = counting.of_stores(now, [store])[store.pk]
        add(store, now, 7, start=50)
        assert counting.of_stores(now, [store])[store.pk] == kept
        store.current_number += 1
        assert counting.of_stores(now, [store])[store.pk] != kept

    @pytest.mark.parametrize("state", counting.STATES)
    def test_finds_those_in_a_state(self, store, now, state):
        found = counting.in_state(queries.of(store.relying), state, now)

        expected = {each.consumer.name for each in queries.standings_of_store(store, now) if each.state == state}
        assert expected
        assert {each.name for each in found} == expected

    def test_leaves_out_what_is_switched_off_or_no_longer_allowed(self, store, now):
        Consumer.objects.filter(name="service-00000").update(retired_at=now)
        Consumer.objects.get(name="service-00007").stores.clear()

        assert counting.of_stores(now)[store.pk][rules.State.CURRENT] == 2


class TestSomeLate:
    def test_are_all_that_are_late_while_they_are_few_and_nobody_else(self, store, now):
        late = {
            each.consumer.pk
            for each in queries.standings_of_store(store, now)
            if each.state in (rules.State.SILENT, rules.State.BEHIND)
        }

        assert counting.some_late(store.relying, now, 100) == late

    def test_are_few_of_many_and_those_with_the_oldest_version_first(self, store, now):
        add(store, now, 210, start=14)
        PullRecord.objects.filter(consumer__name="service-00003").update(version_number=0)

        found = counting.some_late(store.relying, now, 5)

        assert len(found) <= 10
        assert Consumer.objects.get(name="service-00003").pk in found
        with CaptureQueriesContext(connection) as few:
            counting.some_late(store.relying, now, 5)
        assert len(few) == 3  # how often they promise to pull, and one for each kind


class TestReadiness:
    """When what the current version replaced can be removed: when the last service that is behind should have pulled."""

    @pytest.fixture
    def store(self, cast, now):
        make_stores.published(cast)
        make_stores.published(cast, *make_stores.whole("Other"))
        return make.store_of(cast)

    def pulled(self, store, name: str, at, number: int, interval: int = 300) -> None:
        made = Consumer.objects.create(organization=store.relying, name=name, created_at=at, interval_seconds=interval)
        made.stores.add(store)
        PullRecord.objects.create(consumer=made, store=store, pulled_at=at, version_number=number)

    def test_is_now_when_all_run_it(self, store, now):
        self.pulled(store, "a", now, 2)

        assert queries.readiness(store, now) == counting.Readiness(1, 0, now)

    def test_is_now_where_nobody_pulls(self, store, now):
        assert queries.readiness(store, now) == counting.Readiness(0, 0, now)
        assert queries.taking_up(store, 2, 100, now).needed == 0

    def test_is_when_the_last_one_promised_to_pull(self, cast, store, now):
        self.pulled(store, "a", now, 2, interval=86400)
        self.pulled(store, "b", now - timedelta(minutes=1), 1, interval=7200)
        self.pulled(store, "c", now - timedelta(minutes=10), 1, interval=14400)

        assert queries.readiness(store, now) == counting.Readiness(3, 2, now + timedelta(minutes=230))
        page = cast.birch.officer.client().get("/trust-stores/alder-prod/withdraw/").content.decode()
        assert "2 of 3 services are not known to run v2 now." in page
        assert "Safe to remove after:" in page
        api = cast.birch.viewer.client().get("/api/v1/trust-stores/alder-prod/adoption").json()
        assert api["safe_to_remove_after"]

    def test_waits_for_one_that_is_overdue_as_long_as_it_is_not_called_silent(self, store, now):
        self.pulled(store, "a", now - timedelta(minutes=7), 1)
        self.pulled(store, "b", now - timedelta(minutes=9), 1)

        # Not now: both had promised a pull by now, and neither came.
        assert queries.readiness(store, now).after == now + timedelta(minutes=3)
        assert queries.taking_up(store, 2, 100, now).after == now + timedelta(minutes=3)

    def test_cannot_be_said_while_one_is_silent(self, store, now):
        self.pulled(store, "a", now - timedelta(days=2), 1)

        assert queries.readiness(store, now) == counting.Readiness(1, 1, None)


class TestThePage:
    def test_shows_the_silent_ones_when_asked(self, cast, store):
        page = cast.birch.viewer.client().get("/consumers/?state=silent").content.decode()

        assert "service-00004" in page
        assert "service-00003" not in page

    def test_finds_those_that_are_switched_off_when_asked_and_says_so_to_who_wants_the_name(self, cast, store, now):
        off = store.consumers.filter(retired_at=None).order_by("name").first()
        retired = Consumer.objects.exclude(retired_at=None).count()
        services.retire(consumer=off, actor=cast.birch.admin.actor, now=now)

        pages = [
            cast.birch.viewer.client().get(f"/consumers/{ask}").content.decode() for ask in ("", "?state=switched_off")
        ]

        assert [off.name in page for page in pages] == [False, True]
        assert f"Switched off ({retired + 1})" in pages[0]
        with pytest.raises(errors.Conflict, match="switched off"):
            services.register(name=off.name, stores=[store], actor=cast.birch.admin.actor, now=now)

    def test_searches_by_name(self, cast, store):
        page = cast.birch.viewer.client().get("/consumers/?q=00013").content.decode()

        assert "service-00013" in page
        assert "service-00001" not in page
        assert "No consumer fits" in cast.birch.viewer.client().get("/consumers/?q=nobody").content.decode()

    @pytest.mark.parametrize(
        "address",
        [
            "/consumers/",
            "/consumers/?state=behind",
            "/trust-stores/alder-prod/consumers/",
            "/trust-stores/alder-prod/",
            "/trust-stores/",
            "/api/v1/trust-stores/alder-prod/adoption",
        ],
    )
    def test_asks_the_database_as_often_for_many_as_for_few(self, cast, store, now, address):
        client = cast.birch.viewer.client()
        client.get(address)

        def asked() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            return len(captured)

        few = asked()
        add(store, now, 210, start=100)
        assert asked() <= few
