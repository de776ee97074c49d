"""The onboarding pages and API, as both companies see them."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from notifications.webhooks.models import WebhookEndpoint
from portal.partnerships.models import Partnership
from tests.makers import api_tokens, consumers, stores
from tests.makers import certificates as make
from tests.makers.onboarding import onboarding, ready
from trust.consumers.models import PullRecord
from trust.onboarding import kit, queries
from trust.onboarding.board_rules import Status
from trust.onboarding.kit_rules import TESTS
from trust.onboarding.models import CustomItem, NegativeSample, OnboardingTask, TaskEvidence
from trust.onboarding.rules import ITEMS

pytestmark = pytest.mark.django_db


def url(name, cast, *more):
    return reverse(name, args=[cast.partnership.slug, *more])


def page(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


class TestTheChecklist:
    def test_shows_both_sides_and_what_is_missing(self, cast):
        onboarding(cast)

        text = page(cast.alder.viewer.client(), url("onboarding", cast))

        assert "Not ready to go live" in text
        assert all(item.title in text for item in ITEMS)
        assert "Alder 1 of 12, Birch 1 of 12 of what is needed to go live." in text

    def test_says_why_what_is_not_done_is_not(self, cast):
        ready(cast, without=["key_verified", "store"])

        text = page(cast.alder.viewer.client(), url("onboarding", cast))

        assert "Cannot start yet because of: Verify the other side’s OpenPGP key." in text
        assert "Call Birch and verify the key." in text

    def test_lets_the_partner_be_reminded_once_a_day(self, cast):
        ready(cast, without=["store"])
        officer = cast.alder.officer.client()
        button = "Nudge Birch: Submit your root CAs"
        assert button in page(officer, url("onboarding", cast))
        assert "Nudge Birch" not in page(cast.alder.viewer.client(), url("onboarding", cast))

        answer = officer.post(url("onboarding_act", cast, "roots", "nudge"), {"from": "checklist"})

        assert answer.url == url("onboarding", cast)
        text = page(officer, url("onboarding", cast))
        assert button not in text
        assert "reminded" in text

    def test_offers_to_go_live_to_those_who_may(self, cast):
        ready(cast)

        assert "Go live</button>" in page(cast.alder.officer.client(), url("onboarding", cast))
        assert "Go live</button>" not in page(cast.alder.viewer.client(), url("onboarding", cast))

    def test_goes_live_when_both_sides_say_so(self, cast):
        ready(cast)

        cast.alder.officer.client().post(url("onboarding_go_live", cast))
        assert "You are ready." in page(cast.alder.officer.client(), url("onboarding", cast))
        cast.birch.officer.client().post(url("onboarding_go_live", cast))

        assert Partnership.objects.get(pk=cast.partnership.pk).state == "active"

    def test_answers_a_try_to_skip_the_gate_with_what_is_missing(self, cast):
        onboarding(cast)

        answer = cast.alder.officer.client().post(url("onboarding_go_live", cast))

        assert answer.status_code == 409
        assert "Not ready to go live" in answer.content.decode()
        assert Partnership.objects.get(pk=cast.partnership.pk).state == "onboarding"

    @pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.key)
    def test_has_a_page_for_every_item(self, cast, item):
        onboarding(cast)

        assert item.title in page(cast.alder.officer.client(), url("onboarding_task", cast, item.key))


class TestAnItem:
    def test_is_planned_and_completed(self, cast):
        onboarding(cast)
        client = cast.alder.admin.client()

        client.post(url("onboarding_task", cast, "monitoring"), {"owner": "Priya Nair", "due_on": "2027-01-31"})
        client.post(url("onboarding_act", cast, "monitoring", "complete"))

        task = OnboardingTask.objects.get()
        assert (task.owner, str(task.due_on), task.done_by) == ("Priya Nair", "2027-01-31", cast.alder.admin.user)

    def test_takes_evidence_and_gives_it_back(self, cast):
        onboarding(cast)
        file = SimpleUploadedFile("report.html", b"<script>alert(1)</script>")

        cast.alder.admin.client().post(url("onboarding_evidence", cast, "monitoring"), {"file": file})
        kept = TaskEvidence.objects.get()
        answer = cast.birch.viewer.client().get(url("onboarding_evidence_file", cast, kept.pk))

        assert answer.content == b"<script>alert(1)</script>"
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment")

    def test_names_what_is_wrong_with_evidence(self, cast):
        onboarding(cast)
        file = SimpleUploadedFile("key.pem", make.leaf().key_pem())

        answer = cast.alder.admin.client().post(url("onboarding_evidence", cast, "monitoring"), {"file": file})

        assert answer.status_code == 400
        assert "private key" in answer.content.decode()
        assert not TaskEvidence.objects.exists()

    def test_is_not_completed_twice_by_hand(self, cast):
        onboarding(cast)

        assert cast.alder.admin.client().post(url("onboarding_act", cast, "agreement", "complete")).status_code == 409

    def test_is_added_and_removed(self, cast):
        onboarding(cast)
        client = cast.alder.admin.client()
        client.post(
            url("onboarding_item_new", cast), {"title": "Exchange runbooks", "group": "Operate", "needed": "on"}
        )
        item = CustomItem.objects.get()
        assert "Remove the item" in page(client, url("onboarding_task", cast, f"own-{item.pk}"))

        client.post(url("onboarding_item_remove", cast, item.pk))

        assert not queries.custom_items(cast.partnership).exists()


class TestSightingsFromAbove:
    def test_see_a_webhook_that_answered(self, cast, now):
        onboarding(cast)
        WebhookEndpoint.objects.create(
            organization=cast.alder.organization,
            name="pager",
            url="https://hooks.alder.example/",
            state="active",
            created_at=now,
            proven_at=now,
        )

        line = queries.board(cast.partnership, now).line("webhook")
        assert line.cell("alder").status is Status.COMPLETED
        assert line.cell("birch").status is Status.NOT_STARTED


class TestAConsumer:
    @pytest.mark.parametrize(
        ("reported", "status", "sentence"),
        [
            ({}, Status.NOT_STARTED, "payments-gw pulled v1. It has not reported which version it runs."),
            ({"reported_number": 1, "reported_stage": "loaded"}, Status.COMPLETED, "pulled v1, and reports v1."),
            ({"reported_number": 1, "reported_stage": "fetched"}, Status.PROBLEM, "could not take it into use."),
        ],
    )
    def test_has_done_its_part_when_it_pulled_and_reported(self, cast, now, reported, status, sentence):
        ready(cast)
        consumer, _ = consumers.registered(cast)
        PullRecord.objects.create(
            consumer=consumer,
            store=consumers.store_of(cast),
            pulled_at=now,
            version_number=1,
            reported_at=now if reported else None,
            **reported,
        )

        cell = queries.board(cast.partnership, now).line("consumer").cell("birch")

        assert (cell.status, cell.sentence.endswith(sentence)) == (status, True), cell


class TestJointTests:
    def test_are_supplied_run_and_shown(self, cast):
        ready(cast)
        tiers = stores.hierarchy("Alder")
        leaf = make.leaf(tiers.issuing)
        cast.alder.verifier.client().post(
            url("negative_sample_add", cast),
            {
                "expectation": "good_client",
                "content": SimpleUploadedFile("client.pem", leaf.pem + tiers.issuing.pem),
            },
        )
        assert NegativeSample.objects.count() == 1

        cast.birch.verifier.client().post(url("negative_tests_run", cast))

        text = page(cast.birch.viewer.client(), url("negative_tests", cast))
        assert "1 of 1 came out as expected" in text
        assert "openssl: accepted; cryptography: accepted" in text

    def test_name_what_is_wrong_with_a_sample(self, cast):
        answer = cast.alder.verifier.client().post(
            url("negative_sample_add", cast),
            {"expectation": "good_client", "content": SimpleUploadedFile("x.pem", b"hello")},
        )

        assert answer.status_code == 400
        assert "This is no PEM with certificates" in answer.content.decode()


class TestTheApi:
    def test_gives_the_checklist(self, cast):
        onboarding(cast)

        answer = cast.birch.viewer.client().get(f"/api/v1/partnerships/{cast.partnership.slug}/onboarding").json()

        assert answer["state"] == "onboarding"
        assert [each["key"] for each in answer["items"]] == [item.key for item in ITEMS]
        assert {"item": "store", "side": "alder"}.items() <= next(
            each for each in answer["missing"] if each["item"] == "store"
        ).items()

    def test_says_what_is_missing_when_asked_to_go_live(self, cast):
        onboarding(cast)

        answer = cast.alder.officer.client().post(f"/api/v1/partnerships/{cast.partnership.slug}/activation")

        assert (answer.status_code, answer.json()["code"]) == (409, "onboarding_incomplete")
        assert answer.json()["missing"]

    def test_goes_live(self, cast):
        ready(cast)
        address = f"/api/v1/partnerships/{cast.partnership.slug}/activation"

        assert cast.alder.officer.client().post(address).json()["state"] == "onboarding"
        assert cast.birch.officer.client().post(address).json()["state"] == "active"

    def test_changes_an_item(self, cast):
        onboarding(cast)

        answer = cast.alder.officer.client().patch(
            f"/api/v1/partnerships/{cast.partnership.slug}/onboarding/items/monitoring",
            json.dumps({"owner": "Priya Nair", "done": True}),
            content_type="application/json",
        )

        side = next(each for each in answer.json()["sides"] if each["side"] == "alder")
        assert (side["status"], side["owner"]) == ("completed", "Priya Nair")

    @pytest.mark.parametrize("path", ["onboarding", "onboarding/items/monitoring"])
    def test_answers_strangers_like_what_does_not_exist(self, cast, path):
        answer = cast.cedar.officer.client().get(f"/api/v1/partnerships/{cast.partnership.slug}/{path}")

        assert answer.status_code == 404


class TestReviewsOverTheApi:
    def test_are_opened_answered_and_signed_off_by_people(self, cast):
        base = f"/api/v1/partnerships/{cast.partnership.slug}/reviews"
        alder, birch = cast.alder.officer.client(), cast.birch.officer.client()
        opened = alder.post(base).json()
        finding = {
            "title": "Old key",
            "severity": "high",
            "action": "Rotate it",
            "owner": "Mei",
            "due_on": "2026-12-24",
        }

        made = post(alder, f"{base}/1/findings", finding)
        early = alder.post(f"{base}/1/sign-off")
        for client in (alder, birch):
            for question in opened["questions"]:
                if not question["seen_by_the_portal"]:
                    post(client, f"{base}/1/answers", {"question": question["key"], "yes": True, "note": "Looked."})
        alder.post(f"{base}/1/sign-off")
        closed = birch.post(f"{base}/1/sign-off").json()

        assert (early.status_code, early.json()["code"]) == (409, "review_incomplete")
        assert closed["closed_at"]
        assert closed["signed_off_by"] == ["alder", "birch"]
        said = next(each for each in closed["questions"] if each["key"] == "ca_keys")["sides"]
        assert [(each["side"], each["yes"], each["says"]) for each in said] == [
            ("alder", True, "Looked."),
            ("birch", True, "Looked."),
        ]
        listed = cast.birch.viewer.client().get(base).json()
        assert [each["title"] for each in listed["open_findings"]] == ["Old key"]
        address = f"/api/v1/partnerships/{cast.partnership.slug}/review-findings/{made['id']}/closing"
        assert post(birch, address, {"note": "Rotated."})["closing_note"] == "Rotated."
        assert birch.get(base).json()["open_findings"] == []


class TestJointTestsOverTheApi:
    def test_let_a_program_fetch_the_kit_and_hand_in_its_result(self, cast):
        ready(cast)
        program = Client(headers=api_tokens.headers(cast.alder, "submit"))
        base = f"/api/v1/partnerships/{cast.partnership.slug}/onboarding/tests"
        outcomes = [{"test": test, "outcome": "passed", "says": "ok"} for test in TESTS]
        result = {
            "format": kit.FORMAT,
            "format_version": 1,
            "kit": "alder-birch/alder birch-prod v1",
            "results": outcomes,
        }

        zipped = program.get(f"{base}/kit.zip")
        made = post(program, f"{base}/kit-results", result)
        refused = program.post(f"{base}/kit-results", result | {"kit": "alder-birch/birch"}, "application/json")

        assert zipped.content.startswith(b"PK")
        assert (made["side"], made["passed"], made["count"]) == ("alder", len(TESTS), len(TESTS))
        assert (refused.status_code, refused.json()["code"]) == (400, "kit_result_not_usable")
        shown = cast.birch.viewer.client().get(base).json()["kit_results"]
        assert [(each["side"], each["store_version"]) for each in shown] == [("alder", 1)]

    def test_let_a_program_run_what_a_person_supplied(self, cast):
        stores.published(cast, *stores.whole())
        base = f"/api/v1/partnerships/{cast.partnership.slug}/onboarding/tests"
        leaf = make.leaf(make.root(subject=make.name("Other Root", "Other")))
        sample = {"expectation": "wrong_ca", "content": leaf.pem.decode()}
        program = Client(headers=api_tokens.headers(cast.birch, "submit"))

        post(cast.alder.officer.client(), f"{base}/samples", sample)
        made = program.post(f"{base}/runs").json()

        assert (made["side"], made["passed"], made["complete"]) == ("birch", 1, False)
        assert (
            made["results"][0]["found"]
            == "openssl: no chain to a trusted root; cryptography: no chain to a trusted root"
        )
        shown = cast.alder.viewer.client().get(base).json()
        assert [each["expectation"] for each in shown["samples"]] == ["wrong_ca"]
        assert shown["runs"] == [made]


def post(client, address, body):
    answer = client.post(address, json.dumps(body), content_type="application/json")
    assert answer.status_code in (200, 201), answer.content
    return answer.json()
