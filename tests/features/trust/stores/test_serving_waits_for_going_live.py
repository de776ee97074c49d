"""A store is served to services once its partnership is live, and to members, who test with it, from the start."""

import pytest

from portal.partnerships.models import Partnership
from tests.makers import consumers, stores
from tests.makers.onboarding import onboarding

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(cast):
    return stores.published(cast, *stores.whole())


def pull(client, version, secret):
    address = f"/api/v1/trust-stores/{version.store.name}/current.pem"
    return client.get(address, HTTP_AUTHORIZATION=f"Bearer {secret}")


class TestBeforeGoingLive:
    def test_no_service_gets_the_store(self, cast, client, version):
        secret = consumers.registered(cast)[1]
        onboarding(cast)

        answer = pull(client, version, secret)

        assert (answer.status_code, answer.json()["code"]) == (409, "partnership_not_live")
        assert b"BEGIN CERTIFICATE" not in answer.content

    def test_members_download_it_to_test_with(self, cast, version):
        onboarding(cast)

        answer = cast.birch.viewer.client().get(f"/api/v1/trust-stores/{version.store.name}/current.pem")

        assert answer.status_code == 200

    def test_the_tuf_repository_waits_too(self, cast, client, version):
        secret = consumers.registered(cast)[1]
        onboarding(cast)

        answer = client.get(
            f"/api/v1/trust-stores/{version.store.name}/tuf/metadata/timestamp.json",
            HTTP_AUTHORIZATION=f"Bearer {secret}",
        )

        assert answer.status_code == 409


class TestAfterwards:
    def test_services_get_it_and_keep_getting_it_when_the_partnership_is_suspended(self, cast, client, version):
        secret = consumers.registered(cast)[1]
        assert pull(client, version, secret).status_code == 200

        Partnership.objects.update(state=Partnership.State.SUSPENDED)

        assert pull(client, version, secret).status_code == 200
