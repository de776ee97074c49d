"""SPIFFE: a store's trust domain, and the public endpoint that is off until an officer opens it."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from portal import errors
from portal.audit.models import Event
from tests.makers import certificates
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.consumers import services as consumers
from trust.consumers.models import PullRecord
from trust.stores import services as stores
from trust.stores.federation import limits, queries, rules, services
from trust.stores.federation.models import SpiffeBinding
from trust.stores.formats import spiffe
from trust.stores.serve import pulls

PUBLIC = "/spiffe/birch/alder-prod"
DOMAIN = "alder.example"


@pytest.fixture
def store(cast):
    make.published(cast)
    return make_consumers.store_of(cast)


@pytest.fixture
def bind(cast, now, store):
    def bound(public=True, trust_domain=DOMAIN, of=store, actor=cast.birch.officer.actor):
        return services.bind(store=of, trust_domain=trust_domain, public=public, actor=actor, now=now)

    return bound


class TestPublicEndpoint:
    def test_is_not_there_until_an_officer_opens_it_and_gone_when_it_is_closed(self, client, bind, store):
        assert client.get(PUBLIC).status_code == 404
        bind(public=False)
        assert client.get(PUBLIC).status_code == 404

        bind(public=True)
        assert client.get(PUBLIC).status_code == 200

        bind(public=False)
        assert client.get(PUBLIC).status_code == 404
        assert client.get("/spiffe/birch/").status_code == 404

    def test_answers_anybody_as_the_specification_says(self, client, bind):
        bind()

        answer = client.get(PUBLIC)

        document = answer.json()
        assert answer["Content-Type"] == "application/json"
        assert set(document) == {"keys", "spiffe_sequence", "spiffe_refresh_hint"}
        assert document["spiffe_sequence"] == 1
        assert [(key["use"], len(key["x5c"]), "kid" in key) for key in document["keys"]] == [("x509-svid", 1, False)]
        assert answer["Cache-Control"] == f"public, max-age={document['spiffe_refresh_hint']}"
        again = client.get(PUBLIC, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = client.head(PUBLIC)
        assert (head.status_code, head.content, head["ETag"]) == (200, b"", answer["ETag"])
        assert client.post(PUBLIC).status_code == 405

    def test_says_nothing_of_a_partnership_that_is_not_live(self, cast, client, bind, store):
        bind()
        cast.partnership.activated_at = None
        cast.partnership.save()

        assert client.get(PUBLIC).status_code == 404

    def test_of_a_withdrawn_store_revokes_everything_with_a_higher_sequence(self, cast, now, client, bind, store):
        bind()
        stores.withdraw_certificates(
            store=store,
            certificates=[each.sha256 for each in make.whole()],
            actor=cast.birch.officer.actor,
            now=now,
            reason="All are stolen.",
            empty_store=True,
        )

        document = client.get(PUBLIC).json()
        assert (document["keys"], document["spiffe_sequence"]) == ([], 2)


class TestLimit:
    @pytest.fixture(autouse=True)
    def few(self, settings, monkeypatch):
        settings.SPIFFE_MOST_FETCHES = 3
        limits._fetches.clear()
        monkeypatch.setattr(limits.time, "time", lambda: 1_000_000_010.0)

    def test_holds_for_an_address_at_both_endpoints_and_says_when_to_come_back(self, client, bind):
        bind()
        for path in (PUBLIC, "/spiffe/birch/", PUBLIC):
            assert client.get(path).status_code == 200

        refused = client.get(PUBLIC)

        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_fetches")
        assert 0 < int(refused["Retry-After"]) <= 60
        assert client.get("/spiffe/birch/").status_code == 429
        assert client.get(PUBLIC, REMOTE_ADDR="192.0.2.7").status_code == 200

    def test_ends_with_its_minute(self, client, bind, monkeypatch):
        bind()
        for _ in range(3):
            client.get(PUBLIC)
        assert client.get(PUBLIC).status_code == 429

        monkeypatch.setattr(limits.time, "time", lambda: 1_000_000_075.0)

        assert client.get(PUBLIC).status_code == 200

    def test_counts_guesses_too_and_takes_a_whole_ipv6_network_for_one(self, client, bind):
        for last in (1, 2, 3):
            assert client.get("/spiffe/birch/guess", REMOTE_ADDR=f"2001:db8::{last}").status_code == 404

        assert client.get("/spiffe/birch/guess", REMOTE_ADDR="2001:db8::9").status_code == 429
        assert client.get("/spiffe/birch/guess", REMOTE_ADDR="2001:db8:0:1::9").status_code == 404


class TestBinding:
    def test_is_an_officers_act_with_a_second_factor_and_leaves_an_event(self, cast, bind):
        for person in (cast.birch.admin, cast.birch.verifier, cast.birch.viewer):
            with pytest.raises(errors.NotAllowed):
                bind(actor=person.actor)
        with pytest.raises(errors.StepUpRequired):
            bind(actor=cast.birch.officer.actor_without_step_up)
        with pytest.raises(errors.NotFound):
            bind(actor=cast.cedar.officer.actor)
        assert not SpiffeBinding.objects.exists()

        bind()

        event = Event.objects.get(kind="store.spiffe_changed")
        assert (event.data["trust_domain"], event.data["public"]) == (DOMAIN, True)

    def test_changes_nothing_twice(self, bind):
        bind()
        bind()

        assert Event.objects.filter(kind="store.spiffe_changed").count() == 1

    @pytest.mark.parametrize(
        "name", ["", "spiffe://alder.example", "Alder.example", "alder.example/x", "alder example", "a" * 256, "é"]
    )
    def test_refuses_what_is_no_trust_domain(self, bind, name):
        with pytest.raises(errors.Invalid) as refusal:
            bind(trust_domain=name)

        assert refusal.value.fields["trust_domain"]

    def test_refuses_a_trust_domain_that_another_store_has(self, cast, bind):
        bind()
        other = make.empty_store(cast)

        with pytest.raises(errors.Conflict) as refusal:
            bind(of=other)

        assert refusal.value.code == "trust_domain_taken"

    def test_holds_to_the_trust_domains_that_the_agreement_names(self):
        assert rules.trust_domain_problem("mallory.example", ["alder.example"])
        assert not rules.trust_domain_problem("alder.example", ["alder.example"])

    def test_is_done_on_a_page(self, cast, bind, client):
        bind(public=False)
        officer = cast.birch.officer.client()
        assert b"needs a token" in officer.get("/trust-stores/alder-prod/spiffe/").content

        done = officer.post("/trust-stores/alder-prod/spiffe/", {"trust_domain": DOMAIN, "public": "on"})

        assert done.status_code == 302
        assert b"https_web" in officer.get("/trust-stores/alder-prod/spiffe/").content
        assert client.get(PUBLIC).status_code == 200
        wrong = officer.post("/trust-stores/alder-prod/spiffe/", {"trust_domain": "NO"})
        assert wrong.status_code == 400

    def test_asks_for_the_second_factor_on_the_page(self, cast, store):
        stale = cast.birch.officer.client(stepped_up=False)

        stale.post("/trust-stores/alder-prod/spiffe/", {"trust_domain": DOMAIN, "public": "on"})

        assert not SpiffeBinding.objects.exists()

    def test_is_read_and_changed_over_the_api_by_a_person_only(self, cast, store):
        officer, address = cast.birch.officer.client(), "/api/v1/trust-stores/alder-prod/spiffe"
        body = {"trust_domain": DOMAIN, "public": True}
        assert officer.get(address).status_code == 404

        done = officer.put(address, body, content_type="application/json")

        assert (done.status_code, done.json()["public"]) == (200, True)
        assert officer.get(address).json()["trust_domain"] == DOMAIN
        assert cast.birch.viewer.client().put(address, body, content_type="application/json").status_code == 403
        assert cast.cedar.officer.client().get(address).status_code == 404


class TestBundleMap:
    def test_holds_every_public_bundle_under_its_trust_domain_and_no_hint_inside(self, client, bind):
        bind()

        answer = client.get("/spiffe/birch/")

        bundle = json.loads(answer.content)["trust_domains"][DOMAIN]
        assert bundle["spiffe_sequence"] == 1
        assert "spiffe_refresh_hint" not in bundle

    def test_is_pulled_with_a_token_when_nothing_is_public(self, cast, client, bind):
        token = make_consumers.registered(cast)[1]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/v1/spiffe-bundle-map", headers=headers).status_code == 404
        bind(public=False)

        answer = client.get("/api/v1/spiffe-bundle-map", headers=headers)

        assert set(answer.json()["trust_domains"]) == {DOMAIN}
        assert answer["Cache-Control"] == "private, no-cache"
        assert client.get("/api/v1/spiffe-bundle-map").status_code == 401
        make.empty_store(cast)
        other = make_consumers.registered(cast, "other", store="other-prod")[1]
        assert client.get("/api/v1/spiffe-bundle-map", headers={"Authorization": f"Bearer {other}"}).status_code == 404

    def test_leaves_out_a_store_whose_version_has_no_bundle(self, cast, bind):
        bind()
        other = make.empty_store(cast)
        bound = queries.binding_of(make_consumers.store_of(cast))
        without = SpiffeBinding(relying=other.relying, store=other, trust_domain="other.example")

        assert set(json.loads(queries.map_of(queries.with_bundles([without, bound])))["trust_domains"]) == {DOMAIN}
        with pytest.raises(errors.NotFound):
            queries.with_bundles([without])

    def test_is_noted_as_a_pull_of_the_stores_that_it_holds_and_of_no_other(self, cast, client, bind, now):
        bind()
        make.published(cast, certificates.root(key=ec.generate_private_key(ec.BrainpoolP256R1())), environment="test")
        without = make_consumers.store_of(cast, "alder-test")
        bind(of=without, trust_domain="test.alder.example")
        both = [make_consumers.store_of(cast), without]
        token = consumers.register(name="spire", stores=both, owner="team", actor=cast.birch.admin.actor, now=now)[1]

        answer = client.get("/api/v1/spiffe-bundle-map", headers={"Authorization": f"Bearer {token}"})
        pulls.recorder.flush()

        assert set(answer.json()["trust_domains"]) == {DOMAIN}
        assert [pull.store.name for pull in PullRecord.objects.all()] == ["alder-prod"]

    def test_never_names_a_trust_domain_twice(self):
        with pytest.raises(ValueError, match="twice"):
            spiffe.bundle_map([("a.example", b"{}"), ("a.example", b"{}")])

    def test_of_one_store_is_a_file_of_each_version_and_the_page_says_which_domain_the_current_one_names(
        self, cast, bind
    ):
        officer, page = cast.birch.officer.client(), "/trust-stores/alder-prod/spiffe/"
        api = "/api/v1/trust-stores/alder-prod/spiffe"
        bind()
        assert "From the next version on" in officer.get(page).content.decode()
        assert officer.get(api).json()["in_current_map"] == ""

        second = make.published(cast, certificates.root("Second"))

        made = json.loads(bytes(second.artifacts.get(format="spiffe-map.json").content))["trust_domains"]
        assert (list(made), made[DOMAIN]["spiffe_sequence"], len(made[DOMAIN]["keys"])) == ([DOMAIN], 2, 2)
        assert "spiffe_refresh_hint" not in made[DOMAIN]
        assert "trust_bundles:" in officer.get(page).content.decode()

        bind(trust_domain="alder2.example")

        assert f'v2</span> names <span class="mono">{DOMAIN}' in officer.get(page).content.decode()
        assert officer.get(api).json()["in_current_map"] == DOMAIN
