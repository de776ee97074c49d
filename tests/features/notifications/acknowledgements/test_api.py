"""Notices and answers over the API."""

import json
from datetime import timedelta

import pytest

from portal.organizations.models import ApiToken
from tests.makers import stores
from trust.notices import document
from trust.notices.rules import State as NoticeState


class TestApi:
    def headers(self, company, now, *scopes):
        from portal.organizations import tokens

        secret, hint, digest = tokens.make(tokens.API_PREFIX)
        from django.utils import timezone

        ApiToken.objects.create(
            organization=company.organization,
            name="bot",
            hint=hint,
            digest=digest,
            created_at=now,
            expires_at=timezone.now() + timedelta(days=1),
            scopes=list(scopes),
            created_by=company.admin.user,
        )
        return {"Authorization": f"Bearer {secret}"}

    def test_takes_the_guides_own_form(self, cast, alder, now, client):
        members = alder.members()
        _, signature = alder.signed(members)
        headers = self.headers(cast.alder, now, "notices")

        first = client.post(
            "/api/v1/certificate-alerts",
            json.dumps(members | {"signature": signature.decode()}),
            content_type="application/json",
            headers=headers,
        )
        again = client.post(
            "/api/v1/certificate-alerts",
            json.dumps(members | {"signature": signature.decode()}),
            content_type="application/json",
            headers=headers,
        )

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert again["Idempotent-Replay"] == "true"

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[" * 100_000, b'{"signature": 1}', b"\xff\xfe", b'{"notice": 3, "signature": "x"}']
    )
    def test_answers_garbage_with_a_problem_document(self, cast, alder, now, client, body):
        answered = client.post(
            "/api/v1/certificate-alerts",
            body,
            content_type="application/json",
            headers=self.headers(cast.alder, now, "notices"),
        )

        assert answered.status_code in (400, 413)
        assert answered["Content-Type"] == "application/problem+json"

    def test_shows_a_gap_in_the_feed(self, cast, alder, notice, now, client):
        second = alder.send().notice

        feed = client.get("/api/v1/notices?after=1", headers=self.headers(cast.birch, now, "read")).json()

        assert feed["latest_sequence"] == 2
        assert [each["label"] for each in feed["results"]] == [second.label]

    def test_acknowledges(self, cast, notice, now, client):
        path = f"/api/v1/notices/{notice.label}"
        headers = self.headers(cast.birch, now, "acknowledge")

        answered = client.post(
            f"{path}/acknowledgement", {"answer": "acknowledged"}, content_type="application/json", headers=headers
        )

        assert (answered.status_code, answered.json()["first"]) == (200, True)
        assert client.get(path, headers=headers).json()["acknowledgement"]["state"] == "acknowledged"

    def test_gives_the_night_page_as_text(self, cast, notice, now, client):
        headers = self.headers(cast.birch, now, "read") | {"Accept": "text/plain"}

        answered = client.get(f"/api/v1/notices/{notice.label}", headers=headers)

        assert answered["Content-Type"].startswith("text/plain")
        assert b"What to do:" in answered.content

    def test_takes_a_distress_notice_without_a_token(self, cast, alder, now, client):
        members = alder.members(distress=True, valid_until=document.stamp(now + timedelta(days=9)), effective_date=None)
        content, signature = alder.signed(members)

        answered = client.post(
            "/api/v1/distress-notices",
            {"notice": content.decode(), "signature": signature.decode()},
            content_type="application/json",
        )

        from trust.notices.models import Notice

        assert (answered.status_code, answered.json()["takes_effect"]) == (201, "at_once")
        assert Notice.objects.get().state == NoticeState.EXECUTED

    def test_publishes_the_schemas(self, client, db):
        for kind in [*(kind.value for kind in document.Kind), "common"]:
            assert client.get(f"/api/v1/notice-schemas/{kind}").json()["$schema"].endswith("2020-12/schema")

    def test_serves_the_deny_list(self, cast, alder, now, client):
        alder.send(
            kind="certificate_revocation",
            certificate_serial="0a1b2c",
            certificate_issuer_sha256=stores.hierarchy("Alder").issuing.sha256,
            revocation_reason="keyCompromise",
            effective_date=alder.members()["timestamp"],
        )

        listed = client.get(
            "/api/v1/trust-stores/alder-prod/deny-list", headers=self.headers(cast.birch, now, "read")
        ).json()

        assert listed["denied"][0]["serial"] == "a1b2c"
