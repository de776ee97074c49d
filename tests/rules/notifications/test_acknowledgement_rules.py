"""The clock of a notice, as a table and as properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.acknowledgements import rules
from notifications.acknowledgements.rules import Answer, Mark, State, Step, Who

NOW = datetime(2026, 11, 24, 2, 20, tzinfo=UTC)
FOUR_HOURS = NOW + timedelta(hours=4)


class TestPlan:
    def test_is_that_of_the_night_page(self):
        found = rules.plan(rules.DEFAULT_POLICY, received_at=NOW, acknowledge_by=FOUR_HOURS, urgent=True)

        assert [(f"{each.at:%H:%M}", each.mark.value, each.level) for each in found] == [
            ("02:35", "remind", 1),
            ("02:50", "escalate", 2),
            ("03:50", "escalate", 3),
            ("06:20", "overdue", 3),
        ]

    def test_takes_days_when_nothing_is_urgent(self):
        found = rules.plan(rules.DEFAULT_POLICY, received_at=NOW, acknowledge_by=NOW + timedelta(days=10), urgent=False)

        assert [(each.at - NOW).days for each in found] == [2, 5, 9, 10]

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(st.integers(1, 720), min_size=0, max_size=5, unique=True).map(sorted),
        st.integers(1, 20_000),
        st.booleans(),
    )
    def test_always_ends_with_the_deadline_and_never_goes_back(self, minutes, within, urgent):
        policy = [
            Step(timedelta(0), (Who.RESPONDERS,)),
            *(Step(timedelta(minutes=m), (Who.OFFICERS,)) for m in minutes),
        ]

        found = rules.plan(policy, received_at=NOW, acknowledge_by=NOW + timedelta(minutes=within), urgent=urgent)

        assert found[-1].mark is Mark.OVERDUE
        assert [each.at for each in found] == sorted(each.at for each in found)
        assert all(NOW <= each.at <= found[-1].at for each in found)

    def test_skips_nothing_while_the_portal_was_down(self):
        found = rules.plan(rules.DEFAULT_POLICY, received_at=NOW, acknowledge_by=FOUR_HOURS, urgent=True)

        passed = rules.due_since(found, after=NOW, now=FOUR_HOURS + timedelta(hours=1))

        assert passed == found


class TestStates:
    @given(st.lists(st.sampled_from(list(Answer)), max_size=20))
    def test_done_is_the_end(self, answers):
        state, done = State.OPEN, False
        for each in answers:
            state = rules.next_state(state, each) or state
            done = done or each is Answer.DONE
            assert not done or state is State.DONE

    def test_opening_changes_nothing(self):
        assert {rules.next_state(state, Answer.OPENED) for state in State} == {None}


class TestPolicy:
    @pytest.mark.parametrize(
        ("rows", "why"),
        [
            ([], "1 to 6"),
            ([{"after_minutes": 5, "who": ["officers"]}], "at once"),
            ([{"after_minutes": 0, "who": ["officers"]}] * 2, "later"),
            ([{"after_minutes": 0, "who": []}], "tells somebody"),
        ],
        ids=["empty", "starts late", "does not grow", "tells nobody"],
    )
    def test_is_refused_when(self, rows, why):
        with pytest.raises(ValueError, match=why):
            rules.policy_from(rows)

    def test_survives_being_stored(self):
        assert rules.policy_from(rules.stored(rules.DEFAULT_POLICY)) == rules.DEFAULT_POLICY


class TestUnfinished:
    @pytest.mark.parametrize(
        ("hours_left", "after_hours"), [(4, 3), (1, 0.5), (-1, 0.5)], ids=["an hour before", "halfway", "late"]
    )
    def test_is_said(self, hours_left, after_hours):
        at = rules.unfinished_at(acknowledged_at=NOW, act_by=NOW + timedelta(hours=hours_left), urgent=True)

        assert at - NOW == timedelta(hours=after_hours)
