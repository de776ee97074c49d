"""Inviting, joining, roles and locks: what the services and pages promise."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from portal import errors
from portal.audit.models import Event
from portal.organizations import acting, invitations, services
from portal.organizations.models import ApiToken, Membership, Organization, User
from portal.organizations.rules import Right, Role, may
from tests.moments import EVERYTHING_VALID as NOW

PASSWORD = "a sentence of my own"


def invite(cast, **changes):
    fields = {"email": "new@alder.example", "name": "New Person", "role": "verifier", "responder": False}
    return invitations.invite_member(**(fields | changes), actor=cast.alder.admin.actor, now=NOW)


class TestInvite:
    def test_records_the_invitation_without_its_secret(self, cast):
        invited = invite(cast)

        event = Event.objects.get(kind="member.invited")
        assert event.data["email"] == "new@alder.example"
        assert invited.secret not in str(event.facts())

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "not an address"),
            ("email", ""),
            ("name", ""),
            ("name", "x" * 121),
            ("name", "a\x00b"),
            ("role", "emperor"),
        ],
    )
    def test_names_the_field_that_cannot_be_used(self, cast, field, value):
        with pytest.raises(errors.Invalid) as refusal:
            invite(cast, **{field: value})

        assert field in refusal.value.fields
        assert not Event.objects.exists()

    def test_refuses_a_viewer_who_responds(self, cast):
        with pytest.raises(errors.Invalid) as refusal:
            invite(cast, role="viewer", responder=True)

        assert "responder" in refusal.value.fields

    @pytest.mark.parametrize("who", ["officer", "verifier", "responder", "viewer"])
    def test_is_for_admins_only_and_says_so(self, cast, who):
        with pytest.raises(errors.NotAllowed) as refusal:
            invitations.invite_member(
                email="a@b.example", name="A", role="viewer", actor=getattr(cast.alder, who).actor, now=NOW
            )

        assert refusal.value.fix == "An organization admin can."


class TestJoin:
    def test_makes_a_member_and_uses_the_invitation_up(self, cast):
        invited = invite(cast)

        membership = invitations.join(
            secret=invited.secret, name="New Person", password=PASSWORD, signed_in=None, now=NOW
        )

        assert (membership.role, membership.organization) == ("verifier", cast.alder.organization)
        with pytest.raises(errors.NotFound):
            invitations.join(secret=invited.secret, name="Again", password=PASSWORD, signed_in=None, now=NOW)

    def test_does_not_open_an_existing_login_to_whoever_has_the_link(self, cast):
        invited = invite(cast, email=cast.birch.officer.user.email)

        with pytest.raises(errors.NotAllowed, match="login"):
            invitations.join(secret=invited.secret, name="Thief", password=PASSWORD, signed_in=None, now=NOW)

        assert not Membership.objects.filter(
            user=cast.birch.officer.user, organization=cast.alder.organization
        ).exists()

    def test_ends_with_the_invitation(self, cast):
        invited = invite(cast)

        with pytest.raises(errors.NotFound):
            invitations.join(
                secret=invited.secret, name="Late", password=PASSWORD, signed_in=None, now=NOW + timedelta(days=8)
            )

    def test_refuses_a_weak_password_and_keeps_the_invitation(self, cast):
        invited = invite(cast)

        with pytest.raises(errors.Invalid) as refusal:
            invitations.join(secret=invited.secret, name="New", password="short", signed_in=None, now=NOW)

        assert "password" in refusal.value.fields
        assert not User.objects.filter(email="new@alder.example").exists()
        assert invitations.open_invitation_for(invited.secret, NOW)

    def test_activates_an_invited_organization(self, db):
        organization, invited = services.create_organization(
            name="Elm Works", admin_email="a@elm.example", admin_name="A", actor=acting.operator(None), now=NOW
        )

        invitations.join(secret=invited.secret, name="A", password=PASSWORD, signed_in=None, now=NOW)

        organization.refresh_from_db()
        assert (organization.slug, organization.short_code, organization.state) == (
            "elm-works",
            "EW",
            Organization.State.ACTIVE,
        )

    def test_opening_the_link_changes_nothing(self, cast):
        invited = invite(cast)

        for _ in range(2):
            assert Client().get(f"/join/{invited.secret}/").status_code == 200

        assert invitations.open_invitation_for(invited.secret, NOW)


class TestRoles:
    def test_the_last_admin_cannot_leave(self, cast):
        with pytest.raises(errors.Conflict, match="last organization admin"):
            services.change_role(
                membership_id=cast.alder.admin.membership.pk,
                role="viewer",
                responder=False,
                actor=cast.alder.admin.actor,
                now=NOW,
            )

    def test_a_changed_role_ends_the_sessions(self, cast):
        client = cast.alder.verifier.client()
        assert client.get("/members/").status_code == 200

        services.change_role(
            membership_id=cast.alder.verifier.membership.pk,
            role="viewer",
            responder=False,
            actor=cast.alder.admin.actor,
            now=NOW,
        )

        assert client.get("/members/").status_code == 302

    def test_a_member_of_another_organization_is_not_found(self, cast):
        with pytest.raises(errors.NotFound):
            services.change_role(
                membership_id=cast.cedar.viewer.membership.pk,
                role="admin",
                responder=False,
                actor=cast.alder.admin.actor,
                now=NOW,
            )

    def test_every_right_has_holders_and_a_viewer_only_reads(self):
        allowed = {right for right in Right if may(right, role=Role.VIEWER, responder=True)}

        assert allowed == {Right.READ, Right.EXPORT_AUDIT}
        assert all(any(may(right, role=role, responder=False) for role in Role) for right in Right)


class TestApiToken:
    def make(self, cast, **changes):
        fields = {"name": "pipeline", "scopes": ["read"], "lifetime": timedelta(days=30)}
        return services.create_api_token(**(fields | changes), actor=cast.alder.officer.actor, now=NOW)

    def test_stores_only_a_digest(self, cast):
        token, secret = self.make(cast)

        assert secret.startswith("txa_")
        assert secret not in str(list(ApiToken.objects.values()))
        assert token.hint in secret

    def test_reads_what_its_organization_reads(self, cast):
        _, secret = self.make(cast)

        answer = Client().get("/api/v1/partnerships", HTTP_AUTHORIZATION=f"Bearer {secret}")

        assert [each["partner"] for each in answer.json()["results"]] == ["Birch"]

    def test_ends_when_it_is_revoked(self, cast):
        token, secret = self.make(cast)
        services.revoke_api_token(token_id=token.pk, actor=cast.alder.officer.actor, now=NOW)

        answer = Client().get("/api/v1/partnerships", HTTP_AUTHORIZATION=f"Bearer {secret}")

        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"

    def test_does_no_more_than_its_scopes(self, cast):
        _, secret = self.make(cast, scopes=["stores"])

        answer = Client().get("/api/v1/partnerships", HTTP_AUTHORIZATION=f"Bearer {secret}")

        assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")

    def test_needs_a_person_with_a_fresh_second_factor(self, cast):
        with pytest.raises(errors.StepUpRequired):
            services.create_api_token(
                name="x",
                scopes=["read"],
                lifetime=timedelta(days=1),
                actor=cast.alder.officer.actor_without_step_up,
                now=NOW,
            )

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": ""}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["everything"]}, "scopes"),
            ({"lifetime": timedelta(days=400)}, "lifetime"),
            ({"lifetime": timedelta(0)}, "lifetime"),
        ],
    )
    def test_names_the_field_that_cannot_be_used(self, cast, changes, field):
        with pytest.raises(errors.Invalid) as refusal:
            self.make(cast, **changes)

        assert field in refusal.value.fields


class TestPages:
    @pytest.mark.parametrize("path", ["/members/", "/settings/", "/profile/", "/docs/"])
    def test_show_for_every_member(self, cast, path):
        for who in ("admin", "officer", "verifier", "responder", "viewer"):
            assert getattr(cast.alder, who).client().get(path).status_code == 200

    @pytest.mark.parametrize("path", ["/members/invite/", "/settings/tokens/new/"])
    def test_say_who_can_when_the_right_is_missing(self, cast, path):
        answer = cast.alder.viewer.client().get(path)

        assert answer.status_code == 403
        assert b"can." in answer.content

    def test_invite_and_join_in_the_browser(self, cast):
        answer = cast.alder.admin.client().post(
            "/members/invite/", {"name": "New Person", "email": "n@alder.example", "role": "verifier"}
        )
        link = answer.context["link"].removeprefix("http://127.0.0.1:8000")
        client = Client()

        joined = client.post(link, {"name": "New Person", "password": PASSWORD})

        assert joined["Location"] == "/account/2fa/totp/activate/"
        assert client.get("/members/")["Location"] == "/account/2fa/totp/activate/"

    def test_a_form_that_cannot_be_used_comes_back_with_the_fields_named(self, cast):
        answer = cast.alder.admin.client().post("/members/invite/", {"name": "", "email": "x", "role": "verifier"})

        assert answer.status_code == 400
        assert b"There is a problem" in answer.content

    def test_making_a_token_asks_for_the_second_factor_first(self, cast):
        answer = cast.alder.officer.client(stepped_up=False).post(
            "/settings/tokens/new/", {"name": "p", "scopes": ["read"], "lifetime": "30"}
        )

        assert answer["Location"].startswith("/account/2fa/reauthenticate/")
        assert not ApiToken.objects.exists()


class TestMembersPage:
    def test_says_how_people_sign_in_and_when_they_last_did(self, cast):
        Authenticator.objects.create(user=cast.alder.officer.user, type="webauthn", data={})
        cast.alder.verifier.user.authenticator_set.all().delete()

        html = cast.alder.viewer.client().get(reverse("members")).content.decode()

        assert "asskey" in html
        assert "Password only, until the second factor is set up" in html
        assert "never" in html


class TestSettingsPage:
    def test_leads_to_everything_that_an_organization_sets(self, cast):
        html = cast.alder.viewer.client().get(reverse("settings")).content.decode()

        for name in ("escalation_policy", "incident_mailbox", "members", "contacts", "webhooks"):
            assert reverse(name) in html
