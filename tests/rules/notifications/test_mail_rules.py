"""What is mailed at once, once a day, or not, and when the day's mail is made."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from notifications.fanout import rules as fanout
from notifications.mail.rules import Frequency, Weight, digest_due_at, frequency, weigh

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("tasks", list(Frequency))
@pytest.mark.parametrize("news", list(Frequency))
@pytest.mark.parametrize("comes_back", [True, False])
def test_an_alarm_is_mailed_at_once_whatever_was_wished(tasks, news, comes_back):
    assert frequency(Weight.ALARM, tasks=tasks, news=news, comes_back=comes_back) is Frequency.AT_ONCE


def test_a_task_cannot_be_turned_off_even_by_a_wish_that_was_stored():
    assert frequency(Weight.TASK, tasks="none", news="none", comes_back=False) is Frequency.AT_ONCE


def test_news_can():
    assert frequency(Weight.NEWS, tasks="at_once", news="none", comes_back=False) is Frequency.NONE


@pytest.mark.parametrize("weight", [Weight.TASK, Weight.NEWS])
def test_only_alarms_go_to_an_address_from_which_mail_came_back(weight):
    assert frequency(weight, tasks="at_once", news="at_once", comes_back=True) is Frequency.NONE


def test_urgency_weighs_more_than_what_is_asked():
    assert weigh(urgent=True, asks=False) is Weight.ALARM
    assert weigh(urgent=False, asks=True) is Weight.TASK
    assert weigh(urgent=False, asks=False) is Weight.NEWS


@pytest.mark.parametrize("kind", [kind for kind, rule in fanout.TABLE.items() if "mail" in rule.channels])
def test_whatever_is_mailed_is_in_the_inbox_too_where_the_daily_mail_takes_it_from(kind):
    assert fanout.INBOX in fanout.TABLE[kind].channels


@pytest.mark.parametrize(
    ("first", "due"),
    [
        (datetime(2026, 11, 24, 5, 59, tzinfo=UTC), datetime(2026, 11, 24, 6, 0, tzinfo=UTC)),
        (datetime(2026, 11, 24, 6, 0, tzinfo=UTC), datetime(2026, 11, 25, 6, 0, tzinfo=UTC)),
        (datetime(2026, 11, 24, 23, 30, tzinfo=UTC), datetime(2026, 11, 25, 6, 0, tzinfo=UTC)),
        # The night in which the clocks go back: seven o'clock is an hour later.
        (datetime(2026, 10, 24, 12, 0, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),
        (datetime(2026, 10, 23, 12, 0, tzinfo=UTC), datetime(2026, 10, 24, 5, 0, tzinfo=UTC)),
    ],
)
def test_the_daily_mail_is_made_at_the_next_seven_in_the_morning_of_the_reader(first, due):
    assert digest_due_at(first, BERLIN) == due


def test_no_day_has_two():
    first = datetime(2026, 3, 27, 7, 0, tzinfo=BERLIN)
    for minutes in range(0, 3 * 24 * 60, 37):
        at = first + timedelta(minutes=minutes)
        due = digest_due_at(at, BERLIN)
        assert due > at
        assert digest_due_at(due, BERLIN).astimezone(BERLIN).date() > due.astimezone(BERLIN).date()
