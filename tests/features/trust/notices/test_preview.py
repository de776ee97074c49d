"""What a revocation would do, shown to its sender before anything is signed: enough to decide, nothing of the receiver's."""

import json
import re

import pytest

from tests.makers import consumers, notices, stores
from tests.makers.agreements import in_force, make_values
from trust.notices import composing, document, life
from trust.notices.rules import Kind
from trust.stores.models import StoreEntry, TrustStore

ROOT, POLICY, ISSUING = (each.sha256 for each in stores.whole())
REVOCATION = {"revocation_reason": "keyCompromise"}


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def shared(cast):
    in_force(cast, terms=make_values(sharing__consumer_counts=True))
    cast.partnership.refresh_from_db()


def seen(cast, alder, now, digest):
    said = document.from_members(alder.members(certificate_sha256=digest))
    return composing.preview(said, partnership=cast.partnership, now=now, sender=alder.sender.organization)


def drafted(cast, now, digest):
    return composing.compose(
        actor=cast.alder.officer.actor,
        now=now,
        partnership=cast.partnership,
        kind=Kind.CA_REVOCATION,
        members={"certificate_sha256": digest, **REVOCATION},
    )


class TestLosses:
    def test_name_the_ca_first_and_then_everything_that_hangs_below_it(self, cast, now, alder):
        (loss,) = seen(cast, alder, now, POLICY).losses

        assert [each.sha256 for each in loss.stops] == [POLICY, ISSUING]
        assert not loss.empties

    def test_say_that_nothing_is_left_when_the_only_root_goes(self, cast, now, alder):
        (loss,) = seen(cast, alder, now, ROOT).losses

        assert {each.sha256 for each in loss.stops} == {ROOT, POLICY, ISSUING}
        assert loss.empties

    @pytest.mark.parametrize("digest", [ROOT, POLICY, ISSUING], ids=["root", "policy", "issuing"])
    def test_are_what_the_notice_does_later(self, cast, now, alder, digest):
        (loss,) = seen(cast, alder, now, digest).losses
        before = set(StoreEntry.objects.values_list("certificate_id", flat=True))

        alder.send(certificate_sha256=digest, effective_date=alder.members()["timestamp"])

        after = set(StoreEntry.objects.filter(version__number=2).values_list("certificate_id", flat=True))
        assert {each.sha256 for each in loss.stops} == before - after

    def test_are_none_once_the_stores_do_not_hold_it(self, cast, now, alder):
        alder.send(effective_date=alder.members()["timestamp"])

        assert seen(cast, alder, now, ISSUING).losses == []

    def test_are_only_of_stores_that_hold_it(self, cast, now, alder):
        stores.empty_store(cast, "other-prod")

        assert len(seen(cast, alder, now, ISSUING).losses) == 1

    def test_keep_names_and_numbers_back_without_an_agreement_that_shares_them(self, cast, now, alder):
        consumers.registered(cast)

        preview = seen(cast, alder, now, ISSUING)

        assert (preview.losses[0].store, preview.losses[0].services, preview.services_hit) == ("", None, None)

    def test_count_each_service_once_where_the_agreement_shares_counts(self, cast, now, alder, shared):
        consumers.registered(cast, "payments-gw")
        first, _ = consumers.registered(cast, "ledger")
        second = stores.empty_store(cast, "other-prod")
        first.stores.add(second)
        consumers.registered(cast, "idle", store="other-prod")

        preview = seen(cast, alder, now, ISSUING)

        assert (preview.losses[0].store, preview.losses[0].version, preview.losses[0].services) == ("alder-prod", 1, 2)
        assert preview.services_hit == 2


class TestDraftPage:
    def text(self, cast, draft) -> str:
        return cast.alder.officer.client().get(f"/notices/drafts/{draft.pk}/").content.decode()

    def test_shows_what_stops_verifying_and_nothing_of_the_receivers(self, cast, now, alder):
        consumers.registered(cast)

        page = self.text(cast, drafted(cast, now, POLICY))

        assert "Everything it signed stops verifying there" in page
        assert "Alder Issuing CA" in page
        assert "alder-prod" not in page
        assert "payments-gw" not in page
        assert "no agreement shares consumer counts" in page

    def test_shows_counts_that_are_shared_and_no_name_of_a_service(self, cast, now, alder, shared):
        consumers.registered(cast)

        page = self.text(cast, drafted(cast, now, POLICY))

        assert "alder-prod" in page
        assert "1 service pulls it" in page
        assert "payments-gw" not in page

    def test_says_that_nothing_changes_when_no_store_holds_it(self, cast, now, alder):
        draft = drafted(cast, now, ISSUING)
        TrustStore.objects.update(current_number=0)

        assert "None of your partner&#x27;s trust stores holds it now" in self.text(cast, draft).replace("'", "&#x27;")


class TestApi:
    ADDRESS = "/api/v1/notice-previews"

    def post(self, person, body):
        content = body if isinstance(body, str) else json.dumps(body)
        return person.client().post(self.ADDRESS, content, content_type="application/json")

    def test_answers_what_the_page_shows_and_keeps_nothing(self, cast, now, alder):
        answer = self.post(cast.alder.officer, alder.members(certificate_sha256=POLICY))

        assert answer.status_code == 200
        (loss,) = answer.json()["losses"]
        assert [each["sha256"] for each in loss["stops_verifying"]] == [POLICY, ISSUING]
        assert (loss["store"], loss["services"], answer.json()["services_hit"]) == (None, None, None)
        life.sweep(now=now)
        assert TrustStore.objects.get().current_number == 1
        assert cast.partnership.notices.count() == 0

    @pytest.mark.parametrize("body", ["", "[]", "{", '{"event_type": "ca_revocation"}', '{"a":1,"a":2}'])
    def test_refuses_what_is_no_notice(self, cast, alder, body):
        answer = self.post(cast.alder.officer, body)

        assert answer.status_code in (400, 422)
        assert answer.json()["code"].startswith("notice_")

    def test_refuses_to_speak_for_somebody_else(self, cast, now, alder):
        assert self.post(cast.birch.officer, alder.members()).status_code == 403
        assert self.post(cast.cedar.officer, alder.members()).status_code == 403

    def test_is_for_those_who_send_notices(self, cast, alder):
        assert self.post(cast.alder.viewer, alder.members()).status_code == 403


def test_what_a_partner_must_know_at_once_is_asked_first(cast):
    stores.published(cast)
    page = cast.alder.officer.client().get("/notices/new/alder-birch/ca_revocation/").content.decode()

    asked = re.findall(r'name="(certificate|revocation_reason|effective_date|summary|crl_url|tlp|distress)"', page)
    assert asked == ["certificate", "revocation_reason", "effective_date", "summary", "crl_url", "tlp", "distress"]
