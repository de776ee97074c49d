"""What may become the next version of a store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import errors
from tests.moments import EVERYTHING_VALID
from trust.stores import rules
from trust.stores.rules import ANCHOR, INTERMEDIATE, Entry

DIGESTS = [f"{number:02x}" * 32 for number in range(8)]


def anchor(number: int = 0, **deviation) -> Entry:
    fields = {"role": ANCHOR, "submission_id": "s", "signer_fingerprint": "f", "verification_id": "v"}
    return Entry(DIGESTS[number], **(fields | deviation))


def below(number: int, *issuers: int, **deviation) -> Entry:
    fields = {"role": INTERMEDIATE, "submission_id": "s", "signer_fingerprint": "f"}
    return Entry(DIGESTS[number], issued_by=frozenset(DIGESTS[each] for each in issuers), **(fields | deviation))


# 0 and 1 are anchors; 2 and 3 hang below 0, 4 below 1, 5 below 3.
ANY = st.lists(
    st.sampled_from([anchor(0), anchor(1), below(2, 0), below(3, 0, 1), below(4, 1), below(5, 3)]), max_size=12
)


class TestCompose:
    @given(ANY.flatmap(lambda entries: st.tuples(st.just(entries), st.permutations(entries))))
    def test_ignores_order_and_repeats(self, both):
        entries, shuffled = ([anchor(0), anchor(1), below(3, 0, 1), *each] for each in both)

        assert rules.compose([], entries).entries == rules.compose([], [*shuffled, *entries]).entries

    @given(ANY)
    def test_of_what_is_there_already_changes_nothing(self, entries):
        held = rules.compose([], [anchor(0), anchor(1), below(3, 0), *entries]).entries

        assert not rules.compose(held, held).changes

    @given(ANY, ANY)
    def test_never_removes(self, first, second):
        ground = [anchor(0), anchor(1), below(3, 0)]
        held = rules.compose([], [*ground, *first])
        more = rules.compose(held.entries, [*ground, *second])

        assert not more.removed
        assert {entry.sha256 for entry in held.entries} <= {entry.sha256 for entry in more.entries}

    @given(ANY, st.sets(st.sampled_from(DIGESTS[:6]), min_size=1))
    def test_does_not_bring_back_what_was_withdrawn(self, entries, gone):
        held = rules.compose([], [anchor(0), anchor(1), below(3, 0), *entries])
        there = {entry.sha256 for entry in held.entries} & gone
        if not there:
            return
        left = rules.withdraw(held.entries, there)
        withdrawn = frozenset(entry.sha256 for entry in left.removed)

        again = rules.compose(left.entries, held.entries, withdrawn=withdrawn)

        assert not again.changes
        assert withdrawn == {entry.sha256 for entry in again.left_out}

    @pytest.mark.parametrize(
        ("entry", "code"),
        [
            (anchor(verification_id=None), "anchor_not_verified"),
            (anchor(submission_id=""), "no_provenance"),
            (anchor(signer_fingerprint=""), "no_provenance"),
            (anchor(role="leaf"), "unknown_role"),
            (below(2), "not_anchored"),
            (below(2, 7), "not_anchored"),
        ],
    )
    def test_refuses_what_has_no_grounds(self, entry, code):
        with pytest.raises(errors.Invalid) as refused:
            rules.compose([anchor(1)], [entry])

        assert refused.value.code == code

    def test_counts_an_intermediate_that_becomes_an_anchor_as_added(self):
        held = rules.compose([], [anchor(0), below(2, 0)]).entries

        assert [entry.sha256 for entry in rules.compose(held, [anchor(2)]).added] == [DIGESTS[2]]


class TestWithdraw:
    @given(ANY, st.sets(st.sampled_from(DIGESTS[:6]), min_size=1))
    def test_leaves_nothing_hanging(self, entries, gone):
        held = rules.compose([], [anchor(0), anchor(1), below(3, 0), *entries]).entries
        there = {entry.sha256 for entry in held} & gone
        if not there:
            return

        left = rules.withdraw(held, there).entries

        kept = {entry.sha256 for entry in left}
        assert not kept & gone
        assert all(entry.role == ANCHOR or entry.issued_by & kept for entry in left)

    def test_keeps_what_another_anchor_also_signed(self):
        held = rules.compose([], [anchor(0), anchor(1), below(3, 0, 1)]).entries

        assert [entry.sha256 for entry in rules.withdraw(held, [DIGESTS[0]]).removed] == [DIGESTS[0]]

    @pytest.mark.parametrize("digests", [[], [DIGESTS[7]], [DIGESTS[0], DIGESTS[7]]])
    def test_refuses_what_is_not_there(self, digests):
        with pytest.raises(errors.Invalid):
            rules.withdraw([anchor(0)], digests)


class TestNumbers:
    @given(st.integers(min_value=0, max_value=10**6))
    def test_only_grow(self, current):
        assert rules.next_number(current) == current + 1


class TestPublishable:
    def refused(self, composition, **more):
        with pytest.raises(errors.Refusal) as refused:
            rules.require_publishable(composition, **({"withdrawal": False} | more))
        return refused.value.code

    def test_refuses_to_empty_a_store_by_accident(self):
        emptied = rules.withdraw([anchor(0)], [DIGESTS[0]])

        assert self.refused(emptied) == "store_would_be_empty"
        rules.require_publishable(emptied, withdrawal=True)

    def test_refuses_a_version_without_a_difference(self):
        assert self.refused(rules.compose([anchor(0)], [anchor(0)])) == "no_difference"

    def test_refuses_a_withdrawal_that_leaves_something(self):
        left = rules.withdraw([anchor(0), anchor(1)], [DIGESTS[0]])

        assert self.refused(left, withdrawal=True) == "withdrawal_not_empty"


class TestTwoPeople:
    adds = rules.compose([], [anchor(0)])
    removes = rules.withdraw([anchor(0), anchor(1)], [DIGESTS[0]])

    @pytest.mark.parametrize("first", [[], ["me"], ["", "me"]])
    def test_are_needed_to_add(self, first):
        with pytest.raises(errors.NotAllowed):
            rules.require_two_people(self.adds, first=first, approver="me")

    def test_are_enough_to_add(self):
        rules.require_two_people(self.adds, first=["me", "other"], approver="me")

    def test_are_not_needed_to_remove(self):
        rules.require_two_people(self.removes, first=[], approver="me")

    def test_is_asked_for_afterwards_when_one_removed(self):
        now = EVERYTHING_VALID

        assert rules.review_due_at(self.removes, now, people=1) == now + rules.REVIEW_WITHIN
        assert rules.review_due_at(self.removes, now, people=2) is None
        assert rules.review_due_at(self.adds, now, people=2) is None


class TestProposals:
    @pytest.mark.parametrize("state", rules.DraftState)
    @pytest.mark.parametrize("action", rules.DraftAction)
    def test_are_closed_once_and_only_from_waiting(self, state, action):
        if state is rules.DraftState.WAITING:
            assert rules.draft_after(state, action) is not rules.DraftState.WAITING
            return
        with pytest.raises(errors.Conflict) as refused:
            rules.draft_after(state, action)
        assert refused.value.code == "draft_closed"
