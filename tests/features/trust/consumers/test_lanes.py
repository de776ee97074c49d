"""The consumers of a store by the version they run: counted as the rules count, in few queries, with some names of each lane."""

from collections import Counter

from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

# pytest finds fixtures by their names; the linter takes them for unused, and each argument (F811) for another of that name.
from tests.features.trust.consumers.test_counting import add, now, store  # noqa: F401
from tests.makers import stores
from trust.consumers import counting, lanes
from trust.consumers.lanes import lanes_of
from trust.consumers.models import Consumer, PullRecord
from trust.stores import services


class TestLanes:
    def test_hold_every_consumer_once_as_the_rules_say(self, now, store):  # noqa: F811
        found = lanes_of(store, now)

        runs: Counter[int | None] = Counter(each.runs for each in PullRecord.objects.filter(store=store))
        runs[None] = Consumer.objects.filter(stores=store).count() - runs.total()
        assert {lane.number: lane.count for lane in found} == runs
        for lane in found:
            assert lane.count == len(lane.standings)
            assert all((each.pull.runs if each.pull else None) == lane.number for each in lane.standings)
            assert [each.consumer.name for each in lane.standings] == sorted(
                each.consumer.name for each in lane.standings
            )
        assert [lane.late for lane in found] == [True, False, False]
        silent = [each for lane in found for each in lane.standings if each.state == "silent"]
        assert sum(lane.silent for lane in found) == len(silent) > 0

    def test_say_on_the_page_who_stopped_pulling_though_they_ran_the_current_version(self, cast, now, store):  # noqa: F811
        current = lanes_of(store, now)[1]
        assert 0 < current.silent < current.count

        page = cast.birch.viewer.client().get(f"/trust-stores/{store.name}/consumers/").content.decode()

        lanes_shown = page.partition('class="lanes"')[2].partition("</section>")[0]
        assert f"{current.silent} silent" in lanes_shown

    def test_are_red_on_the_page_only_where_something_was_taken_away(self, cast, now, store):  # noqa: F811
        address = f"/trust-stores/{store.name}/consumers/"
        assert 'class="lane late warn"' in cast.birch.viewer.client().get(address).content.decode()

        services.withdraw_certificates(
            store=store,
            certificates=[stores.hierarchy("Alder").root.sha256],
            reason="The key may be known.",
            actor=cast.birch.officer.actor,
            now=now,
        )

        page = cast.birch.viewer.client().get(address).content.decode()
        assert page.count('class="lane late bad"') == 2
        assert "lane late warn" not in page

    def test_name_some_of_a_long_lane_that_is_late_and_nobody_of_one_that_is_current(self, now, store, monkeypatch):  # noqa: F811
        monkeypatch.setattr(lanes, "LANE_NAMES", 3)

        late, current, never = lanes_of(store, now)

        assert (late.count, len(late.standings)) == (6, 3)
        assert (current.count, len(current.standings)) == (6, 0)
        assert (never.count, len(never.standings)) == (2, 2)

    def test_say_on_the_page_how_many_are_not_named(self, cast, now, store, monkeypatch):  # noqa: F811
        monkeypatch.setattr(lanes, "LANE_NAMES", 3)
        late = lanes_of(store, now)[0]

        page = cast.birch.viewer.client().get(f"/trust-stores/{store.name}/consumers/").content.decode()

        assert "and 3 more" in page
        assert f"at least {late.silent} silent" in page

    def test_take_as_many_queries_for_more_consumers(self, now, store):  # noqa: F811
        with CaptureQueriesContext(connection) as few:
            lanes_of(store, now)
        add(store, now, 70, start=14)
        with CaptureQueriesContext(connection) as more:
            lanes_of(store, now)

        assert len(more) <= len(few)

    def test_are_kept_for_a_moment_only_of_many_consumers(self, now, store, monkeypatch):  # noqa: F811
        lanes_of(store, now)
        add(store, now, 7, start=14)
        assert sum(lane.count for lane in lanes_of(store, now)) == 21

        monkeypatch.setattr(counting, "EXACT_UP_TO", 10)
        assert sum(lane.count for lane in lanes_of(store, now)) == 21
        add(store, now, 7, start=21)
        assert sum(lane.count for lane in lanes_of(store, now)) == 21

        cache.clear()
        assert sum(lane.count for lane in lanes_of(store, now)) == 28
