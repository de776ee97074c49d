"""The two state machines, the steps and the moments of a verification."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from portal import errors
from trust.verifications import rules
from trust.verifications.models import Verification, VerificationRequest
from trust.verifications.rules import CallAction, CallState, Progress, RequestAction, RequestState, Step

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


class TestTheTables:
    @pytest.mark.parametrize(("state", "action"), list(product(RequestState, RequestAction)))
    def test_of_requests_refuse_what_they_do_not_have(self, state, action):
        if (state, action) in rules.REQUEST_TRANSITIONS:
            assert rules.next_request_state(state, action) == rules.REQUEST_TRANSITIONS[state, action]
        else:
            with pytest.raises(errors.Conflict) as refusal:
                rules.next_request_state(state, action)
            assert refusal.value.code == f"request_{state.value}"

    @pytest.mark.parametrize(("state", "action"), list(product(CallState, CallAction)))
    def test_of_calls_refuse_what_they_do_not_have(self, state, action):
        if (state, action) in rules.CALL_TRANSITIONS:
            assert rules.next_call_state(state, action) == rules.CALL_TRANSITIONS[state, action]
        else:
            with pytest.raises(errors.Conflict):
                rules.next_call_state(state, action)

    def test_let_a_call_that_ended_never_go_on(self):
        ended = {CallState.RECORDED, CallState.STOPPED, CallState.MISMATCH}

        assert not [pair for pair in rules.CALL_TRANSITIONS if pair[0] in ended]

    def test_let_a_quarantine_end_by_an_unlock_only(self):
        ways_out = {action for state, action in rules.REQUEST_TRANSITIONS if state == RequestState.QUARANTINED}

        assert ways_out == {RequestAction.UNLOCK}

    def test_reach_verified_only_from_a_recorded_call(self):
        ways_in = [pair for pair, after in rules.REQUEST_TRANSITIONS.items() if after == RequestState.APPROVED]

        assert ways_in == [(RequestState.RECORDED, RequestAction.APPROVE)]

    def test_have_the_words_that_the_database_has(self):
        assert {state.value: label for state, label in rules.REQUEST_LABELS.items()} == dict(
            VerificationRequest.State.choices
        )
        assert {state.value: label for state, label in rules.CALL_LABELS.items()} == dict(Verification.State.choices)


NOTHING = Progress(False, False, 0, 16, False, False)


class TestSteps:
    @pytest.mark.parametrize(
        ("progress", "step"),
        [
            (NOTHING, Step.CODE),
            (Progress(False, True, 16, 16, True, True), Step.CODE),  # paused: the code is asked for again
            (Progress(True, False, 0, 16, False, False), Step.SOURCE),
            (Progress(True, True, 0, 16, False, False), Step.TYPE),
            (Progress(True, True, 15, 16, True, True), Step.TYPE),
            (Progress(True, True, 16, 16, False, False), Step.READ_BACK),
            (Progress(True, True, 16, 16, True, False), Step.READ_BACK),
            (Progress(True, True, 16, 16, False, True), Step.READ_BACK),
            (Progress(True, True, 16, 16, True, True), Step.DONE),
        ],
    )
    def test_come_one_after_the_other(self, progress, step):
        assert rules.step(progress) == step

    def test_cannot_be_skipped(self):
        with pytest.raises(errors.Conflict) as refusal:
            rules.require_step(NOTHING, Step.TYPE)

        assert refusal.value.code == "wrong_step"


class TestMoments:
    @pytest.mark.parametrize(
        ("after", "may"),
        [(timedelta(0), True), (timedelta(minutes=15), True), (timedelta(minutes=15) + TICK, False)],
    )
    def test_a_pause_lasts_15_minutes_and_not_longer(self, after, may):
        assert rules.may_resume(NOW, NOW + after) is may

    @pytest.mark.parametrize(("after", "idle"), [(timedelta(minutes=15), False), (timedelta(minutes=15) + TICK, True)])
    def test_a_call_left_alone_is_over_after_15_minutes(self, after, idle):
        assert rules.is_idle(NOW, NOW + after) is idle

    @pytest.mark.parametrize(
        ("max_age_days", "after", "counts"),
        [
            (None, timedelta(days=9999), True),
            (365, timedelta(days=365) - TICK, True),
            (365, timedelta(days=365), False),
        ],
    )
    def test_a_verification_counts_as_long_as_the_agreement_says(self, max_age_days, after, counts):
        assert rules.counts_at(NOW, max_age_days, NOW + after) is counts


def test_every_event_has_a_sentence_of_its_own():
    assert len(set(rules.EVENTS.values())) == len(rules.EVENTS)
