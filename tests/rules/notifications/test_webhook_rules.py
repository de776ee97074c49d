"""When a webhook is tried again, what an answer means, and how an endpoint comes to be paused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.webhooks import rules
from notifications.webhooks.rules import EndpointState, Health, Outcome, Trouble

NOW = datetime(2026, 11, 24, 2, 20, tzinfo=UTC)
MIDDLE = lambda: 0.5  # noqa: E731


def waits(*, urgent: bool) -> list[float]:
    found, attempts = [], 1
    while (at := rules.next_attempt_at(attempts=attempts, now=NOW, urgent=urgent, chance=MIDDLE)) is not None:
        found.append((at - NOW).total_seconds())
        attempts += 1
    return found


class TestSchedule:
    def test_is_that_of_standard_webhooks(self):
        assert waits(urgent=False) == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]

    def test_tries_a_revocation_faster_and_longer(self):
        usual, urgent = waits(urgent=False), waits(urgent=True)

        assert sum(urgent[:8]) < sum(usual[:3])
        assert sum(urgent) > 1.9 * sum(usual)

    @given(st.integers(1, 9), st.booleans(), st.floats(0, 1, exclude_max=True))
    def test_jitters_by_a_fifth_at_most(self, attempts, urgent, chance):
        middle = rules.next_attempt_at(attempts=attempts, now=NOW, urgent=urgent, chance=MIDDLE) - NOW
        got = rules.next_attempt_at(attempts=attempts, now=NOW, urgent=urgent, chance=lambda: chance) - NOW

        assert 0.799 * middle <= got <= 1.201 * middle

    def test_only_grows(self):
        for urgent in (True, False):
            assert waits(urgent=urgent) == sorted(waits(urgent=urgent))

    @pytest.mark.parametrize(
        ("urgent", "asked", "expected"),
        [(False, 120, 120), (False, 10**6, 86400), (True, 3600, 900), (False, 1, 60)],
        ids=["as asked", "capped at a day", "capped at 15 minutes", "never below the schedule"],
    )
    def test_honors_retry_after(self, urgent, asked, expected):
        at = rules.next_attempt_at(
            attempts=1, now=NOW, urgent=urgent, chance=MIDDLE, outcome=Outcome.CONGESTED, retry_after=asked
        )

        assert (at - NOW).total_seconds() == expected

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (200, "delivered"),
            (204, "delivered"),
            (301, "failed"),
            (404, "failed"),
            (410, "gone"),
            (429, "congested"),
            (500, "failed"),
            (502, "congested"),
            (504, "congested"),
        ],
    )
    def test_reads_a_status(self, status, outcome):
        assert rules.outcome_of(status) == outcome


def fail(health: Health, *, at: datetime = NOW, outcome: Outcome = Outcome.FAILED, urgent: bool = False):
    return rules.after_failure(health, now=at, outcome=outcome, urgent=urgent)


class TestHealth:
    def test_tells_of_trouble_at_the_fourth_failure_and_once(self):
        health, told = Health(EndpointState.ACTIVE), []
        for _ in range(8):
            health, trouble = fail(health)
            told.append(trouble)

        assert told == [None, None, None, Trouble.FAILING, None, None, None, None]

    def test_tells_before_pausing_at_pausing_and_daily(self):
        health, told = Health(EndpointState.ACTIVE), []
        for hour in range(140):
            health, trouble = fail(health, at=NOW + timedelta(hours=hour))
            if trouble:
                told.append((hour, trouble))

        assert told == [
            (3, Trouble.FAILING),
            (27, Trouble.STILL_FAILING),
            (51, Trouble.STILL_FAILING),
            (75, Trouble.STILL_FAILING),
            (96, Trouble.PAUSING_SOON),
            (120, Trouble.PAUSED),
        ]
        assert health.state is EndpointState.PAUSED

    def test_starts_over_after_one_success(self):
        health, _ = fail(Health(EndpointState.FAILING, 9, NOW - timedelta(hours=119), NOW))

        health, trouble = rules.after_success(health)

        assert (health, trouble) == (Health(EndpointState.ACTIVE), Trouble.RECOVERED)

    def test_pauses_at_once_when_the_endpoint_is_gone(self):
        assert fail(Health(EndpointState.ACTIVE), outcome=Outcome.GONE)[1] is Trouble.PAUSED

    @given(st.lists(st.sampled_from(["ok", "failed", "gone", "blocked"]), max_size=40))
    def test_never_pauses_without_telling(self, answers):
        health = Health(EndpointState.ACTIVE)
        for step, answer in enumerate(answers):
            before = health.state
            if answer == "ok":
                health, trouble = rules.after_success(health)
            else:
                health, trouble = fail(health, at=NOW + timedelta(hours=6 * step), outcome=Outcome(answer))
            if health.state is EndpointState.PAUSED and before is not EndpointState.PAUSED:
                assert trouble is Trouble.PAUSED


class TestMatches:
    @pytest.mark.parametrize(
        ("patterns", "expected"),
        [
            (["*"], True),
            (["notice.*"], True),
            (["notice.received"], True),
            (["trust_store.*", "notice.received"], True),
            (["notice"], False),
            (["not.*"], False),
            ([], False),
        ],
    )
    def test_chooses_by_pattern(self, patterns, expected):
        assert rules.matches(patterns, "notice.received") is expected
