"""How two organizations become partners, and what ends it."""

import pytest
from django.test import Client

from portal import errors
from portal.audit.models import Event
from portal.partnerships import queries, services
from portal.partnerships.models import Partnership, PartnershipInvitation
from portal.partnerships.rules import Action
from tests.moments import EVERYTHING_VALID as NOW


def invite(cast, actor=None, **changes):
    fields = {"company": "Elm Works", "contact_name": "Eve", "email": "eve@elm.example"}
    return services.invite_partner(**(fields | changes), actor=actor or cast.alder.officer.actor, now=NOW)


class TestInvitePartner:
    @pytest.mark.parametrize(
        ("field", "value"), [("company", ""), ("contact_name", " "), ("email", "x"), ("company", "a\n")]
    )
    def test_names_the_field_that_cannot_be_used(self, cast, field, value):
        if value == "a\n":
            value = "a\x07b"
        with pytest.raises(errors.Invalid) as refusal:
            invite(cast, **{field: value})

        assert field in refusal.value.fields

    def test_is_not_for_verifiers(self, cast):
        with pytest.raises(errors.NotAllowed):
            invite(cast, actor=cast.alder.verifier.actor)


class TestAccept:
    def test_makes_a_partnership_of_two_existing_organizations(self, cast):
        invited = invite(cast)

        partnership = services.accept_invitation(secret=invited.secret, actor=cast.cedar.admin.actor, now=NOW)

        assert (partnership.slug, partnership.state) == ("alder-cedar", "onboarding")
        assert queries.get(cast.cedar.organization, "alder-cedar") == partnership

    def test_makes_the_organization_when_it_is_new(self, cast):
        invited = invite(cast)

        partnership, admin = services.accept_as_new_organization(
            secret=invited.secret, company="Elm Works", admin_name="Eve", now=NOW
        )

        assert partnership.slug == "alder-elm-works"
        assert admin.invitation.email == "eve@elm.example"

    def test_works_once(self, cast):
        invited = invite(cast)
        services.accept_invitation(secret=invited.secret, actor=cast.cedar.admin.actor, now=NOW)

        with pytest.raises(errors.NotFound):
            services.accept_invitation(secret=invited.secret, actor=cast.birch.admin.actor, now=NOW)

    def test_refuses_the_own_invitation_and_a_pair_that_exists(self, cast):
        invited = invite(cast)

        with pytest.raises(errors.Conflict, match="own invitation"):
            services.accept_invitation(secret=invited.secret, actor=cast.alder.admin.actor, now=NOW)
        with pytest.raises(errors.Conflict, match="partners already"):
            services.accept_invitation(secret=invited.secret, actor=cast.birch.admin.actor, now=NOW)

        assert Partnership.objects.count() == 1
        assert PartnershipInvitation.objects.get().accepted_at is None

    def test_a_scanner_that_opens_the_link_accepts_nothing(self, cast):
        invited = invite(cast)

        for client in (Client(), cast.cedar.admin.client()):
            assert client.get(f"/partner/{invited.secret}/").status_code == 200

        assert Partnership.objects.count() == 1

    def test_goes_on_to_joining_in_the_browser(self, cast):
        invited = invite(cast)

        answer = Client().post(f"/partner/{invited.secret}/", {"company": "Elm Works", "admin_name": "Eve"})

        assert answer["Location"].startswith("/join/txi_")


class TestChangeState:
    def change(self, cast, action, actor=None, reason="key ceremony failed"):
        return services.change_state(
            partnership=cast.partnership, action=action, reason=reason, actor=actor or cast.alder.officer.actor, now=NOW
        )

    def test_suspends_and_resumes_with_a_reason_that_both_read(self, cast):
        assert self.change(cast, Action.SUSPEND).state == "suspended"
        assert self.change(cast, Action.RESUME).state == "active"
        assert Event.objects.filter(audience="partnership", kind="partnership.suspended").count() == 1

    def test_cannot_leave_ended(self, cast):
        self.change(cast, Action.END)

        with pytest.raises(errors.Conflict):
            self.change(cast, Action.RESUME)

    def test_is_not_for_strangers(self, cast):
        with pytest.raises(errors.NotFound):
            self.change(cast, Action.END, actor=cast.cedar.officer.actor)

    def test_cannot_activate_past_onboarding(self, cast):
        with pytest.raises(errors.Invalid):
            self.change(cast, Action.ACTIVATE)

    def test_needs_a_reason(self, cast):
        with pytest.raises(errors.Invalid) as refusal:
            self.change(cast, Action.SUSPEND, reason=" ")

        assert "reason" in refusal.value.fields
