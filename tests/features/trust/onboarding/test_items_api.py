"""Own items of the checklist, its kind, and evidence for items, over the API."""

import base64
import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.audit.models import Event
from portal.partnerships.models import Partnership
from tests.makers import api_tokens
from tests.makers import certificates as make
from tests.makers.onboarding import onboarding
from trust.onboarding import services
from trust.onboarding.models import CustomItem, GoLive, TaskEvidence

pytestmark = pytest.mark.django_db
BASE = "/api/v1/partnerships/alder-birch/onboarding"
ITEM = {"group": "Operate", "title": "Rehearse a takeover of the pager", "why": "At night it counts."}


@pytest.fixture(autouse=True)
def _not_live_yet(cast):
    onboarding(cast)


def send(client: Client, method: str, path: str, body=None):
    return getattr(client, method)(f"{BASE}{path}", json.dumps(body or {}), content_type="application/json")


def evidence(content: bytes = b"All went well.\n", **more):
    return {"name": "minutes.txt", "content": base64.b64encode(content).decode()} | more


class TestAnOwnItem:
    def test_is_added_read_by_both_sides_done_and_removed(self, cast):
        alder, birch = cast.alder.officer.client(), cast.birch.officer.client()

        added = send(alder, "post", "/items", ITEM | {"needed_to_go_live": True})
        key = added.json()["key"]
        read = birch.get(f"{BASE}/items/{key}").json()
        done = send(birch, "patch", f"/items/{key}", {"done": True}).json()
        removed = alder.delete(f"{BASE}/items/{key}")

        assert (added.status_code, removed.status_code) == (201, 204)
        assert read == added.json()
        assert (read["own"], read["needed_to_go_live"], read["why"]) == (True, True, ITEM["why"])
        assert {each["side"]: each["status"] for each in done["sides"]}["birch"] == "completed"
        assert alder.get(f"{BASE}/items/{key}").status_code == 404
        assert CustomItem.objects.get().removed_at
        kinds = Event.objects.filter(kind__startswith="onboarding.item").values_list("kind", flat=True)
        assert list(kinds.order_by("sequence")) == ["onboarding.item_added", "onboarding.item_removed"]

    def test_is_told_from_those_that_every_checklist_has(self, cast):
        send(cast.alder.officer.client(), "post", "/items", ITEM)

        listed = cast.birch.viewer.client().get(BASE).json()["items"]

        assert [each["title"] for each in listed if each["own"]] == [ITEM["title"]]

    def test_is_added_once_for_one_idempotency_key(self, cast):
        alder = cast.alder.officer.client()

        both = [
            alder.post(
                f"{BASE}/items", json.dumps(ITEM), content_type="application/json", headers={"Idempotency-Key": "1"}
            )
            for _ in range(2)
        ]

        assert [each.status_code for each in both] == [201, 201]
        assert CustomItem.objects.count() == 1

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"group": "Sing"}, "group"),
            ({"title": "x"}, "title"),
            ({"title": "x" * 121}, "title"),
            ({"why": "x" * 301}, "why"),
            ({"needed_to_go_live": "perhaps"}, "needed_to_go_live"),
        ],
    )
    def test_is_refused_with_the_field_that_is_wrong(self, cast, given, field):
        answer = send(cast.alder.officer.client(), "post", "/items", ITEM | given)

        assert answer.status_code == 400
        assert [each["field"] for each in answer.json()["errors"]] == [field]
        assert not CustomItem.objects.exists()

    def test_is_removed_by_the_side_that_added_it_only(self, cast):
        key = send(cast.alder.officer.client(), "post", "/items", ITEM).json()["key"]

        answers = [
            who.officer.client().delete(f"{BASE}/items/{path}").status_code
            for who, path in (
                (cast.birch, key),
                (cast.cedar, key),
                (cast.alder, "monitoring"),
                (cast.alder, "own-"),
                (cast.alder, "own-00000000-0000-0000-0000-000000000000"),
            )
        ]

        assert answers == [404] * 5
        assert CustomItem.objects.get().removed_at is None

    def test_is_for_those_who_manage_partnerships(self, cast):
        token = Client(headers=api_tokens.headers(cast.alder, "administer"))

        for client in (cast.alder.viewer.client(), token):
            assert send(client, "post", "/items", ITEM).status_code == 403
        assert send(cast.cedar.officer.client(), "post", "/items", ITEM).status_code == 404
        assert not CustomItem.objects.exists()


class TestAPartnershipThatEnded:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("post", "/items", ITEM),
            ("patch", "", {"template": "payments"}),
            ("post", "/items/monitoring/evidence", evidence()),
        ],
        ids=["item", "kind", "evidence"],
    )
    def test_keeps_its_checklist_as_it_is(self, cast, method, path, body):
        Partnership.objects.update(state=Partnership.State.ENDED)

        answer = send(cast.alder.officer.client(), method, path, body)

        assert (answer.status_code, answer.json()["code"]) == (409, "partnership_ended")
        assert (CustomItem.objects.count(), TaskEvidence.objects.count()) == (0, 0)


