"""Waivers: asked by one side, agreed by the other, over by themselves."""

from datetime import timedelta

import pytest

from portal import errors
from portal.audit.models import Event
from trust.agreements import queries, waivers
from trust.agreements.models import Waiver
from trust.agreements.rules import WaiverState

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


@pytest.fixture
def asked(cast, now):
    return waivers.propose(
        actor=cast.alder.officer.actor,
        partnership=cast.partnership,
        clause="4.2",
        concerns=cast.alder.organization,
        reason="The HSM is replaced in March",
        owner="Mei Tanaka",
        expires_at=now + MONTH,
        now=now,
    )


def state_of(waiver):
    return Waiver.objects.get(pk=waiver.pk).state


class TestAWaiver:
    def test_counts_for_nothing_until_the_other_side_agrees(self, cast, asked, now):
        assert queries.waiving(cast.partnership, now) == ()

    def test_counts_once_both_agreed(self, cast, asked, now):
        waivers.decide(actor=cast.birch.officer.actor, waiver=asked, agree=True, now=now)

        (counting,) = queries.waiving(cast.partnership, now)
        assert (counting.clause, counting.owner) == ("4.2", "alder")
        assert Event.objects.filter(kind="agreement.waiver_agreed").exists()

    def test_is_over_by_itself(self, cast, asked, now):
        waivers.decide(actor=cast.birch.officer.actor, waiver=asked, agree=True, now=now)

        assert queries.waiving(cast.partnership, now + MONTH) == ()

    def test_is_ended_by_either_side_alone(self, cast, asked, now):
        waivers.decide(actor=cast.birch.officer.actor, waiver=asked, agree=True, now=now)
        waivers.end(actor=cast.birch.officer.actor_without_step_up, waiver=asked, now=now)

        assert queries.waiving(cast.partnership, now) == ()

    def test_can_be_declined(self, cast, asked, now):
        waivers.decide(actor=cast.birch.officer.actor, waiver=asked, agree=False, now=now)

        assert state_of(asked) == WaiverState.DECLINED

    def test_is_not_agreed_by_the_side_that_asks(self, cast, asked, now):
        with pytest.raises(errors.Conflict):
            waivers.decide(actor=cast.alder.second_officer.actor, waiver=asked, agree=True, now=now)

        assert state_of(asked) == WaiverState.PROPOSED

    def test_is_decided_once(self, cast, asked, now):
        waivers.decide(actor=cast.birch.officer.actor, waiver=asked, agree=False, now=now)

        with pytest.raises(errors.Conflict):
            waivers.decide(actor=cast.birch.officer.actor, waiver=asked, agree=True, now=now)

        assert state_of(asked) == WaiverState.DECLINED

    def test_is_not_agreed_after_its_day(self, cast, asked, now):
        with pytest.raises(errors.Conflict):
            waivers.decide(actor=cast.birch.officer.actor, waiver=asked, agree=True, now=now + MONTH)

    def test_is_an_officers_with_a_fresh_second_factor(self, cast, asked, now):
        with pytest.raises(errors.NotAllowed):
            waivers.decide(actor=cast.birch.verifier.actor, waiver=asked, agree=True, now=now)
        with pytest.raises(errors.StepUpRequired):
            waivers.decide(actor=cast.birch.officer.actor_without_step_up, waiver=asked, agree=True, now=now)

        assert state_of(asked) == WaiverState.PROPOSED

    def test_does_not_exist_for_a_stranger(self, cast, asked, now):
        with pytest.raises(errors.NotFound):
            waivers.decide(actor=cast.cedar.officer.actor, waiver=asked, agree=True, now=now)

    def test_names_the_field_that_is_wrong(self, cast, now):
        with pytest.raises(errors.Invalid) as refused:
            waivers.propose(
                actor=cast.alder.officer.actor,
                partnership=cast.partnership,
                clause="4.2",
                concerns=cast.alder.organization,
                certificate_sha256="abc",
                reason="x",
                owner="y",
                expires_at=now + MONTH,
                now=now,
            )

        assert list(refused.value.fields) == ["certificate_sha256"]
