"""Submitting and reading over the API."""

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.makers import calls
from tests.makers import certificate_parts as raw
from tests.makers import certificates as make
from tests.makers.submissions import hierarchy, request_about, signer, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.submissions.models import Submission

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/submissions"


def as_json(cast, bundle=None, **fields):
    content = hierarchy().bundle if bundle is None else bundle
    signature = signer(cast).sign_detached(content)
    body = {
        "partnership": "alder-birch",
        "file_name": "bundle.pem",
        "content": base64.b64encode(content).decode(),
        "signature": base64.b64encode(signature).decode(),
    }
    return body | fields


def post(client: Client, body, **headers):
    return client.post(ADDRESS, body, content_type="application/json", headers=headers)


class TestPost:
    def test_takes_json(self, cast):
        answer = post(cast.alder.verifier.client(), as_json(cast))

        assert answer.status_code == 201
        assert answer.json()["state"] == "waiting_for_call"
        assert [each["sha256"] for each in answer.json()["certificates"]] == [one.sha256 for one in hierarchy().cas]

    def test_takes_files(self, cast):
        content = hierarchy().bundle
        files = {
            "partnership": "alder-birch",
            "file": SimpleUploadedFile("bundle.pem", content),
            "signature": SimpleUploadedFile("bundle.pem.asc", signer(cast).sign_detached(content)),
        }

        answer = cast.alder.verifier.client().post(ADDRESS, files)

        assert answer.status_code == 201
        assert answer.json()["file_name"] == "bundle.pem"

    def test_answers_the_same_for_the_same_key(self, cast):
        client, body = cast.alder.verifier.client(), as_json(cast)

        first = post(client, body, **{"Idempotency-Key": "k1"})
        again = post(client, body, **{"Idempotency-Key": "k1"})

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert Submission.objects.count() == 1

    def test_answers_a_refused_bundle_with_a_problem_and_every_finding(self, cast):
        answer = post(cast.alder.verifier.client(), as_json(cast, make.leaf().pem))

        body = answer.json()
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert body["code"] == "not_ca"
        assert {"not_ca", "chain_incomplete"} <= {each["code"] for each in body["findings"]}
        assert body["number"] == 1

    def test_refuses_a_root_that_no_store_could_be_published_with(self, cast):
        """OpenSSL reads every store again before it is published, and refuses a name with a VisibleString."""
        unread = raw.named(make.root(), 26)

        body = post(cast.alder.verifier.client(), as_json(cast, make.pem("CERTIFICATE", unread))).json()

        assert (body["status"], body["code"]) == (400, "openssl_refuses")
        (finding,) = (each for each in body["findings"] if each["severity"] == "refuse")
        assert "the subject holds a value of the kind VisibleString" in finding["sentence"]
        assert "UTF8String" in finding["fix"]

    def test_never_echoes_a_private_key(self, cast):
        key = hierarchy().policy.key_pem()

        answer = post(cast.alder.verifier.client(), as_json(cast, hierarchy().bundle + key))

        assert answer.json()["code"] == "private_key"
        assert key.splitlines()[1] not in answer.content

    @pytest.mark.parametrize(
        ("spoil", "status"),
        [
            ({"partnership": "alder-cedar"}, 404),
            ({"partnership": "../x"}, 400),
            ({"partnership": None}, 400),
            ({"content": "not base64 %"}, 400),
            ({"content": ""}, 400),
            ({"content": None}, 400),
            ({"content": {"a": 1}}, 400),
            ({"content": "A"}, 400),
            ({"signature": "%"}, 400),
            ({"signature": ""}, 400),
            ({"file_name": ["x"]}, 400),
            ({"file_name": "x" * 300}, 400),
        ],
    )
    def test_names_the_field_that_is_wrong(self, cast, spoil, status):
        answer = post(cast.alder.verifier.client(), as_json(cast, **spoil))

        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"
        assert not Submission.objects.exists()

    @pytest.mark.parametrize("body", ["", "[]", "{", '"x"', "null", '{"partnership": 1}'])
    def test_answers_broken_bodies_with_a_problem(self, cast, body):
        answer = post(cast.alder.verifier.client(), body)

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"

    def test_is_not_for_viewers_or_strangers(self, cast):
        body = as_json(cast)

        assert post(cast.alder.viewer.client(), body).status_code == 403
        assert post(cast.cedar.verifier.client(), body).status_code == 404
        assert post(Client(), body).status_code == 401


