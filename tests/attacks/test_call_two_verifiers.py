"""Two verifiers at once, and people who are not in the call."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from portal import errors
from portal.organizations import acting
from portal.organizations.models import ApiToken
from tests.makers import calls
from trust.verifications import services
from trust.verifications.models import Verification

State = Verification.State


def outcomes(*acts):
    """Run acts at the same moment, each on its own connection; return the codes of refusals, "done" for the others."""

    def run(act):
        try:
            act()
        except errors.Refusal as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_two_starts_make_one_call(self, cast, now):
        about, contact = calls.request(cast), calls.contact_of(cast.alder.verifier)

        def start(person):
            return lambda: services.start_call(request=about, contact=contact, actor=person.actor, now=now)

        assert outcomes(start(cast.birch.verifier), start(cast.birch.officer)) == ["call_running", "done"]
        assert Verification.objects.filter(state=State.IN_PROGRESS).count() == 1

    def test_the_same_group_twice_counts_once(self, cast, now):
        call = calls.typing(cast)
        right = call.request.fingerprint[:4]

        def type_it():
            services.enter_group(verification=call, index=1, typed=right, actor=cast.birch.verifier.actor, now=now)

        assert outcomes(type_it, type_it) == ["done", "not_this_group"]
        assert call.groups.get().typed == [right]

    def test_two_wrong_tries_are_two_misses(self, cast, now):
        call = calls.typing(cast)

        def type_it():
            services.enter_group(
                verification=call, index=1, typed=calls.wrong(call, 1), actor=cast.birch.verifier.actor, now=now
            )

        assert outcomes(type_it, type_it) == ["done", "done"]
        assert call.groups.get().misses == 2

    def test_the_last_try_and_a_stop_end_the_call_once(self, cast, now):
        call = calls.typing(cast)
        wrong = calls.wrong(call, 1)
        for _ in range(2):
            services.enter_group(verification=call, index=1, typed=wrong, actor=cast.birch.verifier.actor, now=now)

        results = outcomes(
            lambda: services.enter_group(
                verification=call, index=1, typed=wrong, actor=cast.birch.verifier.actor, now=now
            ),
            lambda: services.stop(verification=call, actor=cast.alder.verifier.actor, now=now, reason="uneasy"),
        )

        assert results[-1] == "done" or "done" in results
        assert results.count("done") == 1
        assert call.records.count() == 1


@pytest.mark.django_db
class TestAnotherPerson:
    @pytest.mark.parametrize("person", ["officer", "second_officer"])
    def test_of_the_same_organization_cannot_type(self, cast, now, person):
        call = calls.typing(cast)

        with pytest.raises(errors.NotAllowed) as refusal:
            services.enter_group(
                verification=call,
                index=1,
                typed=call.request.fingerprint[:4],
                actor=getattr(cast.birch, person).actor,
                now=now,
            )

        assert refusal.value.code == "another_verifier"
        assert not call.groups.exists()

    @pytest.mark.parametrize("person", ["admin", "responder", "viewer"])
    def test_without_the_right_cannot_start(self, cast, now, person):
        about, contact = calls.request(cast), calls.contact_of(cast.alder.verifier)

        with pytest.raises(errors.NotAllowed):
            services.start_call(request=about, contact=contact, actor=getattr(cast.birch, person).actor, now=now)

        assert not Verification.objects.exists()

    def test_of_the_owner_cannot_type(self, cast, now):
        call = calls.typing(cast)

        with pytest.raises(errors.NotFound):
            services.enter_group(
                verification=call,
                index=1,
                typed=call.request.fingerprint[:4],
                actor=cast.alder.verifier.actor,
                now=now,
            )

    def test_a_stranger_cannot_do_anything(self, cast, now):
        call = calls.typing(cast)
        stranger = cast.cedar.officer.actor

        for act in (
            lambda: services.enter_group(verification=call, index=1, typed="0000", actor=stranger, now=now),
            lambda: services.join_call(verification=call, actor=stranger, now=now),
            lambda: services.pause(verification=call, actor=stranger, now=now),
            lambda: services.stop(verification=call, actor=stranger, now=now, reason="other"),
            lambda: services.start_call(request=call.request, contact=call.contact, actor=stranger, now=now),
            lambda: services.approve(request=call.request, actor=stranger, now=now, reason="let me in now"),
        ):
            with pytest.raises(errors.NotFound):
                act()
        call.refresh_from_db()
        assert call.state == State.IN_PROGRESS

    def test_the_operator_cannot_verify_or_approve(self, cast, now):
        call = calls.recorded(cast)
        operator = acting.operator(cast.olga)

        with pytest.raises(errors.NotFound):
            services.approve(request=call.request, actor=operator, now=now, reason="for them, as a favor")
        with pytest.raises(errors.NotFound):
            services.start_call(request=calls.request(cast), contact=call.contact, actor=operator, now=now)

    def test_a_token_is_told_that_a_person_must_do_it(self, cast, now):
        call = calls.typing(cast)
        token = ApiToken(
            organization=cast.birch.organization, scopes=["read", "submit", "acknowledge", "notices"], name="robot"
        )
        robot = acting.api_token(token)

        for act in (
            lambda: services.enter_group(verification=call, index=1, typed="0000", actor=robot, now=now),
            lambda: services.start_call(request=call.request, contact=call.contact, actor=robot, now=now),
            lambda: services.approve(request=call.request, actor=robot, now=now, reason="automation says yes"),
        ):
            with pytest.raises(errors.NotAllowed) as refusal:
                act()
            assert refusal.value.code == "person_required"
