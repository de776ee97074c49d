"""The API about agreements: the same rules as the pages."""

from datetime import timedelta

import pytest
from django.urls import reverse

from portal.organizations import services as organizations
from tests.makers import certificates
from tests.makers.agreements import draft, holder_of, in_force, make_values, proposed
from trust.agreements.models import Agreement, Waiver
from trust.agreements.rules import State

pytestmark = pytest.mark.django_db
URL = "/api/v1/agreements"


def bearer(company, now, *scopes):
    _, secret = organizations.create_api_token(
        name="test", scopes=scopes, lifetime=timedelta(days=30), actor=company.admin.actor, now=now
    )
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


class TestReading:
    def test_lists_what_the_organization_may_see(self, cast):
        in_force(cast)
        draft(cast)

        def versions(person):
            return [each["version"] for each in person.client().get(URL).json()["results"]]

        assert sorted(versions(cast.alder.viewer)) == [1, 2]
        assert versions(cast.birch.viewer) == [1]
        assert versions(cast.cedar.viewer) == []

    def test_gives_terms_and_their_sentences(self, cast):
        made = in_force(cast)

        answer = cast.birch.viewer.client().get(f"{URL}/{made.pk}").json()

        assert answer["state"] == "in_force"
        assert answer["terms"] == make_values()
        clause = next(each for each in answer["clauses"] if each["number"] == "4.4")
        assert clause["path"] == "terms.lifetimes.service"
        assert "90 days" in clause["sentences"][0]
        assert [each["organization"] for each in answer["signatures"]] == ["alder", "birch"]

    def test_sends_the_exact_bytes_with_their_digest(self, cast):
        made = in_force(cast)

        answer = cast.birch.viewer.client().get(f"{URL}/{made.pk}/document")

        assert answer.content == bytes(made.document)
        assert answer["ETag"] == f'"{made.sha256}"'

    @pytest.mark.parametrize("suffix", ["", "/document"])
    def test_answers_strangers_like_what_does_not_exist(self, cast, suffix):
        made = in_force(cast)

        assert cast.cedar.officer.client().get(f"{URL}/{made.pk}{suffix}").status_code == 404

    def test_needs_somebody_who_is_known(self, cast, client):
        assert client.get(URL).status_code == 401


class TestWriting:
    def test_drafts_signs_and_brings_into_force(self, cast):
        alder, birch = cast.alder.officer.client(), cast.birch.officer.client()
        drafted = alder.post(
            URL, {"partnership": cast.partnership.slug, "terms": make_values()}, content_type="application/json"
        )
        assert drafted.status_code == 201
        path = f"{URL}/{drafted.json()['id']}"
        for client, company in ((alder, cast.alder), (birch, cast.birch)):
            document = client.get(f"{path}/document").content
            signature = holder_of(company).sign_detached(document).decode()
            answer = client.post(f"{path}/signatures", {"signature": signature}, content_type="application/json")
            assert answer.status_code == 201, answer.json()

        assert answer.json()["state"] == "in_force"

    def test_names_the_places_that_are_wrong(self, cast):
        answer = cast.alder.officer.client().post(
            URL,
            {"partnership": cast.partnership.slug, "terms": make_values(tls__versions=["1.0"])},
            content_type="application/json",
        )

        assert answer.status_code == 400
        assert answer.json()["code"] == "terms_not_usable"
        assert answer.json()["errors"][0]["field"] == "terms.tls.versions.0"

    @pytest.mark.parametrize(
        "body", [{}, {"partnership": "x"}, {"terms": []}, [], "x", None, {"partnership": 1, "terms": 2}]
    )
    def test_refuses_bodies_that_make_no_sense(self, cast, body):
        answer = cast.alder.officer.client().post(URL, body, content_type="application/json")

        assert answer.status_code in (400, 404)
        assert answer["Content-Type"] == "application/problem+json"

    def test_is_in_no_tokens_scope(self, cast, client, now):
        made = proposed(cast)
        token = bearer(cast.birch, now, "read", "submit", "notices", "acknowledge", "administer")

        answer = client.post(
            f"{URL}/{made.pk}/signatures", {"signature": "x"}, content_type="application/json", **token
        )

        assert answer.status_code == 403
        made.refresh_from_db()
        assert made.state == State.WAITING_FOR_PARTNER

    def test_asks_for_the_second_factor(self, cast):
        made = proposed(cast)
        signature = holder_of(cast.birch).sign_detached(bytes(made.document)).decode()

        answer = cast.birch.officer.client(stepped_up=False).post(
            f"{URL}/{made.pk}/signatures", {"signature": signature}, content_type="application/json"
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")

    def test_withdraws(self, cast):
        made = proposed(cast)

        answer = cast.alder.officer.client().post(
            f"{URL}/{made.pk}/end", {"reason": "Typing error"}, content_type="application/json"
        )

        assert answer.json()["state"] == "replaced"
        assert Agreement.objects.get().ended_reason == "Withdrawn by Alder: Typing error"


class TestTrying:
    def body(self, cast, **changes):
        return {
            "partnership": cast.partnership.slug,
            "owner": "alder",
            "certificate": certificates.leaf().pem.decode(),
        } | changes

    def test_cites_the_clauses(self, cast, client, now):
        in_force(cast)

        answer = client.post(
            f"{URL}/try", self.body(cast), content_type="application/json", **bearer(cast.birch, now, "read")
        ).json()

        assert answer["terms"] == "Agreement v1"
        assert answer["tier"] == "service"
        assert not answer["accepted"]
        assert {each["source"] for each in answer["findings"]} == {"Agreement 5.1", "Agreement 6.5"}

    @pytest.mark.parametrize(
        "changes", [{"certificate": "AAAA"}, {"certificate": "~"}, {"certificate": "MIIB\u00cf"}, {"owner": "cedar"}]
    )
    def test_says_what_is_wrong(self, cast, changes):
        answer = cast.birch.viewer.client().post(
            f"{URL}/try", self.body(cast, **changes), content_type="application/json"
        )

        assert answer.status_code == 400


class TestWaivers:
    def test_are_asked_for_and_agreed(self, cast, now):
        body = {
            "partnership": cast.partnership.slug,
            "clause": "4.2",
            "concerns": "alder",
            "reason": "The HSM is replaced",
            "owner": "Mei Tanaka",
            "expires_at": f"{now.replace(year=now.year + 1):%Y-%m-%dT00:00:00Z}",
        }
        asked = cast.alder.officer.client().post("/api/v1/waivers", body, content_type="application/json")
        assert asked.status_code == 201, asked.json()

        answer = cast.birch.officer.client().post(
            f"/api/v1/waivers/{asked.json()['id']}/answer", {"answer": "agree"}, content_type="application/json"
        )

        assert answer.json()["state"] == "agreed"
        assert Waiver.objects.get().state == "agreed"
        assert len(cast.birch.viewer.client().get("/api/v1/waivers").json()["results"]) == 1
        assert cast.cedar.viewer.client().get("/api/v1/waivers").json()["results"] == []


def test_the_addresses_are_in_the_schema(client):
    text = client.get(reverse("schema")).content.decode()

    assert "/api/v1/agreements/{agreement_id}/signatures" in text
