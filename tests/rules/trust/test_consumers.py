"""How a consumer stands, and what is remembered of its pulls."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.moments import EVERYTHING_VALID as NOW
from trust.consumers import rules
from trust.consumers.rules import LastPull, PullHistory, State

FIVE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


class TestState:
    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            (None, State.NEVER_PULLED),
            (LastPull(NOW, 7), State.CURRENT),
            (LastPull(NOW - 2 * FIVE, 7), State.CURRENT),
            (LastPull(NOW - 2 * FIVE - SECOND, 7), State.SILENT),
            (LastPull(NOW, 6), State.BEHIND),
            (LastPull(NOW - 3 * FIVE, 6), State.SILENT),
        ],
    )
    def test_follows_from_the_last_pull_and_the_promise(self, last, expected):
        assert rules.state(last=last, current_number=7, interval=FIVE, now=NOW) is expected

    def test_says_when_it_is_switched_off(self):
        state = rules.state(last=None, current_number=7, interval=FIVE, now=NOW, switched_off=True)

        assert state is State.SWITCHED_OFF

    @pytest.mark.parametrize(
        ("pulled", "stage", "reported", "runs"),
        [
            (7, "", None, 7),
            (7, "loaded", 7, 7),
            (7, "written", 7, 7),
            (7, "fetched", 7, 6),
            (1, "fetched", 1, 0),
            (7, "fetched", 6, 7),  # an older trouble, and a newer pull
        ],
    )
    def test_counts_what_runs_and_not_what_was_fetched(self, pulled, stage, reported, runs):
        assert rules.runs(pulled, stage=stage, reported=reported) == runs

    def test_of_several_stores_is_the_worst(self):
        assert rules.worst([State.CURRENT, State.SILENT, State.BEHIND]) is State.SILENT
        assert rules.worst([]) is State.NEVER_PULLED


class TestPullHistory:
    @given(st.lists(st.integers(min_value=0, max_value=8 * 24 * 60), max_size=40))
    def test_remembers_the_quarters_of_the_last_seven_days(self, minutes_ago):
        history = PullHistory()
        for minutes in minutes_ago:
            history = history.mark(NOW - timedelta(minutes=minutes))

        newest = max((rules.quarter_of(NOW - timedelta(minutes=each)) for each in minutes_ago), default=0)
        back = {rules.quarter_of(NOW) - rules.quarter_of(NOW - timedelta(minutes=each)) for each in minutes_ago}
        window = {
            each for each in back if each < rules.QUARTERS and newest - (rules.quarter_of(NOW) - each) < rules.QUARTERS
        }
        assert set(history.ticks(NOW)) == window
        assert len(history.bits) == 84

    def test_forgets_what_is_older_than_seven_days(self):
        history = PullHistory().mark(NOW - timedelta(days=8))

        assert history.ticks(NOW) == []


class TestShare:
    @pytest.mark.parametrize(
        ("total", "percent", "needed"), [(0, 90, 0), (1, 1, 1), (3, 90, 3), (10, 90, 9), (10, 91, 10), (10, 100, 10)]
    )
    def test_is_rounded_up_to_whole_services(self, total, percent, needed):
        assert rules.share(total, percent) == needed
