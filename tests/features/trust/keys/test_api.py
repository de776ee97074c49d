"""Keys over the API."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.organizations import services as organizations
from tests.makers import keys as make
from tests.makers.openpgp import make_holder
from trust.keys import queries
from trust.keys.models import OpenPgpKey

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/keys"


def client_of(company, now, scopes=("submit",)):
    _, secret = organizations.create_api_token(
        name="CI", scopes=list(scopes), lifetime=timedelta(days=30), actor=company.admin.actor, now=now
    )
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def alder(cast, now):
    return client_of(cast.alder, now)


def post(client, path, body=None, **more):
    return client.post(path, body or {}, content_type="application/json", **more)


class TestLifeOfAKey:
    def test_from_upload_to_revocation(self, cast, alder):
        holder = make_holder("Alder", fresh=True)

        made = post(alder, KEYS, {"block": holder.public_block().decode()})
        assert (made.status_code, made.json()["outcome"], made.json()["state"]) == (201, "new", "uploaded")
        path = f"{KEYS}/{made.json()['id']}"
        text = post(alder, f"{path}/challenge").json()["text"]
        proven = post(alder, f"{path}/proof", {"answer": holder.clearsign(text.encode()).decode()})
        assert proven.json()["state"] == "proven"
        assert proven.json()["standings"] == [
            {"partnership": "alder-birch", "relying": "birch", "state": "proven", "verified_at": None}
        ]
        assert proven.json()["fingerprint"] is None
        revoked = post(alder, f"{path}/revocation", {"certificate": holder.revocation_certificate().decode()})
        assert revoked.json()["state"] == "revoked"

    def test_takes_files(self, cast, alder):
        block = SimpleUploadedFile("key.asc", make_holder("Alder").public_block())

        assert alder.post(KEYS, {"block": block}).status_code == 201

    def test_the_same_upload_again_is_said_to_change_nothing(self, cast, alder):
        body = {"block": make_holder("Alder").public_block().decode()}
        post(alder, KEYS, body)

        again = post(alder, KEYS, body)

        assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")

    def test_a_repeat_with_its_idempotency_key_gets_the_first_answer(self, cast, alder):
        body = {"block": make_holder("Alder").public_block().decode()}
        first = post(alder, KEYS, body, headers={"Idempotency-Key": "k1"})

        again = post(alder, KEYS, body, headers={"Idempotency-Key": "k1"})

        assert again.json() == first.json()
        assert again.status_code == 201

    def test_the_next_key_takes_over(self, cast, alder):
        _, old = make.proven_key(cast.alder)
        following, _ = make.proven_key(cast.alder, make_holder("Alder next"))
        path = f"{KEYS}/{following.pk}"

        text = alder.get(f"{path}/succession").json()["text"]
        post(alder, f"{path}/succession", {"statement": old.clearsign(text.encode()).decode()})
        done = post(alder, f"{path}/replacement")

        assert done.json()["is_next"] is False
        assert done.json()["vouched_at"]

    def test_an_unproven_key_can_be_discarded(self, cast, alder):
        key = make.upload(cast.alder, make_holder("Alder"))

        assert alder.delete(f"{KEYS}/{key.pk}").status_code == 204
        assert alder.get(f"{KEYS}/{key.pk}").status_code == 404


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400),
            ({"block": None}, 400),
            ({"block": 5}, 400),
            ({"block": ["x"]}, 400),
            ({"block": ""}, 400),
            ({"block": "hello"}, 400),
            ({"block": "\ud83d"}, 400),
            ({"block": "a\x00"}, 400),
            ([], 400),
            ("x", 400),
            ({"block": "x" * 1_100_000}, 413),
        ],
        ids=str,
    )
    def test_whatever_is_sent_is_answered_with_a_problem(self, cast, alder, body, status):
        answer = post(alder, KEYS, body)

        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"]

    @pytest.mark.parametrize("raw", [b"{", b'"\\ud800"', b"\xff", b'{"block": "\\ud800"}', b"null"])
    def test_broken_json_is_answered_with_a_problem(self, cast, alder, raw):
        assert alder.post(KEYS, raw, content_type="application/json").status_code == 400

    def test_a_private_key_is_refused_and_not_echoed(self, cast, alder):
        secret = make_holder("Alder").secret_block().decode()

        answer = post(alder, KEYS, {"block": secret})

        assert (answer.status_code, answer.json()["code"]) == (400, "private_key_found")
        assert secret.splitlines()[3] not in answer.text
        assert not OpenPgpKey.objects.exists()

    def test_a_weak_key_is_refused_with_findings(self, cast, alder):
        answer = post(alder, KEYS, {"block": make_holder("Alder", algorithm="rsa1024").public_block().decode()})

        assert answer.json()["code"] == "key_weak_algorithm"
        assert answer.json()["findings"][0]["severity"] == "refuse"
        assert answer.json()["fix"]

    @pytest.mark.parametrize("act", ["proof", "succession", "revocation"])
    @pytest.mark.parametrize(
        "body", [{}, {"answer": "x", "statement": "x", "certificate": "x"}, {"answer": 1}, []], ids=str
    )
    def test_acts_with_nonsense_are_answered_with_a_problem(self, cast, alder, act, body):
        key = make.upload(cast.alder, make_holder("Alder"))

        answer = post(alder, f"{KEYS}/{key.pk}/{act}", body)

        assert answer.status_code in (400, 409)
        assert queries.get(cast.alder.organization, key.pk).state == "uploaded"

    def test_a_token_without_the_scope_reads_only(self, cast, now):
        reader = client_of(cast.alder, now, scopes=("read",))

        assert reader.get(KEYS).status_code == 200
        assert post(reader, KEYS, {"block": make_holder("Alder").public_block().decode()}).status_code == 403

    def test_a_token_cannot_revoke_without_a_certificate(self, cast, alder):
        key, _ = make.proven_key(cast.alder)

        assert post(alder, f"{KEYS}/{key.pk}/revocation", {"reason": "x"}).status_code == 400
        assert queries.get(cast.alder.organization, key.pk).state == "proven"

    def test_without_a_token_nothing_is_told(self, cast):
        key, _ = make.proven_key(cast.alder)

        assert Client().get(f"{KEYS}/{key.pk}").status_code == 401


class TestWhoSeesWhat:
    def test_partners_see_proven_keys_and_their_own_standing(self, cast, now):
        make.proven_key(cast.alder)
        make.upload(cast.alder, make_holder("Alder next"))
        birch = client_of(cast.birch, now, scopes=("read",))

        found = birch.get(f"{KEYS}?organization=alder").json()["results"]

        assert [key["state"] for key in found] == ["proven"]
        assert found[0]["fingerprint"] is None
        assert found[0]["fingerprint_ends"]
        assert [each["relying"] for each in found[0]["standings"]] == ["birch"]

    def test_the_whole_fingerprint_after_the_call(self, cast, now):
        key, holder = make.verified_key(cast.alder, cast.birch)
        birch = client_of(cast.birch, now, scopes=("read",))

        shown = birch.get(f"{KEYS}/{key.pk}").json()

        assert shown["fingerprint"] == holder.fingerprint
        assert shown["standings"][0]["state"] == "verified"

    def test_strangers_get_not_found(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        cedar = client_of(cast.cedar, now)

        assert cedar.get(KEYS).json()["results"] == []
        assert cedar.get(f"{KEYS}/{key.pk}").status_code == 404
        for act in ("challenge", "proof", "succession", "replacement", "revocation"):
            assert post(cedar, f"{KEYS}/{key.pk}/{act}", {"certificate": "x"}).status_code == 404
        assert cedar.delete(f"{KEYS}/{key.pk}").status_code == 404

    def test_partners_cannot_act_on_a_key(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        birch = client_of(cast.birch, now)

        assert birch.get(f"{KEYS}/{key.pk}").status_code == 200
        assert post(birch, f"{KEYS}/{key.pk}/revocation", {"certificate": "x"}).status_code == 404