class TestGet:
    def test_hides_fingerprints_from_whoever_has_to_hear_them(self, cast):
        made = submit(cast)

        answer = cast.birch.verifier.client().get(f"{ADDRESS}/{made.pk}")

        assert answer.status_code == 200
        assert hierarchy().root.sha256 not in answer.content.decode()
        assert answer.json()["certificates"][0]["sha256_hidden"] is True

    def test_shows_them_after_the_call(self, cast):
        made = submit(cast)
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))

        answer = cast.birch.verifier.client().get(f"{ADDRESS}/{made.pk}")

        assert answer.json()["certificates"][0]["sha256"] == hierarchy().root.sha256

    @pytest.mark.parametrize("part", ["file", "signature"])
    def test_gives_the_bytes_to_the_owner_and_after_the_call_to_the_partner(self, cast, part):
        made = submit(cast)
        address = f"{ADDRESS}/{made.pk}/{part}"
        kept = bytes(made.content if part == "file" else made.signature)

        assert cast.alder.viewer.client().get(address).content == kept
        assert cast.birch.officer.client().get(address).status_code == 404
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))
        assert cast.birch.officer.client().get(address).content == kept

    @pytest.mark.parametrize("name", ["0d7-007ac20e22e612192c0f0e0857cb1159", "-" * 36, "0" * 36, "x"])
    def test_has_no_file_under_a_name_that_is_none(self, cast, name):
        assert cast.alder.viewer.client().get(f"{ADDRESS}/{name}/file").status_code == 404

    def test_hides_refused_uploads_from_the_partner(self, cast):
        made = submit(cast, b"nothing")

        assert cast.alder.viewer.client().get(f"{ADDRESS}/{made.pk}").status_code == 200
        assert cast.birch.officer.client().get(f"{ADDRESS}/{made.pk}").status_code == 404

    def test_is_nothing_to_strangers(self, cast):
        made = submit(cast)
        client = cast.cedar.officer.client()

        assert client.get(f"{ADDRESS}/{made.pk}").status_code == 404
        assert client.get(ADDRESS).json()["results"] == []

    def test_lists_by_partnership_and_state(self, cast):
        submit(cast)
        client = cast.alder.viewer.client()

        assert len(client.get(f"{ADDRESS}?partnership=alder-birch&state=waiting_for_call").json()["results"]) == 1
        assert client.get(f"{ADDRESS}?state=accepted").json()["results"] == []
        assert client.get(f"{ADDRESS}?state=%00&partnership=%ff").status_code == 400


class TestWithdraw:
    def test_needs_a_reason(self, cast):
        made = submit(cast)
        client, address = cast.alder.verifier.client(), f"{ADDRESS}/{made.pk}/withdrawal"

        assert client.post(address, {"reason": "x"}, content_type="application/json").status_code == 400
        answer = client.post(address, {"reason": "A new root comes soon."}, content_type="application/json")
        assert answer.json()["state"] == "withdrawn"


class TestCertificate:
    def test_is_shown_to_its_owner_and_after_the_call_to_the_partner(self, cast):
        submit(cast)
        address = f"/api/v1/certificates/{hierarchy().root.sha256}"

        assert cast.alder.viewer.client().get(address).json()["sha256"] == hierarchy().root.sha256
        assert cast.birch.officer.client().get(address).status_code == 404
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256), now=NOW)
        assert cast.birch.officer.client().get(address).status_code == 200
        assert cast.cedar.officer.client().get(address).status_code == 404
