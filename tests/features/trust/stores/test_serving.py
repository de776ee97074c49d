"""Pulls: the exact bytes, a strong ETag, and the same answer whichever path gives it."""

import base64
import gzip
import hashlib

import pytest

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT
from trust.consumers import services as consumer_services
from trust.stores.models import Artifact


class TestPull:
    def test_gives_the_exact_bytes_with_their_digest(self, cast, client, token):
        answer = client.get(CURRENT, headers={"Authorization": f"Bearer {token}"})

        digest = hashlib.sha256(answer.content).digest()
        assert answer.content == bytes(Artifact.objects.get(format="pem").content)
        assert answer["ETag"] == f'"{digest.hex()}"'
        assert answer["Content-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Authorization" in answer["Vary"]
        assert answer["Trust-Store-Version"] == "1"

    def test_says_for_programs_what_the_format_cannot_carry(self, client, token):
        asked = {"Authorization": f"Bearer {token}"}

        flat, whole = (client.get(CURRENT.replace("pem", each), headers=asked) for each in ("pem", "json"))

        assert {"constraints", "purpose", "withdrawal"} <= set(flat["Trust-Store-Loses"].split(", "))
        assert "Trust-Store-Loses" not in whole

    def test_answers_304_to_who_has_the_bytes(self, client, token):
        headers = {"Authorization": f"Bearer {token}"}
        tag = client.get(CURRENT, headers=headers)["ETag"]

        for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            answer = client.get(CURRENT, headers={**headers, "If-None-Match": sent})
            assert (answer.status_code, answer.content) == (304, b""), sent
            assert answer["ETag"] == tag

    @pytest.mark.parametrize("sent", ['"other"', "garbage", '"unclosed', ""])
    def test_answers_200_to_everybody_else(self, client, token, sent):
        answer = client.get(CURRENT, headers={"Authorization": f"Bearer {token}", "If-None-Match": sent})

        assert answer.status_code == 200

    def test_says_that_a_numbered_version_never_changes(self, client, token):
        path = "/api/v1/trust-stores/alder-prod/versions/1.json"
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})

        assert answer["Cache-Control"] == "private, max-age=31536000, immutable"

    def test_names_the_formats_when_asked_for_another(self, client, token):
        path = "/api/v1/trust-stores/alder-prod/current.exe"
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
        assert "pem" in answer.json()["fix"]

    def test_lets_members_of_the_relying_organization_download(self, cast, token):
        assert cast.birch.viewer.client().get(CURRENT).status_code == 200
        assert cast.alder.officer.client().get(CURRENT).status_code == 404
        assert cast.cedar.officer.client().get(CURRENT).status_code == 404

    def test_asks_for_a_token(self, client, token):
        answer = client.get(CURRENT)

        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


