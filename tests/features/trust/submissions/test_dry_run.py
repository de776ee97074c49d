"""Trying out a bundle: the same report, and nothing is kept."""

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.audit.models import Event
from tests.makers import certificates as make
from tests.makers.packages import guide_members, zipped
from tests.makers.submissions import hierarchy, signer
from trust.certificates.models import Certificate
from trust.submissions.models import RefusedKey, Submission

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/submissions/check"


def check(cast, content: bytes, *, person=None, signature: bytes | None = None, query: str = ""):
    body = {"partnership": "alder-birch", "content": base64.b64encode(content).decode()}
    if signature is not None:
        body["signature"] = base64.b64encode(signature).decode()
    client = (person or cast.alder.verifier).client()
    return client.post(ADDRESS + query, body, content_type="application/json")


class TestCheck:
    def test_passes_a_good_bundle_without_a_signature(self, cast):
        answer = check(cast, hierarchy().bundle).json()

        assert (answer["outcome"], answer["signature"]) == ("passed", "unsigned")
        assert answer["certificates"] == [one.sha256 for one in hierarchy().cas]
        assert {each["how"] for each in answer["forecast"]} == {"run", "rule"}

    def test_tries_the_signature_that_comes_with_it(self, cast):
        signature = signer(cast).sign_detached(hierarchy().bundle)

        assert check(cast, hierarchy().bundle, signature=signature).json()["signature"] == "good"
        assert check(cast, hierarchy().bundle + b"\n", signature=signature).json()["outcome"] == "refused"

    def test_says_how_a_bad_one_would_go(self, cast):
        answer = check(cast, make.leaf().pem)

        assert answer.status_code == 200
        assert answer.json()["outcome"] == "refused"
        assert "not_ca" in {each["code"] for each in answer.json()["findings"]}

    @pytest.mark.parametrize("content", [hierarchy().bundle, make.leaf().pem, hierarchy().policy.key_pem(), b"x"])
    def test_keeps_nothing(self, cast, content):
        events = Event.objects.count()

        check(cast, content)

        assert not Submission.objects.exists()
        assert not Certificate.objects.exists()
        assert not RefusedKey.objects.exists()
        assert Event.objects.count() == events

    def test_speaks_sarif(self, cast):
        answer = check(cast, make.leaf().pem, query="?report=sarif").json()

        run = answer["runs"][0]
        assert answer["version"] == "2.1.0"
        assert {each["ruleId"] for each in run["results"]} == {each["id"] for each in run["tool"]["driver"]["rules"]}
        assert any(each["level"] == "error" for each in run["results"])
        helps = {each["id"]: each["helpUri"] for each in run["tool"]["driver"]["rules"]}
        assert helps["not_ca"].endswith("/docs/findings/not_ca/")

    def test_is_not_for_viewers_or_strangers(self, cast):
        assert check(cast, b"x", person=cast.alder.viewer).status_code == 403
        assert check(cast, b"x", person=cast.cedar.verifier).status_code == 404

    def test_tells_of_a_sample_that_validators_disagree_on(self, cast):
        guide = hierarchy("Alder", guide=True)
        package = zipped(
            guide_members(guide) | {"issuing-ca-cert.pem": guide.issuing.pem, "samples/orders.pem": guide.leaf.pem}
        )

        answer = check(cast, package).json()

        assert "validators_disagree" in {each["code"] for each in answer["findings"]}
        assert [each["accepts"] for each in answer["forecast"]][:2] == [True, False]


class TestCheckPage:
    def test_shows_the_report_on_the_same_page(self, cast):
        client, address = cast.alder.verifier.client(), "/p/alder-birch/submissions/check/"

        assert client.get(address).status_code == 200
        text = client.post(address, {"file": SimpleUploadedFile("b.pem", hierarchy().bundle)}).content.decode()

        assert "It would be taken." in text
        assert "What validators will say" in text
        assert 'href="/docs/findings/no_name_constraints/"' in text
        assert "/api/v1/submissions/check?report=sarif" in text
        assert "{%" not in text
        assert not Submission.objects.exists()

    def test_names_the_field_that_is_wrong(self, cast):
        answer = cast.alder.verifier.client().post("/p/alder-birch/submissions/check/", {})

        assert answer.status_code == 400
        assert "Choose the bundle file." in answer.content.decode()
