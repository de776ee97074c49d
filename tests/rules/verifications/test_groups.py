"""Typing: what a group is, which one is open, and what each try leads to."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import errors
from trust.verifications import groups
from trust.verifications.groups import Group, Verdict

SHA256 = "1640f54b141d6e618bd022173857c0dedeadbeef00112233445566778899aabb"


class TestAFingerprint:
    @pytest.mark.parametrize(("length", "count"), [(40, 10), (64, 16)])
    def test_has_groups_of_four(self, length, count):
        assert groups.group_count("a" * length) == count

    @pytest.mark.parametrize("text", ["", "a" * 8, "a" * 16, "a" * 41, "A" * 40, "g" * 64, " " * 40])
    def test_is_full_length_lower_case_hex_and_nothing_else(self, text):
        with pytest.raises(ValueError, match="40 or 64"):
            groups.group_count(text)

    def test_is_its_groups_in_order(self):
        assert "".join(groups.group_of(SHA256, index) for index in range(1, 17)) == SHA256

    def test_matches_only_its_own_group(self):
        assert groups.matches("1640", SHA256, 1)
        assert not groups.matches("1640", SHA256, 2)


class TestClean:
    @pytest.mark.parametrize("typed", ["F54B", "f54b", " f5 4b ", "F5:4B", "f5-4b"])
    def test_takes_a_group_however_it_is_written(self, typed):
        assert groups.clean(typed) == "f54b"

    @pytest.mark.parametrize(
        "typed", ["", "F54", "F54BB", "O123", "12 3", "f54b141d", "１２３４", "1e+1", "0x12", "12\n"]
    )
    def test_refuses_what_is_no_group(self, typed):
        with pytest.raises(errors.Invalid) as refusal:
            groups.clean(typed)

        assert refusal.value.code == "not_a_group"


def fresh(count: int = 16) -> tuple[Group, ...]:
    return tuple(Group(index) for index in range(1, count + 1))


def played(tries: str, count: int = 16) -> tuple[tuple[Group, ...], list[Verdict]]:
    """Play a call: each sign is a try at the first open group, "+" matches and "-" does not."""
    story, verdicts = fresh(count), []
    for sign in tries:
        index = next(group.index for group in story if not group.matched)
        story = groups.after_try(story, index, matched=sign == "+")
        verdicts.append(groups.verdict(story, index))
    return story, verdicts


class TestVerdict:
    @pytest.mark.parametrize(
        ("tries", "last"),
        [
            ("+", Verdict.MATCH),
            ("-", Verdict.AGAIN),
            ("--", Verdict.AGAIN),
            ("---", Verdict.GROUP_LIMIT),
            ("--+", Verdict.MATCH),
            ("-+-+", Verdict.MATCH),
            ("-+-+-", Verdict.NEIGHBORS_LIMIT),  # the third neighbor in a row, at its first try
            ("-+-++-", Verdict.AGAIN),  # one clean group between them
            ("-+-++-+-+", Verdict.MATCH),
            ("--+--++--+--", Verdict.CALL_LIMIT),  # the eighth mismatch
            ("--+--++--+-", Verdict.AGAIN),  # the seventh
        ],
    )
    def test_follows_from_the_story(self, tries, last):
        _, verdicts = played(tries)

        assert verdicts[-1] == last
        assert not any(verdict.ends_the_call for verdict in verdicts[:-1])

    def test_counts_neighbors_that_were_missed_within_one_row_form(self):
        story = fresh()
        for index in (2, 3, 4):
            story = groups.after_try(story, index, matched=False)

        assert groups.verdict(story, 4) == Verdict.NEIGHBORS_LIMIT

    def test_does_not_count_a_later_slip_as_a_first_try(self):
        _, verdicts = played("+" * 5 + "-+" * 2 + "+-+")

        assert Verdict.NEIGHBORS_LIMIT not in verdicts

    @given(st.lists(st.booleans(), max_size=60))
    def test_never_lets_a_call_pass_its_limits(self, tries):
        story = fresh()
        for matched in tries:
            open_groups = [group.index for group in story if not group.matched]
            if not open_groups:
                break
            story = groups.after_try(story, open_groups[0], matched=matched)
            verdict = groups.verdict(story, open_groups[0])
            if verdict.ends_the_call:
                break
            assert groups.mismatches(story) < groups.MISMATCHES_PER_CALL
            assert all(group.misses < groups.TRIES_PER_GROUP for group in story if not group.matched)
        assert groups.mismatches(story) <= groups.MISMATCHES_PER_CALL


class TestTheOpenGroup:
    def test_is_in_the_row_of_the_first_that_does_not_match(self):
        story = fresh()
        story = groups.after_try(story, 1, matched=True)

        for index in (2, 3, 4):
            groups.may_be_typed(story, index)
        for index in (1, 5, 16):
            with pytest.raises(errors.Conflict) as refusal:
                groups.may_be_typed(story, index)
            assert refusal.value.sentence == "Group 2 is next."

    @pytest.mark.parametrize("index", [0, -1, 17])
    def test_is_one_that_exists(self, index):
        with pytest.raises(errors.NotFound):
            groups.may_be_typed(fresh(), index)

    def test_is_none_when_all_match(self):
        story = tuple(Group(index, matched=True) for index in range(1, 11))

        for index in itertools.chain(range(1, 11)):
            with pytest.raises(errors.Conflict):
                groups.may_be_typed(story, index)
