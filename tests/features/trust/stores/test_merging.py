"""Merged exports: only after two officers read the warning, and only for tokens that open every store in them."""

import pytest

from portal import errors
from portal.audit.models import Event
from tests.cast import make_partnership
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.consumers import services as consumers
from trust.stores.formats.pem import read_blocks
from trust.stores.merging import services
from trust.stores.merging.models import MergedExport
from trust.stores.models import StoreVersion, TrustStore

ADDRESS = "/api/v1/merged-exports/all-partners.pem"


@pytest.fixture
def stores(cast, now):
    """Return Birch's stores of Alder and of Cedar, with a root each; the second is the first one's copy under another owner."""
    make.published(cast)
    first = make_consumers.store_of(cast)
    make.published(cast, *make.whole("Other"))
    first.refresh_from_db()
    second = TrustStore.objects.create(
        name="cedar-prod",
        relying=first.relying,
        owner=cast.cedar.organization,
        partnership=make_partnership(cast.birch, cast.cedar),
        created_at=now,
    )
    # The second version of the first store becomes the only one of the second.
    version = StoreVersion.objects.get(store=first, number=2)
    StoreVersion.objects.filter(pk=version.pk).update(store=second, number=1)
    TrustStore.objects.filter(pk=first.pk).update(current_number=1)
    TrustStore.objects.filter(pk=second.pk).update(current_number=1)
    return [TrustStore.objects.get(pk=each.pk) for each in (first, second)]


@pytest.fixture
def propose(cast, now, stores):
    def proposed(*, actor=cast.birch.officer.actor, read=True, of=None, name="all-partners"):
        return services.propose(
            name=name, stores=of or stores, reason="The mainframe reads one file.", read=read, actor=actor, now=now
        )

    return proposed


@pytest.fixture
def approved(cast, now, propose):
    return services.approve(export=propose(), read=True, actor=cast.birch.second_officer.actor, now=now)


def token_for(cast, now, *stores) -> dict[str, str]:
    secret = consumers.register(name="mainframe", stores=stores, actor=cast.birch.admin.actor, now=now)[1]
    return {"Authorization": f"Bearer {secret}"}