class TestCodings:
    def ask(self, client, token, path=CURRENT, **headers):
        return client.get(path, headers={"Authorization": f"Bearer {token}", **headers})

    def test_have_each_their_own_tag_which_is_the_digest_of_what_is_sent(self, client, token):
        plain, packed = self.ask(client, token), self.ask(client, token, **{"Accept-Encoding": "gzip"})

        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert len(packed.content) < 0.9 * len(plain.content)
        for each in (plain, packed):
            assert each["ETag"] == f'"{hashlib.sha256(each.content).hexdigest()}"'
            assert each["Content-Length"] == str(len(each.content))
            assert "Accept-Encoding" in each["Vary"]

    def test_are_both_confirmed_by_either_tag(self, client, token):
        tags = [self.ask(client, token, **{"Accept-Encoding": coding})["ETag"] for coding in ("identity", "gzip")]

        for tag in tags:
            for coding in ("identity", "gzip"):
                answer = self.ask(client, token, **{"Accept-Encoding": coding, "If-None-Match": tag})
                assert (answer.status_code, answer["ETag"]) == (304, tag)

    def test_leave_alone_what_does_not_shrink(self, client, token):
        answer = self.ask(client, token, "/api/v1/trust-stores/alder-prod/current.p12", **{"Accept-Encoding": "gzip"})

        assert "Content-Encoding" not in answer


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "extension"),
        [
            ("", "pem"),
            ("*/*", "pem"),
            ("application/json", "json"),
            ("application/x-pkcs12", "p12"),
            ("application/pkcs7-mime", "p7b"),
            ("application/json;q=0.5, application/x-pem-file", "pem"),
            ("image/png, application/zip;q=0.1", "der.zip"),
            ("text/*", "pem"),
            ("application/json;q=0.5, */*;q=0.1", "json"),
            ("application/pem-certificate-chain;q=0, */*", "json"),
            ("application/pem-certificate-chain;q=0.1, application/*;q=0.5", "json"),
        ],
    )
    def test_gives_the_format_that_the_asker_likes_best(self, client, token, accept, extension):
        answer = client.get(CURRENT[:-4], headers={"Authorization": f"Bearer {token}", "Accept": accept})

        named = client.get(f"{CURRENT[:-3]}{extension}", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.content, answer["ETag"]) == (200, named.content, named["ETag"])
        assert answer["Content-Location"].endswith(f"/versions/1.{extension}")
        assert "Accept" in [each.strip() for each in answer["Vary"].split(",")]

    @pytest.mark.parametrize("accept", ["image/*", "application/json;q=0", "application/json;q=x", "*/*;q=0"])
    def test_says_what_there_is_when_nothing_fits(self, client, token, accept):
        answer = client.get(CURRENT[:-4], headers={"Authorization": f"Bearer {token}", "Accept": accept})

        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        assert "application/pem-certificate-chain" in answer.json()["detail"]


def test_the_address_of_the_written_guide_gives_the_partners_first_store(client, token):
    answer = client.get("/trust/alder/ca", headers={"Authorization": f"Bearer {token}"})

    assert answer.content == bytes(Artifact.objects.get(format="pem").content)
    again = client.get("/trust/alder/ca", headers={"Authorization": f"Bearer {token}", "If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/trust/alder/ca").status_code == 401


class TestSeveral:
    ADDRESS = "/api/v1/trust-store-set"

    @pytest.fixture
    def both(self, cast, token):
        store = make.empty_store(cast)
        _, secret = consumer_services.register(
            name="gateway",
            stores=[make_consumers.store_of(cast), store],
            actor=cast.birch.admin.actor,
            now=store.created_at,
        )
        return {"Authorization": f"Bearer {secret}"}

    def test_come_in_one_answer_and_stay_apart(self, client, token, both):
        answer = client.get(f"{self.ADDRESS}?store=alder-prod", headers=both)

        alone = client.get(CURRENT, headers=both)
        held = answer.json()["stores"]["alder-prod"]
        assert held["content"].encode() == alone.content
        assert (held["version"], held["etag"]) == (1, alone["ETag"])
        assert answer["ETag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
        again = client.get(f"{self.ADDRESS}?store=alder-prod", headers={**both, "If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_come_as_base64_where_they_are_no_text(self, client, both):
        answer = client.get(f"{self.ADDRESS}?store=alder-prod&format=p12", headers=both)

        held = answer.json()["stores"]["alder-prod"]
        assert base64.b64decode(held["content_base64"]) == bytes(Artifact.objects.get(format="p12").content)

    def test_are_all_there_or_none(self, cast, client, token, both):
        assert client.get(f"{self.ADDRESS}?store=alder-prod&store=other-prod", headers=both).status_code == 404
        assert client.get(f"{self.ADDRESS}?store=alder-prod&store=../x", headers=both).status_code == 404
        only = {"Authorization": f"Bearer {token}"}
        assert client.get(f"{self.ADDRESS}?store=alder-prod&store=other-prod", headers=only).status_code == 404
        assert client.get(self.ADDRESS, headers=both).status_code == 400
        assert client.get(self.ADDRESS).status_code == 401