class TestTheKind:
    def test_is_chosen(self, cast):
        GoLive.objects.create(
            partnership=cast.partnership,
            organization=cast.birch.organization,
            person=cast.birch.officer.user,
            at=cast.partnership.created_at,
        )

        answer = send(cast.alder.officer.client(), "patch", "", {"template": "payments"})
        unknown = send(cast.alder.officer.client(), "patch", "", {"template": "none"})

        assert (answer.status_code, answer.json()["template"], answer.json()["ready"]) == (200, "payments", [])
        assert [each["field"] for each in unknown.json()["errors"]] == ["template"]


class TestEvidence:
    def test_is_kept_byte_for_byte_and_read_by_both_sides(self, cast):
        content = b"\x00\xffAll went well.\n"
        alder, birch = cast.alder.officer.client(), cast.birch.viewer.client()

        made = send(alder, "post", "/items/monitoring/evidence", evidence(content, note="The drill")).json()
        listed = birch.get(f"{BASE}/items/monitoring/evidence").json()
        file = birch.get(f"{BASE}/evidence/{made['id']}")

        assert listed == [made]
        assert (made["item"], made["side"], made["name"], made["note"]) == (
            "monitoring",
            "alder",
            "minutes.txt",
            "The drill",
        )
        assert made["sha256"] == hashlib.sha256(content).hexdigest()
        assert made["added_by"] == cast.alder.officer.user.name
        assert (file.content, file["Content-Type"]) == (content, "application/octet-stream")
        assert file["Content-Disposition"] == 'attachment; filename="minutes.txt"'
        assert Event.objects.get(kind="onboarding.evidence_added").data["sha256"] == made["sha256"]
        assert birch.get(f"{BASE}/items/mailbox/evidence").json() == []

    def test_comes_as_a_form_too(self, cast):
        answer = cast.alder.officer.client().post(
            f"{BASE}/items/monitoring/evidence",
            {"file": SimpleUploadedFile("folder/photo.png", b"\x89PNG"), "note": "The board"},
        )

        assert answer.status_code == 201
        assert (answer.json()["name"], answer.json()["note"]) == ("photo.png", "The board")

    @pytest.mark.parametrize(
        ("given", "status", "code"),
        [
            (evidence(b""), 400, "invalid_input"),
            (evidence() | {"content": "%"}, 400, "not_base64"),
            (evidence() | {"name": "x" * 201}, 400, "invalid_input"),
            (evidence(note="x" * 301), 400, "invalid_input"),
            ({"content": "YQ=="}, 400, "invalid_input"),
            (evidence(b"x" * (services.EVIDENCE_LONGEST + 1)), 413, "too_large"),
            (evidence(make.root().key_pem()), 400, "private_key"),
        ],
        ids=["empty", "no base64", "long name", "long note", "no name", "too large", "private key"],
    )
    def test_is_refused_with_a_reason(self, cast, given, status, code):
        answer = send(cast.alder.officer.client(), "post", "/items/monitoring/evidence", given)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert not TaskEvidence.objects.exists()

    def test_too_large_as_a_form_is_refused_with_a_reason(self, cast):
        file = SimpleUploadedFile("big", b"x" * (services.EVIDENCE_LONGEST + 1))

        answer = cast.alder.officer.client().post(f"{BASE}/items/monitoring/evidence", {"file": file})

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_is_for_an_item_that_there_is(self, cast):
        alder = cast.alder.officer.client()

        assert send(alder, "post", "/items/nothing/evidence", evidence()).status_code == 404
        assert alder.get(f"{BASE}/items/nothing/evidence").status_code == 404

    def test_of_others_is_not_there_for_strangers_nor_below_another_partnership(self, cast):
        made = send(cast.alder.officer.client(), "post", "/items/monitoring/evidence", evidence()).json()
        stranger = cast.cedar.officer.client()

        answers = [
            stranger.get(f"{BASE}/items/monitoring/evidence"),
            stranger.get(f"{BASE}/evidence/{made['id']}"),
            send(stranger, "post", "/items/monitoring/evidence", evidence()),
            cast.alder.officer.client().get(f"{BASE}/evidence/00000000-0000-0000-0000-000000000000"),
        ]

        assert [each.status_code for each in answers] == [404] * 4
        assert TaskEvidence.objects.count() == 1

    def test_is_added_by_those_who_manage_partnerships_and_read_by_programs_too(self, cast):
        made = send(cast.alder.officer.client(), "post", "/items/monitoring/evidence", evidence()).json()
        program = Client(headers=api_tokens.headers(cast.birch, "read"))

        assert send(cast.alder.viewer.client(), "post", "/items/monitoring/evidence", evidence()).status_code == 403
        assert send(program, "post", "/items/monitoring/evidence", evidence()).status_code == 403
        assert program.get(f"{BASE}/evidence/{made['id']}").content == b"All went well.\n"
