"""The operator console: how the portal does, who is on it, and that nobody else gets in and tenants see what was done."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.webhooks.models import WebhookEndpoint
from portal import errors
from portal.audit.models import Audience, Event
from portal.operations import jobs
from portal.operations.console import banner, queries
from portal.operations.models import Banner
from portal.organizations import acting, suspending
from portal.organizations.models import Organization
from tests.cast import make_company, operator_client
from tests.makers import consumers, events, stores

PAGES = ["operator", "operator_organizations", "operator_organization_new"]


@pytest.fixture
def olga(cast) -> Client:
    return operator_client(cast.olga)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def of_alder(cast) -> str:
    return reverse("operator_organization", args=[cast.alder.organization.pk])


class TestDoor:
    @pytest.mark.parametrize("name", PAGES)
    def test_shows_members_nothing(self, cast, name):
        assert cast.alder.admin.client().get(reverse(name)).status_code == 404

    @pytest.mark.parametrize("name", ["operator_banner", "operator_organization_resume"])
    def test_takes_nothing_from_members(self, cast, name):
        arguments = [cast.alder.organization.pk] if "organization" in name else []

        assert cast.alder.admin.client().post(reverse(name, args=arguments)).status_code == 404

    def test_asks_strangers_to_sign_in(self, db):
        assert Client().get("/operator/")["Location"].startswith("/account/login/")

    def test_asks_an_operator_for_a_second_factor_first(self, cast):
        client = Client()
        client.force_login(cast.olga)

        assert client.get("/operator/")["Location"] == "/account/2fa/totp/activate/"

    def test_is_where_an_operator_comes_in(self, olga):
        assert olga.get("/")["Location"] == "/operator/"

    def test_leads_an_operator_to_nothing_of_a_tenant(self, cast, olga):
        for address in ("/partnerships/", "/audit/", "/members/", f"/p/{cast.partnership.slug}/"):
            assert olga.get(address).status_code == 404


class TestOverview:
    def test_says_what_is_there_when_nothing_is_wrong(self, olga):
        text = page(olga, "/operator/")

        assert "Nothing waits" in text
        assert "Every endpoint answers" in text
        assert "Every one answers as it should" in text
        for name in jobs.schedule():
            assert name in text

    def test_says_what_waits_and_since_when(self, cast, olga):
        long_ago = timezone.now() - timedelta(minutes=20)
        events.record(cast.alder.organization, long_ago)
        fanout.sweep(now=long_ago)
        owed = Delivery.objects.count()

        queues = {row.name: row for row in queries.queues(timezone.now())}

        assert (queues["Mail"].due, queues["Mail"].late) == (owed, True)
        assert queues["Events to be told"].due == 0
        text = page(olga, "/operator/")
        assert "Late" in text
        assert "1 delivery was given up within the last day" in text

    def test_lists_failing_jobs_first_with_the_kind_of_failure(self, olga, db):
        now = timezone.now()
        jobs.succeeded(name="trust.notices.sweep", milliseconds=12, now=now - timedelta(minutes=1))
        jobs.failed(name="trust.notices.sweep", failure="OperationalError", now=now)

        assert queries.job_rows()[0].name == "trust.notices.sweep"
        text = page(olga, "/operator/")
        assert "OperationalError" in text
        assert "12 ms" in text

    def test_lists_endpoints_in_trouble_and_not_where_they_are(self, cast, olga, now):
        WebhookEndpoint.objects.create(
            organization=cast.alder.organization,
            name="pager-bridge",
            url="https://hooks.alder.example/secret-path",
            state="failing",
            failures=7,
            failing_since=now,
            created_at=now,
        )

        text = page(olga, "/operator/")

        assert "pager-bridge" in text
        assert "7 failures in a row" in text
        assert "secret-path" not in text

    def test_shows_no_fingerprint_and_no_certificate(self, cast, olga):
        version = stores.published(cast)

        text = page(olga, "/operator/") + page(olga, "/operator/organizations/") + page(olga, of_alder(cast))

        for entry in version.entries.select_related("certificate"):
            assert entry.certificate_id not in text
            assert entry.certificate.subject not in text

    def test_asks_as_many_queries_for_one_organization_as_for_many(self, olga):
        def counted() -> int:
            page(olga, "/operator/organizations/")
            with CaptureQueriesContext(connection) as asked:
                page(olga, "/operator/organizations/")
            return len(asked)

        few = counted()
        for number in range(5):
            make_company(f"Fir{number}")

        assert counted() == few


class TestBanner:
    def put(self, cast, now, text="Away at 20:00 UTC.", **more) -> Banner:
        until = more.pop("until", now + timedelta(hours=3))
        olga = acting.operator(cast.olga, stepped_up=lambda: True)
        return banner.put(text=text, until=until, actor=olga, now=now)

    def test_stands_on_top_of_every_page_until_its_moment(self, cast, olga):
        until = (timezone.now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")

        answer = olga.post("/operator/", {"text": "Away  at 20:00 UTC.", "until": until})

        assert answer.status_code == 302
        assert "Away at 20:00 UTC." in page(cast.alder.viewer.client(), "/")
        assert Banner.objects.get().set_by == "Olga"
        assert banner.text(timezone.now() + timedelta(hours=4)) == ""

    def test_can_be_taken_down(self, cast, olga, django_capture_on_commit_callbacks):
        self.put(cast, timezone.now())
        member = cast.alder.viewer.client()
        assert "Away at 20:00" in page(member, "/")

        with django_capture_on_commit_callbacks(execute=True):
            olga.post("/operator/banner/")

        assert "Away at 20:00" not in page(member, "/")
        assert [each.kind for each in Event.objects.order_by("sequence")] == ["banner.set", "banner.cleared"]

    def test_is_neither_put_nor_taken_down_without_a_fresh_second_factor(self, cast):
        """Whoever finds an operator's browser open must not speak to everybody in the portal's name, nor hide what it says."""
        until = (timezone.now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
        tired = operator_client(cast.olga, stepped_up=False)

        answer = tired.post("/operator/", {"text": "Call +1 900 555 01 instead.", "until": until})
        assert answer["Location"].startswith("/account/2fa/reauthenticate/")
        assert not Banner.objects.exists()

        self.put(cast, timezone.now())
        answer = tired.post("/operator/banner/")
        assert answer["Location"].startswith("/account/2fa/reauthenticate/")
        assert Banner.objects.exists()

    def test_is_a_fact_for_operators_and_in_no_tenants_log(self, cast, now):
        self.put(cast, now)

        assert Event.objects.get(kind="banner.set").audience == Audience.PORTAL

    @pytest.mark.parametrize(
        ("deviation", "field"),
        [
            ({"text": " "}, "text"),
            ({"text": "x" * 301}, "text"),
            ({"text": "a\x00b"}, "text"),
            ({"until": timedelta(0)}, "until"),
            ({"until": timedelta(days=15)}, "until"),
        ],
    )
    def test_refuses_what_cannot_be_shown(self, cast, now, deviation, field):
        if "until" in deviation:
            deviation["until"] = now + deviation["until"]

        with pytest.raises(errors.Invalid) as refused:
            self.put(cast, now, **deviation)

        assert list(refused.value.fields) == [field]

    def test_is_no_members_to_put(self, cast, now):
        with pytest.raises(errors.NotFound):
            banner.put(text="Hello", until=now + timedelta(hours=1), actor=cast.alder.admin.actor, now=now)

    def test_text_is_shown_as_text(self, cast):
        self.put(cast, timezone.now(), text="<script>alert(1)</script>")

        assert "<script>alert" not in page(cast.alder.viewer.client(), "/")


class TestOrganizations:
    def test_are_listed_with_counts_and_found_by_name(self, cast, olga):
        stores.published(cast)
        consumers.registered(cast)

        (birch,) = queries.organizations("bir")

        assert (birch.members, birch.partnership_count, birch.stores, birch.live_consumers) == (6, 1, 1, 1)
        text = page(olga, "/operator/organizations/?q=bir")
        assert "Birch" in text
        assert "Cedar" not in text

    def test_can_be_created_and_the_link_is_shown_once(self, olga, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            answer = olga.post(
                "/operator/organizations/new/",
                {"name": "Halden Freight", "admin_name": "Lena Vogt", "admin_email": "lena@halden.example"},
            )

        text = answer.content.decode()
        link = re.search(r"http\S+/join/[^\s<&\"]+", text)
        assert link
        assert link[0] in mail.outbox[0].body
        made = Organization.objects.get(slug="halden-freight")
        assert made.state == Organization.State.INVITED
        assert link[0] not in page(olga, reverse("operator_organization", args=[made.pk]))

    def test_are_not_created_without_a_fresh_second_factor(self, cast):
        client = operator_client(cast.olga, stepped_up=False)

        answer = client.post(
            "/operator/organizations/new/", {"name": "New", "admin_name": "A", "admin_email": "a@new.example"}
        )

        assert answer["Location"].startswith("/account/2fa/reauthenticate/")
        assert not Organization.objects.filter(name="New").exists()

    def test_names_the_field_that_cannot_be_used(self, olga):
        answer = olga.post("/operator/organizations/new/", {"name": "Alder", "admin_name": "A", "admin_email": "no"})

        assert answer.status_code == 400
        assert "id_admin_email" in answer.content.decode()

    def test_that_do_not_exist_are_not_found(self, olga):
        assert olga.get("/operator/organizations/00000000-0000-0000-0000-000000000001/").status_code == 404


class TestSuspending:
    def suspend(self, cast, now, **more):
        actor = more.pop("actor", acting.operator(cast.olga, stepped_up=lambda: True))
        return suspending.suspend(
            organization_id=cast.alder.organization.pk, reason=more.pop("reason", "Unpaid."), actor=actor, now=now
        )

    def test_leaves_members_only_reading(self, cast, olga):
        olga.post(of_alder(cast), {"reason": "Its domain was taken over."})

        cast.alder.admin.membership.organization.refresh_from_db()
        assert not cast.alder.admin.actor.has("manage_members")
        assert cast.alder.admin.client().get("/members/").status_code == 200
        assert cast.alder.admin.client().get("/members/invite/").status_code == 403

    def test_stands_in_the_tenants_own_log_with_who_and_why(self, cast, olga):
        olga.post(of_alder(cast), {"reason": "Its domain was taken over."})

        text = page(cast.alder.viewer.client(), "/audit/")

        assert "Olga suspended the organization Alder: Its domain was taken over." in text
        assert "taken over" not in page(cast.birch.viewer.client(), "/audit/")
        assert "taken over" in page(olga, of_alder(cast))

    def test_is_told_to_its_people(self, cast, now):
        self.suspend(cast, now)

        fanout.sweep(now=now)

        assert Delivery.objects.filter(organization=cast.alder.organization, channel="mail").count() == 6

    def test_stops_no_service_from_pulling(self, cast, now):
        stores.published(cast)
        _, token = consumers.registered(cast)
        Organization.objects.filter(pk=cast.birch.organization.pk).update(state="suspended")

        answer = Client().get(
            "/api/v1/trust-stores/alder-prod/current.pem", headers={"Authorization": f"Bearer {token}"}
        )

        assert answer.status_code == 200

    def test_can_be_undone(self, cast, olga, now):
        self.suspend(cast, now)

        olga.post(reverse("operator_organization_resume", args=[cast.alder.organization.pk]))

        assert Organization.objects.get(slug="alder").state == Organization.State.ACTIVE
        assert Event.objects.filter(kind="organization.resumed", organization_id=cast.alder.organization.pk).exists()

    def test_happens_once(self, cast, now):
        self.suspend(cast, now)

        with pytest.raises(errors.Conflict):
            self.suspend(cast, now)
        assert Event.objects.filter(kind="organization.suspended").count() == 1

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 301, "a\x00b"])
    def test_needs_a_reason(self, cast, now, reason):
        with pytest.raises(errors.Invalid):
            self.suspend(cast, now, reason=reason)

    def test_needs_a_fresh_second_factor(self, cast, now):
        with pytest.raises(errors.StepUpRequired):
            self.suspend(cast, now, actor=acting.operator(cast.olga))

    def test_is_no_members_to_do(self, cast, now):
        with pytest.raises(errors.NotFound):
            self.suspend(cast, now, actor=cast.birch.admin.actor)
