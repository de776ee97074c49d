"""Attacks on the serving of trust stores. Nothing may be served that was not published for the asker."""

import hashlib

import pytest
from django.db import connection, transaction

from portal.audit.models import Event
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT, Door
from trust.consumers.models import PullRecord
from trust.stores.models import Artifact, StoreVersion, TrustStore


@pytest.fixture
def door():
    return Door()


@pytest.fixture
def token(cast):
    make.published(cast)
    return make_consumers.registered(cast)[1]


@pytest.fixture
def warm(door, token):
    """Return the door after the store is in its memory."""
    for _ in range(2):
        door.pull(CURRENT, token)
    assert door.path.from_memory
    return door


class TestSomebodyElsesToken:
    def test_does_not_open_a_store_that_it_does_not_name(self, cast, warm):
        make.empty_store(cast)
        other = make_consumers.registered(cast, "other", store="other-prod")[1]

        assert [warm.pull(CURRENT, other)[0] for _ in range(3)] == [404, 404, 404]

    def test_of_another_organization_gets_what_does_not_exist(self, cast, warm):
        store = TrustStore.objects.get()
        theirs = TrustStore.objects.create(
            name=store.name,
            relying=cast.cedar.organization,
            owner=store.owner,
            partnership=store.partnership,
            created_at=store.created_at,
        )
        secret = make_consumers.services.register(
            name="spy", stores=[theirs], actor=cast.cedar.admin.actor, now=store.created_at
        )[1]

        assert [warm.pull(CURRENT, secret)[0] for _ in range(3)] == [404, 404, 404]

    def test_with_the_etag_of_another_tenant_learns_nothing(self, cast, warm, token):
        tag = warm.pull(CURRENT, token)[1]["ETag"]
        make.empty_store(cast)
        other = make_consumers.registered(cast, "other", store="other-prod")[1]

        for sent in (tag, "*"):
            assert warm.pull(CURRENT, other, if_none_match=sent)[0] == 404

    @pytest.mark.parametrize("secret", ["txc_wrong", "txc_", "txa_wrong", "x" * 300, "txc_é"])
    def test_that_nobody_made_opens_nothing(self, warm, secret):
        assert warm.pull(CURRENT, secret)[0] == 401
        assert warm.pull(CURRENT, None)[0] == 401


class TestChangedArtifact:
    """Somebody writes to the database: what is served must still be what was published."""

    @pytest.fixture
    def changed(self, token):
        forged = make.hierarchy("Mallory").root.pem
        Artifact.objects.filter(format="pem").update(
            content=forged, sha256=hashlib.sha256(forged).hexdigest(), length=len(forged)
        )
        return forged

    def test_is_not_served(self, door, token, changed):
        status, headers, body = door.pull(CURRENT, token)

        assert (status, headers["Content-Type"]) == (503, "application/problem+json")
        assert changed not in body
        assert not PullRecord.objects.exists()

    def test_is_not_served_when_only_the_bytes_changed(self, door, token):
        Artifact.objects.filter(format="pem").update(content=b"")

        assert door.pull(CURRENT, token)[0] == 503

    def test_does_not_spoil_the_other_formats(self, door, token, changed):
        assert door.pull(CURRENT.replace(".pem", ".json"), token)[0] == 200


class TestRollback:
    def test_cannot_move_the_number_of_a_store_back_by_publishing(self, cast, token, now):
        make.published(cast, *make.whole("Other"))
        numbers = list(StoreVersion.objects.order_by("published_at", "number").values_list("number", flat=True))

        assert numbers == [1, 2]
        assert TrustStore.objects.get().current_number == 2

    def test_leaves_a_trace_in_the_log_that_cannot_be_removed(self, cast, token):
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_event WHERE kind = 'store.published'")

        assert Event.objects.filter(kind="store.published").count() == 1


class TestPathTricks:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/trust-stores/../trust-stores/alder-prod/current.pem",
            "/api/v1/trust-stores/alder-prod/../alder-prod/current.pem",
            "/api/v1/trust-stores//alder-prod/current.pem",
            "/api/v1/trust-stores/alder-prod%2fcurrent.pem",
            "/api/v1/trust-stores/alder-prod/current.pem/",
            "/api/v1/trust-stores/alder-prod/current.pem\x00",
            "/api/v1/trust-stores/alder-prod/current.pem\n",
            "/api/v1/trust-stores/alder-prod/current.../../../etc/passwd",
            "/api/v1/trust-stores/alder-prod/versions/01.pem",
            "/api/v1/trust-stores/alder-prod/versions/99999999999999999999.pem",
            "/api/v1/trust-stores/alder-prod/versions/-1.pem",
            "/api/v1/trust-stores/ALDER-PROD/current.pem",
            "/api/v1/trust-stores/" + "a" * 5000 + "/current.pem",
        ],
    )
    def test_open_nothing(self, warm, token, path):
        before = warm.path.from_memory

        assert warm.pull(path, token)[0] in (400, 404)
        assert warm.path.from_memory == before


class TestPoisonedCache:
    def test_forbids_shared_caches_to_keep_or_mix_answers(self, warm, token):
        for path in (CURRENT, "/api/v1/trust-stores/alder-prod/versions/1.pem"):
            headers = warm.pull(path, token)[1]

            assert "private" in headers["Cache-Control"]
            assert {"Authorization", "Cookie"} <= {each.strip() for each in headers["Vary"].split(",")}

    def test_lets_a_shared_cache_keep_no_refusal(self, warm):
        assert "no-store" in warm.pull(CURRENT, "txc_wrong")[1]["Cache-Control"]
