"""The gate: a partnership goes live when everything needed is done and both sides say so."""

import pytest

from portal import errors
from portal.audit.models import Event
from portal.partnerships.models import Contact, Partnership
from tests.makers.onboarding import STEPS, onboarding, ready
from trust.keys.models import OpenPgpKey
from trust.onboarding import queries, services
from trust.onboarding.board_rules import Status
from trust.onboarding.models import GoLive
from trust.onboarding.rules import Template

pytestmark = pytest.mark.django_db


def activate(cast, now, company="alder"):
    return services.activate(actor=getattr(cast, company).officer.actor, partnership=cast.partnership, now=now)


def state(cast):
    return Partnership.objects.get(pk=cast.partnership.pk).state


class TestActivation:
    def test_takes_the_word_of_both_sides(self, cast, now):
        ready(cast)

        assert activate(cast, now).state == Partnership.State.ONBOARDING
        live = activate(cast, now, "birch")

        assert live.state == Partnership.State.ACTIVE
        assert live.activated_at == now
        assert Event.objects.filter(kind="onboarding.live").count() == 1

    @pytest.mark.parametrize("step", STEPS)
    def test_is_refused_while_something_needed_is_missing(self, cast, now, step):
        ready(cast, without=[step])

        with pytest.raises(errors.Conflict) as refused:
            activate(cast, now)

        assert refused.value.code == "onboarding_incomplete"
        assert {each["side"] for each in refused.value.extra["missing"]} == {"alder", "birch"}
        assert state(cast) == Partnership.State.ONBOARDING
        assert not GoLive.objects.exists()

    def test_is_refused_when_a_key_was_revoked_since(self, cast, now):
        ready(cast)
        OpenPgpKey.objects.filter(organization=cast.birch.organization).update(state="revoked")

        with pytest.raises(errors.Conflict) as refused:
            activate(cast, now)

        missing = {(each["item"], each["side"]) for each in refused.value.extra["missing"]}
        assert missing == {("key", "birch"), ("key_verified", "alder")}

    def test_names_who_has_what_is_missing(self, cast, now):
        ready(cast)
        Contact.objects.filter(organization=cast.birch.organization, is_backup=True).update(is_backup=False)

        with pytest.raises(errors.Conflict) as refused:
            activate(cast, now)

        missing = refused.value.extra["missing"]
        assert [(each["item"], each["side"]) for each in missing] == [("contacts", "birch"), ("numbers", "birch")]
        assert "Birch" in refused.value.sentence

    def test_is_checked_again_when_the_second_side_says_so(self, cast, now):
        ready(cast)
        activate(cast, now)
        Contact.objects.filter(organization=cast.alder.organization, is_backup=True).update(is_backup=False)

        with pytest.raises(errors.Conflict):
            activate(cast, now, "birch")

        assert state(cast) == Partnership.State.ONBOARDING

    def test_is_not_done_by_one_side_twice(self, cast, now):
        ready(cast)
        activate(cast, now)

        with pytest.raises(errors.Conflict) as refused:
            services.activate(actor=cast.alder.second_officer.actor, partnership=cast.partnership, now=now)

        assert refused.value.code == "already_ready"
        assert state(cast) == Partnership.State.ONBOARDING

    def test_needs_the_right_and_a_fresh_second_factor(self, cast, now):
        ready(cast)

        with pytest.raises(errors.NotAllowed):
            services.activate(actor=cast.alder.verifier.actor, partnership=cast.partnership, now=now)
        with pytest.raises(errors.StepUpRequired):
            services.activate(actor=cast.alder.officer.actor_without_step_up, partnership=cast.partnership, now=now)

        assert not GoLive.objects.exists()

    def test_does_not_exist_for_strangers(self, cast, now):
        ready(cast)

        with pytest.raises(errors.NotFound):
            services.activate(actor=cast.cedar.officer.actor, partnership=cast.partnership, now=now)

    @pytest.mark.parametrize("other", ["active", "suspended", "ended"])
    def test_is_for_partnerships_that_are_onboarding(self, cast, now, other):
        ready(cast)
        Partnership.objects.update(state=other)

        with pytest.raises(errors.Conflict):
            activate(cast, now)


class TestTheBoard:
    def test_shows_everything_needed_as_completed(self, cast, now):
        ready(cast)
        board = queries.board(cast.partnership, now)

        assert board.missing == ()
        assert all(line.completed for line in board.lines if line.required)

    def test_shows_nothing_as_completed_at_the_start(self, cast, now):
        onboarding(cast)
        board = queries.board(cast.partnership, now)

        completed = {line.item.key for line in board.lines if line.completed}
        assert completed == {"officers"}

    def test_asks_a_bounded_number_of_queries(self, cast, now, django_assert_max_num_queries):
        ready(cast)

        with django_assert_max_num_queries(25):
            queries.board(cast.partnership, now)

    @pytest.mark.parametrize(
        ("key", "without", "expected"),
        [
            ("agreement", "agreement", Status.NOT_STARTED),
            ("key_verified", "key_verified", Status.NOT_STARTED),
            ("roots", "store", Status.NOT_STARTED),
            ("store", "store", Status.CANNOT_START_YET),
        ],
    )
    def test_says_where_a_side_is(self, cast, now, key, without, expected):
        ready(cast, without=[without])

        assert queries.board(cast.partnership, now).line(key).cell("alder").status is expected

    def test_waits_for_the_side_that_has_to_act(self, cast, now):
        from tests.makers.agreements import proposed

        onboarding(cast)
        proposed(cast)
        line = queries.board(cast.partnership, now).line("agreement")

        assert line.cell("alder").status is Status.WAITING_FOR_PARTNER
        assert line.cell("birch").status is Status.NOT_STARTED


class TestTemplates:
    def test_change_what_is_needed(self, cast, now):
        ready(cast)
        services.choose_template(
            actor=cast.alder.officer.actor, partnership=cast.partnership, template="payments", now=now
        )

        missing = {each.key for each in queries.board(cast.partnership, now).missing}
        assert missing == {"webhook", "mailbox", "negative_tests", "rehearsal", "revocation"}

    def test_take_back_that_a_side_was_ready(self, cast, now):
        ready(cast)
        activate(cast, now)
        services.choose_template(actor=cast.birch.officer.actor, partnership=cast.partnership, template="test", now=now)

        assert not GoLive.objects.exists()

    def test_are_known_ones(self, cast, now):
        with pytest.raises(errors.Invalid):
            services.choose_template(
                actor=cast.alder.officer.actor, partnership=cast.partnership, template="easy", now=now
            )

        assert queries.template(cast.partnership) is Template.STANDARD

    def test_stay_once_the_partnership_was_live(self, cast, now):
        with pytest.raises(errors.Conflict):
            services.choose_template(
                actor=cast.alder.officer.actor, partnership=cast.partnership, template="test", now=now
            )
