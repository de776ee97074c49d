"""The checklist as data: what each cell says, and what stands in the way of going live."""

from datetime import timedelta

import pytest

from portal import states
from tests.moments import EVERYTHING_VALID
from trust.onboarding import board_rules
from trust.onboarding.board_rules import Said, Seen, Status
from trust.onboarding.rules import BY_KEY, ITEMS, REQUIRED, Group, Item, Template

SIDES = ("alder", "birch")
FIRST = Item("first", Group.AGREE, "Do the first")
SECOND = Item("second", Group.MEET, "Do the second", after=("first",))


def board(*items, required=(), seen=None, said=None):
    return board_rules.board(
        items=items or (FIRST, SECOND), required=frozenset(required), sides=SIDES, seen=seen or {}, said=said or {}
    )


def status(lines, key, side="alder"):
    return next(line for line in lines if line.item.key == key).cell(side).status


DONE = Said(done_at=EVERYTHING_VALID, done_by="Ana")


class TestTheTable:
    def test_has_every_item_once(self):
        assert len(BY_KEY) == len(ITEMS)

    def test_has_the_eleven_items_of_the_guide(self):
        guide = [item.guide for item in ITEMS if item.guide]

        assert len(guide) == 11
        assert len(set(guide)) == 11

    def test_builds_only_on_items_that_come_before(self):
        known = set()
        for item in ITEMS:
            assert set(item.after) <= known, item.key
            known.add(item.key)

    def test_goes_through_the_groups_in_order(self):
        groups = [list(Group).index(item.group) for item in ITEMS]

        assert groups == sorted(groups)

    @pytest.mark.parametrize("template", Template)
    def test_needs_only_items_that_exist(self, template):
        assert REQUIRED[template] <= set(BY_KEY)

    def test_needs_all_of_agree_meet_and_exchange_for_production(self):
        needed = {item.key for item in ITEMS if item.group is not Group.OPERATE}

        assert REQUIRED[Template.STANDARD] == needed

    @pytest.mark.parametrize("each", Status)
    def test_uses_states_that_people_know(self, each):
        assert each.value in states.LABELS["task"]


class TestACell:
    def test_has_not_started(self):
        assert status(board(), "first") is Status.NOT_STARTED

    def test_is_in_progress_once_somebody_owns_it(self):
        assert status(board(said={("first", "alder"): Said(owner="Ana")}), "first") is Status.IN_PROGRESS

    def test_is_completed_by_what_people_say(self):
        assert status(board(said={("first", "alder"): DONE}), "first") is Status.COMPLETED

    def test_is_of_one_side_only(self):
        assert status(board(said={("first", "alder"): DONE}), "first", "birch") is Status.NOT_STARTED

    def test_cannot_start_before_what_comes_first(self):
        cell = board()[1].cell("alder")

        assert cell.status is Status.CANNOT_START_YET
        assert "Do the first" in cell.sentence

    def test_can_start_once_the_same_side_did_what_comes_first(self):
        lines = board(said={("first", "alder"): DONE})

        assert status(lines, "second") is Status.NOT_STARTED
        assert status(lines, "second", "birch") is Status.CANNOT_START_YET

    @pytest.mark.parametrize(
        ("seen", "expected"),
        [
            (Seen(True, "Done."), Status.COMPLETED),
            (Seen(False, "Not yet."), Status.NOT_STARTED),
            (Seen(False, "Broken.", problem=True), Status.PROBLEM),
            (Seen(False, "Theirs.", theirs=True), Status.WAITING_FOR_PARTNER),
        ],
    )
    def test_follows_what_the_portal_sees(self, seen, expected):
        assert status(board(seen={("first", "alder"): seen}), "first") is expected

    def test_believes_its_eyes_more_than_what_people_say(self):
        lines = board(seen={("first", "alder"): Seen(False, "Not yet.")}, said={("first", "alder"): DONE})

        assert status(lines, "first") is not Status.COMPLETED

    def test_says_since_when(self):
        lines = board(seen={("first", "alder"): Seen(True, "Done.", EVERYTHING_VALID)})

        assert lines[0].cell("alder").since == EVERYTHING_VALID


class TestTheGate:
    def test_names_each_side_of_each_needed_item(self):
        missing = board_rules.missing(board(required=["first"], said={("first", "alder"): DONE}))

        assert [(each.key, each.side) for each in missing] == [("first", "birch")]

    def test_is_open_when_both_sides_did_what_is_needed(self):
        said = {("first", side): DONE for side in SIDES}

        assert board_rules.missing(board(required=["first"], said=said)) == ()

    def test_takes_no_problem_for_an_answer(self):
        seen = {("first", side): Seen(False, "Broken.", problem=True) for side in SIDES}

        assert len(board_rules.missing(board(required=["first"], seen=seen))) == 2

    def test_says_in_words_how_far_both_are(self):
        lines = board(required=["first", "second"], said={("first", "alder"): DONE})

        assert (
            board_rules.progress_sentence(lines, {"alder": "Alder", "birch": "Birch"})
            == "Alder 1 of 2, Birch 0 of 2 of what is needed to go live."
        )


class TestNudging:
    @pytest.mark.parametrize(
        ("ago", "may"), [(None, True), (timedelta(hours=23, minutes=59), False), (timedelta(days=1), True)]
    )
    def test_is_possible_once_a_day(self, ago, may):
        said = Said(nudged_at=EVERYTHING_VALID - ago if ago else None)

        assert board_rules.may_nudge(said, EVERYTHING_VALID) is may
