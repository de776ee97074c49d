"""Somebody guesses (case 45): groups, call codes, and what is next."""

import pytest
from django.urls import reverse

from portal import errors
from tests.makers import calls
from trust.verifications import queries, services
from trust.verifications.models import Verification, VerificationRequest

pytestmark = pytest.mark.django_db
State = Verification.State


def typed(cast, call, index, text, now):
    return services.enter_group(verification=call, index=index, typed=text, actor=cast.birch.verifier.actor, now=now)


class TestGuessingGroups:
    def test_case_45_ends_with_a_quarantine_after_three_guesses(self, cast, now):
        call = calls.typing(cast)

        for guess in ("0000", "1111", "2222"):
            guess = guess if guess != call.request.fingerprint[:4] else "3333"
            result = typed(cast, call, 1, guess, now)

        assert result.ended
        assert result.next_index is None
        call.refresh_from_db()
        call.request.refresh_from_db()
        assert call.state == State.MISMATCH
        assert call.request.state == VerificationRequest.State.QUARANTINED
        with pytest.raises(errors.Conflict):
            typed(cast, call, 1, call.request.fingerprint[:4], now)
        assert not queries.is_verified(cast.birch.organization, "certificate", call.request.fingerprint, now)

    def test_cannot_start_over_with_another_call(self, cast, now):
        call = calls.mismatched(cast)

        with pytest.raises(errors.Conflict) as refusal:
            calls.started(cast, call.request)

        assert refusal.value.code == "request_quarantined"
        assert Verification.objects.count() == 1

    def test_cannot_begin_anywhere_else(self, cast, now):
        call = calls.typing(cast)

        for index in (5, 9, 16):
            with pytest.raises(errors.Conflict):
                typed(cast, call, index, call.request.fingerprint[(index - 1) * 4 : index * 4], now)

        assert not call.groups.exists()

    def test_learns_nothing_from_what_is_no_group(self, cast, now):
        call = calls.typing(cast)
        right = call.request.fingerprint[:4]

        for text in (right[:3], right + "0", f"{right[:3]}G", "", "' OR 1=1"):
            with pytest.raises(errors.Invalid) as refusal:
                typed(cast, call, 1, text, now)
            assert right not in str(refusal.value.__dict__).lower()

        assert not call.groups.exists()

    def test_a_whole_row_of_guesses_counts_each(self, cast, now):
        call = calls.typing(cast)

        results = services.enter_row(
            verification=call,
            typed={index: calls.wrong(call, index) for index in (1, 2, 3, 4)},
            actor=cast.birch.verifier.actor,
            now=now,
        )

        assert [result.index for result in results] == [1, 2, 3]
        assert results[-1].ended

    def test_an_abandoned_call_gives_no_fresh_tries_to_the_quarantined(self, cast, now):
        call = calls.typing(cast)
        for _ in range(2):
            typed(cast, call, 1, calls.wrong(call, 1), now)
        services.stop(verification=call, actor=cast.birch.verifier.actor, now=now, reason="other")

        again = calls.typing(cast, call.request)
        result = typed(cast, again, 1, calls.wrong(again, 1), now)

        # A new call begins anew, and the earlier misses stay on record for the officer.
        assert result.tries_left == 2
        assert call.records.get(part="call").document["totals"]["mismatches"] == 2


class TestGuessingTheCode:
    def test_ends_the_call_after_three(self, cast, now):
        call, code = calls.joined(cast)
        wrong = f"{(int(code) + 1) % 10000:04d}"

        for left in (2, 1, 0):
            result = services.enter_call_code(verification=call, code=wrong, actor=cast.birch.verifier.actor, now=now)
            assert (result.matched, result.tries_left) == (False, left)

        call.refresh_from_db()
        assert (call.state, call.ended_because) == (State.STOPPED, "code_wrong")
        with pytest.raises(errors.Conflict):
            services.enter_call_code(verification=call, code=code, actor=cast.birch.verifier.actor, now=now)
        assert call.request.state == VerificationRequest.State.WAITING

    def test_gets_no_new_tries_by_joining_or_pausing_again(self, cast, now):
        call, code = calls.joined(cast)
        for _ in range(2):
            wrong = f"{(int(code) + 1) % 10000:04d}"
            result = services.enter_call_code(verification=call, code=wrong, actor=cast.birch.verifier.actor, now=now)
            services.pause(verification=call, actor=cast.birch.verifier.actor, now=now)
            services.resume(verification=call, actor=cast.birch.verifier.actor, now=now)
            _, code = calls.joined(cast, call)

        assert result.tries_left == 1

    @pytest.mark.parametrize("code", ["", "12", "12345", "abcd", "١٢٣٤", "-123"])
    def test_what_is_no_code_is_no_try(self, cast, now, code):
        call, _ = calls.joined(cast)

        with pytest.raises(errors.Invalid):
            services.enter_call_code(verification=call, code=code, actor=cast.birch.verifier.actor, now=now)

        call.refresh_from_db()
        assert call.code_misses == 0

    def test_before_anybody_joined_is_no_try(self, cast, now):
        call = calls.started(cast)

        with pytest.raises(errors.Conflict) as refusal:
            services.enter_call_code(verification=call, code="0000", actor=cast.birch.verifier.actor, now=now)

        assert refusal.value.code == "not_joined"


def test_steps_cannot_be_skipped_over_http(cast):
    call = calls.started(cast)
    client = cast.birch.verifier.client()
    address = [cast.partnership.slug, call.number]

    client.post(reverse("verification_act", args=[*address, "source"]), {"source": "ceremony"})
    client.post(reverse("verification_act", args=[*address, "row"]), {"g1": call.request.fingerprint[:4]})
    client.post(reverse("verification_act", args=[*address, "read-back"]))
    answer = client.post(
        reverse("verification_group", args=address), {"index": "1", "typed": call.request.fingerprint[:4]}
    )

    assert answer.status_code == 409
    call.refresh_from_db()
    assert (call.state, call.reads_from, call.groups.count()) == (State.IN_PROGRESS, "", 0)
