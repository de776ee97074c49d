"""The picture of a notice's clock: whatever the moments are, no label lies on another, and none leaves the picture."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from portal import pictures

START = datetime(2026, 11, 24, 2, 20, tzinfo=UTC)
SPANS = [timedelta(hours=1), timedelta(hours=4), timedelta(days=7)]
# Where the levels are, in hundredths of the time.
LEVELS = {
    "none": [],
    "usual": [12, 37, 75],
    "close together": [48, 50, 52, 54],
    "at the beginning": [0, 1, 2],
    "at the end": [97, 98, 99],
    "many": list(range(5, 100, 6)),
}


def drawn(span: timedelta, levels: list[int], now: float = 0.5) -> pictures.Clock:
    marks = [
        pictures.Mark(START + span * level / 100, f"Level {number}") for number, level in enumerate(levels, start=2)
    ]
    return pictures.clock(start=START, deadline=START + span, now=START + span * now, marks=marks)


@pytest.mark.parametrize("span", SPANS, ids=str)
@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
class TestLabels:
    def test_of_one_row_do_not_touch(self, span, levels):
        labels = [each for each in drawn(span, levels).marks if each.text]

        for one, other in combinations(labels, 2):
            if one.y == other.y:
                first, second = sorted((pictures.reach(one), pictures.reach(other)))
                assert first[1] < second[0]

    def test_stay_inside_on_a_phone(self, span, levels):
        for each in drawn(span, levels).marks:
            begin, end = pictures.reach(each)
            assert begin >= 0
            assert end <= 100

    def test_fit_into_the_height(self, span, levels):
        clock = drawn(span, levels)

        assert all(each.y < clock.height for each in clock.marks)

    def test_are_left_out_rather_than_drawn_over_and_the_sentence_has_them_all(self, span, levels):
        clock = drawn(span, levels)

        assert len(clock.marks) == len(levels) + 2
        for number in range(2, len(levels) + 2):
            assert f"Level {number} " in clock.sentence


def test_now_has_a_row_of_its_own_so_it_lies_on_nothing_just_after_the_notice_came():
    clock = drawn(timedelta(hours=4), [12], now=0.004)

    assert pictures.ENDS_Y - 10 >= 14  # the baseline of "now", and the height of a line
    assert clock.now_anchor == "start"


@pytest.mark.parametrize(("now", "through"), [(0.004, False), (0.5, True), (0.99, False)])
def test_the_line_of_now_goes_through_no_label(now, through):
    clock = drawn(timedelta(hours=4), [], now=now)

    assert (clock.now_top < pictures.ENDS_Y) is through
