"""When a delivery is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.deliveries import rules
from notifications.deliveries.rules import Channel

SCHEDULES = sorted(rules.SCHEDULES)
spreads = st.floats(0, 1, exclude_max=True)


class TestNextWait:
    @given(st.sampled_from(SCHEDULES), st.integers(1, 20), spreads)
    def test_stays_within_a_fifth_of_the_schedule_and_ends(self, schedule, tries, spread):
        channel, urgent = schedule
        planned = rules.SCHEDULES[schedule]

        wait = rules.next_wait(channel, urgent=urgent, tries=tries, spread=spread)

        if tries > len(planned):
            assert wait is None
        else:
            assert planned[tries - 1] * 0.8 <= wait <= planned[tries - 1] * 1.2

    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_never_gets_shorter(self, schedule):
        waits = rules.SCHEDULES[schedule]

        assert list(waits) == sorted(waits)

    # Webhooks have a schedule of their own, in notifications.webhooks.rules.
    @pytest.mark.parametrize("channel", [Channel.MAIL])
    def test_goes_on_for_days(self, channel):
        for urgent in (True, False):
            assert sum(rules.SCHEDULES[channel, urgent], timedelta()) > timedelta(days=2)

    # Webhooks have a schedule of their own, in notifications.webhooks.rules.
    @pytest.mark.parametrize("channel", [Channel.MAIL])
    def test_is_faster_when_it_is_urgent(self, channel):
        tries = 4
        urgent, calm = (sum(rules.SCHEDULES[channel, each][:tries], timedelta()) for each in (True, False))

        assert urgent < calm / 5
