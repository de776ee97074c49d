"""A thief holds a token or a session (case 58): what it opens is little, and ends at once when somebody notices."""

import pytest
from django.test import Client

from portal.audit.models import Event
from portal.organizations import services
from portal.organizations.models import ApiToken
from portal.organizations.rules import Scope
from tests.makers import api_tokens
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT, Door
from trust.consumers import services as consumers
from trust.consumers.models import ConsumerToken


def status(path: str, secret: str, method: str = "get") -> int:
    return getattr(Client(), method)(path, headers={"Authorization": f"Bearer {secret}"}).status_code


@pytest.mark.django_db
class TestAnApiToken:
    def test_opens_only_its_scope(self, cast):
        _, secret = api_tokens.made(cast.birch, "read")
        before = Event.objects.count()

        assert status("/api/v1/partnerships", secret) == 200
        for path in ("submissions", "certificate-alerts", "webhooks", "keys", "consumers"):
            assert status(f"/api/v1/{path}", secret, "post") in (400, 403), path

        assert Event.objects.count() == before

    def test_opens_no_act_of_a_person_whatever_its_scopes(self, cast):
        submission = make.submission(cast, *make.whole(), state="waiting_for_approval")
        _, secret = api_tokens.made(cast.birch, *Scope)

        answer = Client().post(
            f"/p/{submission.partnership.slug}/submissions/{submission.number}/approve/",
            {"act": "publish", "reason": "Mine."},
            headers={"Authorization": f"Bearer {secret}"},
        )

        submission.refresh_from_db()
        assert answer.status_code in (302, 401, 403)
        assert submission.state == "waiting_for_approval"

    def test_case_58_ends_at_once_when_it_is_revoked(self, cast, now):
        token, secret = api_tokens.made(cast.birch, "read")
        assert status("/api/v1/partnerships", secret) == 200

        services.revoke_api_token(token_id=token.pk, actor=cast.birch.admin.actor, now=now)

        assert status("/api/v1/partnerships", secret) == 401

    def test_is_in_the_database_as_a_digest_only(self, cast):
        _, secret = api_tokens.made(cast.birch, "read")

        assert secret not in str(ApiToken.objects.values())


@pytest.mark.django_db
class TestAConsumersToken:
    @pytest.fixture
    def stolen(self, cast):
        make.published(cast)
        return make_consumers.registered(cast)

    def test_pulls_its_store_and_opens_nothing_else(self, stolen):
        _, secret = stolen

        assert Door().pull(CURRENT, secret)[0] == 200
        assert status("/api/v1/partnerships", secret) in (401, 403)

    def test_ends_at_once_when_it_is_revoked_also_where_it_was_in_memory(
        self, cast, now, stolen, django_capture_on_commit_callbacks
    ):
        consumer, secret = stolen
        door = Door()
        assert [door.pull(CURRENT, secret)[0] for _ in range(2)] == [200, 200]

        with django_capture_on_commit_callbacks(execute=True):
            consumers.revoke_token(
                consumer=consumer, token_id=ConsumerToken.objects.get().pk, actor=cast.birch.admin.actor, now=now
            )

        assert door.pull(CURRENT, secret)[0] == 401


@pytest.mark.django_db
class TestASession:
    def test_ends_when_the_role_changes(self, cast, now):
        browser = cast.birch.officer.client()
        assert browser.get("/members/").status_code == 200

        services.change_role(
            membership_id=cast.birch.officer.membership.pk,
            role="viewer",
            responder=False,
            actor=cast.birch.admin.actor,
            now=now,
        )

        assert browser.get("/members/").status_code == 302
        assert browser.post("/account/logout/").status_code in (302, 403)
