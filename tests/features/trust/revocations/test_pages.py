"""What people and programs see of CRLs and OCSP: the page of a partnership, the certificate, Home, the checklist, the API."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from notifications.fanout import rules as fanout
from portal.dashboard import needs
from portal.organizations import acting
from tests.features.trust.revocations.conftest import LOOPBACK
from tests.makers import certificates as make
from tests.makers import consumers, stores
from trust.inventory import queries as inventory
from trust.inventory.rules import Filters, Kind
from trust.onboarding import sightings
from trust.revocations import services
from trust.revocations.models import RevocationSource
from trust.stores.models import TrustStore

HOUR = timedelta(hours=1)


@pytest.fixture
def store(cast, tiers, now) -> TrustStore:
    return stores.published(cast, *tiers.cas).store


def watch(now):
    RevocationSource.objects.update(next_check_at=now)
    services.watch(now=now, guard=LOOPBACK)


def page(person, name, *args) -> str:
    response = person.client().get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


class TestThePageOfAPartnership:
    def test_shows_both_sides_how_each_address_stands(self, cast, store, server, now):
        server.put("/root.crl", b"", manner="503")
        for tries in range(3):
            watch(now + tries * HOUR)

        for person in (cast.alder.viewer, cast.birch.viewer):
            text = page(person, "revocations", cast.partnership.slug)
            assert "CRL of Alder Root CA" in text
            assert "It answered 503." in text
            assert "Unreachable" in text
            assert "Answers" in text

    def test_says_who_has_to_do_what_about_a_missing_notice(self, cast, store, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
        watch(now)

        own = page(cast.alder.officer, "revocations", cast.partnership.slug)
        theirs = page(cast.birch.officer, "revocations", cast.partnership.slug)

        assert "revoked <bdi>Alder Issuing CA</bdi> and sent no notice" in own
        assert "send your partner a signed notice" in own
        assert "call <bdi>Alder</bdi> on a number from the directory" in theirs

    def test_is_not_there_for_strangers(self, cast, store):
        response = cast.cedar.officer.client().get(reverse("revocations", args=[cast.partnership.slug]))

        assert response.status_code == 404

    def test_has_an_empty_state(self, cast):
        assert "Nothing to ask yet" in page(cast.birch.viewer, "revocations", cast.partnership.slug)


def test_the_page_of_a_certificate_has_the_live_check_with_its_time(cast, store, server, tiers, now):
    server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
    watch(now)

    text = page(cast.birch.viewer, "certificate", tiers.issuing.sha256)

    assert "Where its revocation is seen" in text
    assert "CRL of Alder Policy CA revokes it (cACompromise)" in text
    assert "checked" in text
    assert "Its own CRL and OCSP" in page(cast.birch.viewer, "certificate", tiers.policy.sha256)


class TestThePageOfAStore:
    def test_warns_of_a_set_that_is_not_whole_and_names_the_ca(self, cast, store, now):
        watch(now)

        text = page(cast.birch.viewer, "trust_store", store.name)

        assert "Not whole" in text
        assert "No current CRL of Alder Issuing CA." in text
        assert f"/api/v1/trust-stores/{store.name}/crl-set.pem" in text

    def test_takes_nothing_but_a_whole_set_in_its_snippet(self, cast, store):
        assert "grep -qx &#x27;# complete: yes&#x27;" in page(cast.birch.viewer, "trust_store", store.name)


class TestHome:
    def test_tells_both_sides_of_a_revocation_without_a_notice(self, cast, store, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
        watch(now)

        own = needs.of(cast.alder.officer.actor, now)
        theirs = needs.about(needs.of(cast.birch.officer.actor, now), cast.partnership.pk)

        assert any(each.title == "Your CRL revokes Alder Issuing CA" for each in own)
        assert any("Alder’s CRL revokes Alder Issuing CA" in each.title for each in theirs)
        assert all(each.tint == "bad" for each in [*own, *theirs] if "revokes" in each.title)

    def test_tells_the_owner_of_an_address_that_does_not_answer(self, cast, store, server, now):
        server.put("/root.crl", b"", manner="503")
        for tries in range(3):
            watch(now + tries * HOUR)

        own = [each for each in needs.of(cast.alder.officer.actor, now) if each.tag == "Unreachable"]
        theirs = [each for each in needs.of(cast.birch.officer.actor, now) if each.tag == "Unreachable"]

        assert [each.tint for each in own] == ["warn"]
        assert [each.tint for each in theirs] == ["info"]
        assert "It answered 503." in own[0].sentence


class TestTheChecklist:
    def see(self, cast, now):
        return sightings.look("revocation_served", cast.partnership, cast.alder.organization, now)

    def test_waits_until_the_portal_has_asked(self, cast, store, now):
        seen = self.see(cast, now)

        assert (seen.done, seen.problem) == (False, False)

    def test_sees_for_itself_that_all_addresses_answer_and_since_when(self, cast, store, now):
        watch(now)

        seen = self.see(cast, now)

        assert seen.done
        assert seen.sentence == "All 2 addresses answer, and what is served there is fresh."
        assert seen.since == now

    def test_sees_the_problem_and_since_when(self, cast, store, server, tiers, now):
        watch(now)
        server.put("/root.crl", make.crl(tiers.root, signing_key=make.ec_key("somebody")))
        watch(now + HOUR)

        seen = self.see(cast, now + HOUR)

        assert (seen.done, seen.problem, seen.since) == (False, True, now + HOUR)
        assert seen.sentence.startswith("The CRL of Alder Root CA: The CRL was not signed by the key")

    def test_names_the_certificate_that_names_no_address(self, cast, now):
        stores.submission(cast, *make.hierarchy().cas)

        seen = self.see(cast, now)

        assert seen.problem
        assert "names neither a CRL nor an OCSP responder" in seen.sentence


class TestTheInventory:
    def rows(self, cast, now, **filters):
        found = inventory.every_row(cast.birch.organization, Filters(kind=Kind.CA, **filters), now)
        return {row.sha256: row for row in found}

    def test_calls_a_certificate_revoked_that_its_ca_does_though_no_notice_came(self, cast, store, server, tiers, now):
        server.put("/policy.crl", make.crl(tiers.policy, revoked=[tiers.issuing]))
        watch(now)

        row = self.rows(cast, now)[tiers.issuing.sha256]

        assert (row.state, row.revocation_reason, row.revoked_at) == ("revoked", "cACompromise", now - HOUR)
        assert set(self.rows(cast, now, state="revoked")) == {tiers.issuing.sha256}
        assert tiers.issuing.sha256 not in self.rows(cast, now, state="trusted")


class TestTheApi:
    def test_lists_what_is_watched(self, cast, store, now):
        watch(now)

        response = cast.birch.viewer.client().get(reverse("api_partnership_revocations", args=[cast.partnership.slug]))

        found = {each["url"].rsplit("/", 1)[1]: each for each in response.json()["sources"]}
        assert found["root.crl"]["state"] == "fresh"
        assert found["root.crl"]["crl_number"] == "1"
        assert found["root.crl"]["owner"] == "alder"
        assert response.json()["gaps"] == []

    def test_is_not_there_for_strangers(self, cast):
        response = cast.cedar.viewer.client().get(reverse("api_partnership_revocations", args=[cast.partnership.slug]))

        assert response.status_code == 404


class TestPullingAList:
    def pull(self, client, name="crl-set.pem", **headers):
        return client.get(f"/api/v1/trust-stores/alder-prod/{name}", headers=headers)

    def test_gives_the_bytes_with_their_digest_as_etag_and_304_after(self, cast, store, now):
        watch(now)
        client = cast.birch.viewer.client()

        first = self.pull(client)
        again = self.pull(client, **{"If-None-Match": first["ETag"]})

        assert first.status_code == 200
        assert first["Crl-Set-Complete"] == "?0"
        assert first["Trust-Store-Version"] == "1"
        assert first["Cache-Control"] == "private, no-cache"
        assert first.content.startswith(b"# CRLs for trust store alder-prod v1\n# complete: no\n")
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]

    @pytest.mark.parametrize("name", ["crl-set.pem", "crl-set.json", "deny-list.json"])
    def test_with_a_consumers_token(self, cast, store, now, name):
        _, made = consumers.registered(cast, store=store.name)

        response = Client().get(
            f"/api/v1/trust-stores/{store.name}/{name}", headers={"Authorization": f"Bearer {made}"}
        )

        assert response.status_code == 200

    def test_of_a_stranger_is_not_there(self, cast, store):
        assert self.pull(cast.cedar.viewer.client()).status_code == 404
        assert self.pull(cast.alder.viewer.client()).status_code == 404

    def test_of_a_store_without_a_version_is_not_there(self, cast):
        stores.empty_store(cast, "alder-prod")

        response = self.pull(cast.birch.viewer.client())

        assert response.status_code == 404
        assert response.json()["type"].endswith("no_version_yet") or "no version" in response.json()["title"]


def test_what_is_told_to_the_owner_is_told_once_whatever_the_number_of_partners():
    kinds = [kind for kind in fanout.TABLE if kind.startswith("revocation.")]

    assert {"revocation.unreachable", "revocation.changed_for_partner", "revocation.notice_missing"} <= set(kinds)
    assert fanout.TABLE["revocation.unreachable"].audience == "acting"
    assert fanout.TABLE["revocation.changed_for_partner"].audience == "partner"
    assert acting.PORTAL.kind == "portal"
