"""Pages about trust stores, as members see them."""

import pytest

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.consumers.recording import record_pulls
from trust.stores import pages, queries, shown
from trust.stores.models import StoreDraft, StoreVersion
from trust.stores.serve.pulls import Pull

ADDRESSES = [
    "/trust-stores/",
    "/trust-stores/alder-prod/",
    "/trust-stores/alder-prod/versions/",
    "/trust-stores/alder-prod/v1/",
    "/trust-stores/alder-prod/v2/",
    "/trust-stores/alder-prod/compare/v1...v2/",
    "/trust-stores/alder-prod/v1/again/",
    "/trust-stores/alder-prod/withdraw/",
    "/trust-stores/alder-prod/restore/",
    "/trust-stores/alder-prod/try/",
    "/trust-stores/alder-prod/spiffe/",
    "/trust-stores/alder-prod/consumers/",
    "/consumers/",
    "/consumers/new/",
    "/consumers/payments-gw/",
    "/consumers/payments-gw/change/",
    "/consumers/payments-gw/token/",
]


@pytest.fixture
def officer(cast):
    return cast.birch.officer.client()


@pytest.fixture
def stores(cast, now):
    make.published(cast)
    make.published(cast, *make.whole("Other"))
    make_consumers.registered(cast)
    return queries.get(cast.birch.organization, "alder-prod")


@pytest.fixture
def removed(cast, officer, stores):
    issuing = make.hierarchy().issuing
    answer = officer.post(
        "/trust-stores/alder-prod/withdraw/", {"certificates": [issuing.sha256], "reason": "Its key was stolen."}
    )
    assert answer.status_code == 302, answer.content
    return issuing


@pytest.mark.parametrize("address", ADDRESSES)
class TestEveryPage:
    def test_is_drawn_for_members(self, officer, stores, address):
        answer = officer.get(address)

        assert answer.status_code == 200
        assert answer.content.count(b"<h1") == 1

    def test_is_not_there_for_strangers(self, cast, stores, address):
        answer = cast.cedar.officer.client().get(address)

        empty_list = address in ("/trust-stores/", "/consumers/", "/consumers/new/")
        assert answer.status_code == (200 if empty_list else 404)
        assert b"payments-gw" not in answer.content.replace(b"for example payments-gw", b"")


class TestVersions:
    def test_say_how_many_services_run_each_and_lead_to_what_it_changed(self, officer, stores, now, monkeypatch):
        monkeypatch.setattr(pages, "VERSIONS_PAGE", 1)
        record_pulls([Pull(stores.consumers.get().pk, stores.pk, None, now, 1, 1, "")])

        newest, oldest = (officer.get(f"/trust-stores/alder-prod/versions/?page={page}") for page in (1, 2))

        assert 'href="/trust-stores/alder-prod/compare/v1...v2/"' in newest.content.decode()
        assert "1 to 1 of 2 versions" in newest.content.decode()
        assert "1 service</td>" not in newest.content.decode()
        assert "1 service</td>" in oldest.content.decode()
        assert "/compare/" not in oldest.content.decode()

    def test_show_those_around_them_and_who_runs_them_or_that_nobody_does(self, officer, stores, now):
        record_pulls([Pull(stores.consumers.get().pk, stores.pk, None, now, 1, 1, "")])

        first, second = (officer.get(f"/trust-stores/alder-prod/v{number}/").content.decode() for number in (1, 2))

        assert 'href="/consumers/payments-gw/"' in first
        assert "No service runs v2 yet." in second
        assert '<span aria-current="page">v2</span>' in second
        assert 'href="/trust-stores/alder-prod/v1/">v1' in second

    @pytest.mark.parametrize("address", ["compare/v1...v2/", "withdraw/"])
    def test_name_certificates_from_the_top_of_each_chain_down(self, officer, stores, address):
        page = officer.get(f"/trust-stores/alder-prod/{address}").content.decode().partition("<main")[2]

        for company in ("Alder", "Other"):
            names = [f"CN={company} {tier} CA" for tier in ("Root", "Intermediate", "Issuing")]
            assert sorted(names, key=page.index) == names

    def test_name_certificates_in_that_order_however_they_come(self, db):
        chains = [[make.certificate(each) for each in make.whole(company)] for company in ("Alder", "Other")]
        first, second = chains

        assert shown.as_chains([*second[::-1], *first[::-1]]) == [*second, *first]
        assert shown.as_chains([first[2], first[1]]) == [first[1], first[2]]