class TestMergedExport:
    def test_is_not_served_before_a_second_officer_approved(self, cast, now, client, stores, propose):
        headers, export = token_for(cast, now, *stores), propose()
        assert client.get(ADDRESS, headers=headers).status_code == 404

        with pytest.raises(errors.NotAllowed) as refusal:
            services.approve(export=export, read=True, actor=cast.birch.officer.actor, now=now)
        assert refusal.value.code == "own_work"
        with pytest.raises(errors.Invalid):
            services.approve(export=export, read=False, actor=cast.birch.second_officer.actor, now=now)
        assert client.get(ADDRESS, headers=headers).status_code == 404

        services.approve(export=export, read=True, actor=cast.birch.second_officer.actor, now=now)
        assert client.get(ADDRESS, headers=headers).status_code == 200

    @pytest.mark.parametrize(
        ("first", "second", "said"),
        [
            ({"environment": "prod"}, {"environment": "test"}, "one environment"),
            ({"purpose": "server"}, {"purpose": "client"}, "one purpose"),
        ],
    )
    def test_never_mixes_environments_or_purposes(self, stores, propose, first, second, said):
        for store, fields in zip(stores, (first, second), strict=True):
            TrustStore.objects.filter(pk=store.pk).update(**fields)
            store.refresh_from_db()

        with pytest.raises(errors.Invalid) as refusal:
            propose(of=stores)

        assert said in refusal.value.fields["stores"][0]
        assert not MergedExport.objects.exists()

    def test_holds_the_anchors_of_all_its_stores_once(self, cast, now, client, stores, approved):
        headers = token_for(cast, now, *stores)

        answer = client.get(ADDRESS, headers=headers)

        expected = {make.hierarchy().root.der, make.hierarchy("Other").root.der}
        found = read_blocks(answer.content)
        assert (set(found), len(found)) == (expected, 2)
        assert answer["Merged-From"] == "alder-prod v1, cedar-prod v1"
        again = client.get(ADDRESS, headers={**headers, "If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_needs_a_token_that_opens_every_store(self, cast, now, client, stores, approved):
        assert client.get(ADDRESS, headers=token_for(cast, now, stores[0])).status_code == 404
        assert client.get(ADDRESS).status_code == 401
        assert cast.cedar.officer.client().get(ADDRESS).status_code == 404

    def test_ends_when_one_officer_closes_it(self, cast, now, client, stores, approved):
        headers = token_for(cast, now, *stores)

        services.close(export=approved, actor=cast.birch.officer.actor, now=now)

        assert client.get(ADDRESS, headers=headers).status_code == 404
        kinds = Event.objects.filter(kind__startswith="store.merge").order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["store.merge_proposed", "store.merge_approved", "store.merge_closed"]

    def test_is_proposed_by_an_officer_who_read_the_warning(self, cast, propose, stores):
        with pytest.raises(errors.Invalid) as refusal:
            propose(read=False)
        assert refusal.value.code == "warning_not_read"
        with pytest.raises(errors.Invalid):
            propose(of=stores[:1])
        with pytest.raises(errors.StepUpRequired):
            propose(actor=cast.birch.officer.actor_without_step_up)
        for who in (cast.birch.verifier.actor, cast.birch.admin.actor):
            with pytest.raises(errors.NotAllowed):
                propose(actor=who)
        with pytest.raises(errors.NotFound):
            propose(actor=cast.cedar.officer.actor)
        assert not MergedExport.objects.exists()

    def test_is_proposed_and_approved_on_pages_that_show_the_warning(self, cast, stores):
        first, second = cast.birch.officer.client(), cast.birch.second_officer.client()
        assert services.WARNING[:60] in first.get("/merged-exports/").content.decode()
        fields = {"name": "all-partners", "stores": ["alder-prod", "cedar-prod"], "reason": "One file.", "read": "on"}
        assert first.post("/merged-exports/", {**fields, "read": ""}).status_code == 400

        made = first.post("/merged-exports/", fields)

        assert "You proposed this" in first.get(made["Location"]).content.decode()
        assert second.post(made["Location"], {"read": "on"}).status_code == 302
        assert MergedExport.objects.get().state == "open"
        assert cast.cedar.officer.client().get(made["Location"]).status_code == 404
        assert "all-partners.pem" in second.get(made["Location"]).content.decode()


class TestTheApi:
    BODY = {"name": "all-partners", "stores": ["alder-prod", "cedar-prod"], "reason": "One file.", "read": True}

    def test_has_one_officer_propose_and_another_approve(self, cast, now, client, stores):
        first, second = cast.birch.officer.client(), cast.birch.second_officer.client()
        proposed = first.post("/api/v1/merged-exports", self.BODY, content_type="application/json")
        assert proposed.status_code == 201, proposed.content
        assert proposed.json()["warning"] == services.WARNING
        approval = f"/api/v1/merged-exports/{proposed.json()['id']}/approval"

        own = first.post(approval, {"read": True}, content_type="application/json")
        unread = second.post(approval, {}, content_type="application/json")
        done = second.post(approval, {"read": True}, content_type="application/json")

        assert (own.status_code, own.json()["code"]) == (403, "own_work")
        assert (unread.status_code, unread.json()["code"]) == (400, "warning_not_read")
        assert (done.status_code, done.json()["state"]) == (200, "open")
        assert client.get(ADDRESS, headers=token_for(cast, now, *stores)).status_code == 200

    def test_closes_one_and_hides_it_from_strangers(self, cast, now, client, stores, approved):
        headers = token_for(cast, now, *stores)
        address = f"/api/v1/merged-exports/{approved.pk}"

        assert cast.cedar.officer.client().delete(address).status_code == 404
        assert cast.birch.viewer.client().delete(address).status_code == 403
        assert client.get(ADDRESS, headers=headers).status_code == 200
        assert cast.birch.officer.client().delete(address).status_code == 204
        assert client.get(ADDRESS, headers=headers).status_code == 404

    def test_names_what_is_wrong_with_a_proposal(self, cast, stores):
        officer = cast.birch.officer.client()

        one = officer.post(
            "/api/v1/merged-exports", self.BODY | {"stores": ["alder-prod"]}, content_type="application/json"
        )
        strange = officer.post(
            "/api/v1/merged-exports", self.BODY | {"stores": ["x", "y"]}, content_type="application/json"
        )

        assert (one.status_code, one.json()["errors"][0]["field"]) == (400, "stores")
        assert strange.status_code == 404
        assert MergedExport.objects.count() == 0