class TestRemoving:
    def test_publishes_at_once_and_asks_for_a_review(self, officer, removed):
        page = officer.get("/trust-stores/alder-prod/v3/").content.decode()

        assert "Waiting for a review" in page
        assert "You published it, so you cannot review it." in page

    def test_is_reviewed_on_the_version_page(self, cast, removed):
        other = cast.birch.second_officer.client()
        assert "Record that you reviewed it" in other.get("/trust-stores/alder-prod/v3/").content.decode()

        other.post("/trust-stores/alder-prod/v3/review/", {"note": "Right."})

        assert StoreVersion.objects.get(number=3).reviewed_by == cast.birch.second_officer.user

    def test_says_when_the_note_of_a_review_is_too_long(self, cast, removed):
        answer = cast.birch.second_officer.client().post("/trust-stores/alder-prod/v3/review/", {"note": "x" * 2001})

        assert answer.status_code == 400
        assert "There is a problem" in answer.content.decode()
        assert StoreVersion.objects.get(number=3).reviewed_at is None

    def test_because_of_a_notice_leads_to_it(self, cast, officer, removed):
        StoreVersion.objects.filter(number=3).update(notice_label="AL-2026-001")

        page = officer.get("/trust-stores/alder-prod/v3/").content.decode()

        assert '<a href="/notices/AL-2026-001/">AL-2026-001</a>' in page

    def test_asks_for_a_fresh_second_factor(self, cast, stores):
        stale = cast.birch.officer.client(stepped_up=False)
        answer = stale.post(
            "/trust-stores/alder-prod/withdraw/",
            {"certificates": [make.hierarchy().issuing.sha256], "reason": "Its key was stolen."},
        )

        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
        assert StoreVersion.objects.count() == 2

    @pytest.mark.parametrize(
        ("field", "value"),
        [("reason", ""), ("certificates", []), ("certificates", ["00" * 32]), ("reason", "x" * 3000)],
    )
    def test_names_the_field_that_is_wrong(self, officer, stores, field, value):
        data = {"certificates": [make.hierarchy().issuing.sha256], "reason": "Stolen."} | {field: value}
        answer = officer.post("/trust-stores/alder-prod/withdraw/", data)

        assert answer.status_code == 400
        assert f"id_{field}" in answer.content.decode()
        assert StoreVersion.objects.count() == 2


class TestRestoring:
    def test_goes_to_another_officer(self, cast, officer, removed):
        sent = officer.post(
            "/trust-stores/alder-prod/restore/", {"certificates": [removed.sha256], "reason": "It was a drill."}
        )
        own = officer.get(sent["Location"]).content.decode()
        other = cast.birch.second_officer.client()
        page = other.get(sent["Location"]).content.decode()
        published = other.post(sent["Location"], {"reason": "It was a drill."})

        assert "You proposed this, so you cannot publish it." in own
        assert "Publish alder-prod v4" in page
        assert published["Location"] == "/trust-stores/alder-prod/v4/"
        assert StoreDraft.objects.get().state == "published"

    def test_can_be_withdrawn(self, officer, removed):
        officer.post(
            "/trust-stores/alder-prod/restore/", {"certificates": [removed.sha256], "reason": "It was a drill."}
        )
        draft = StoreDraft.objects.get()
        officer.post(f"/trust-stores/drafts/{draft.pk}/withdraw/")

        assert StoreVersion.objects.count() == 3
        assert "Withdrawn by" in officer.get(f"/trust-stores/drafts/{draft.pk}/").content.decode()


class TestTryAChain:
    def test_says_under_which_version_it_verifies(self, officer, stores):
        tiers = make.hierarchy()
        chain = (tiers.leaf.pem + tiers.issuing.pem + tiers.policy.pem).decode()

        page = officer.post("/trust-stores/alder-prod/try/", {"chain": chain}).content.decode()

        assert "It verifies under v2 for" in page

    def test_says_why_a_foreign_chain_does_not(self, officer, stores):
        tiers = make.hierarchy("Foreign")
        page = officer.post("/trust-stores/alder-prod/try/", {"chain": tiers.leaf.pem.decode()}).content.decode()

        assert "It does not verify under v2: unable to get local issuer certificate" in page

    def test_refuses_a_private_key_and_does_not_show_it(self, officer, stores):
        leaked = make.hierarchy().issuing.key_pem().decode()
        answer = officer.post("/trust-stores/alder-prod/try/", {"chain": leaked})

        assert answer.status_code == 400
        assert leaked.splitlines()[1] not in answer.content.decode()
