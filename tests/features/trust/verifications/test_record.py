"""The record: what is kept, as JSON and PDF, chained, signed, and checked without the portal."""

import hashlib
import json
import subprocess
import sys
from datetime import timedelta

import pytest
import rfc8785
from django.db import DatabaseError, transaction
from django.urls import reverse

from portal import errors
from tests.makers import calls
from tests.makers.openpgp import make_holder
from trust.verifications import exports, record, services
from trust.verifications.models import Verification
from trust.verifications.record_pages import CHAIN_RECIPE

pytestmark = pytest.mark.django_db


class TestTheDocument:
    def test_holds_everything_that_must_be_kept(self, cast, now):
        about = calls.request(cast, source_sha256="ab" * 32)
        call = calls.typing(cast, about)
        services.enter_group(
            verification=call, index=1, typed=calls.wrong(call, 1), actor=cast.birch.verifier.actor, now=now
        )
        calls.type_groups(cast, call, range(1, 3))
        services.enter_group(
            verification=call,
            index=3,
            typed=about.fingerprint[8:12],
            pasted=True,
            actor=cast.birch.verifier.actor,
            now=now,
        )
        services.pause(verification=call, actor=cast.alder.verifier.actor, now=now)
        services.resume(verification=call, actor=cast.birch.verifier.actor, now=now + timedelta(minutes=2))
        _, code = calls.joined(cast, call)
        services.enter_call_code(verification=call, code=code, actor=cast.birch.verifier.actor, now=now)
        calls.type_groups(cast, call, range(4, 17))
        for person in (cast.birch.verifier, cast.alder.verifier):
            services.read_back_done(verification=call, actor=person.actor, now=now)

        document = call.records.get().document

        assert document["item"]["fingerprint"] == about.fingerprint
        assert document["source"] == {
            "label": "Submission 118",
            "path": "submissions/118/",
            "file_sha256": "ab" * 32,
        }
        assert document["verifier"] == {
            "id": str(cast.birch.verifier.user.pk),
            "name": "Birch Verifier",
            "role": "Verifier",
            "sign_in": "passkey",
        }
        assert document["reader"]["name"] == "Alder Verifier"
        assert document["call"]["number_dialed"] == "+49 … 1432"
        assert document["call"]["reads_from"] == "ceremony"
        assert document["call"]["script"] == "2026-11 en"
        assert len(document["call"]["pauses"]) == 1
        assert document["totals"] == {"groups": 16, "matched": 16, "mismatches": 1, "pasted": 1}
        assert [each["tries"] for each in document["groups"]] == [2] + [1] * 15
        assert exports.statement(document).endswith("All 16 groups matched after 1 correction.")

    def test_of_a_mismatch_keeps_what_was_typed_and_not_what_was_expected(self, cast):
        call = calls.mismatched(cast)

        document = call.records.get().document

        assert document["item"]["fingerprint"] is None
        assert document["groups"][0]["typed"] == [calls.wrong(call, 1)] * 3
        assert (
            document["item"]["fingerprint_sha256"]
            == hashlib.sha256(bytes.fromhex(call.request.fingerprint)).hexdigest()
        )

    def test_cannot_be_changed_or_removed(self, cast):
        written = calls.recorded(cast).records.get()

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            type(written).objects.filter(pk=written.pk).update(sha256="0" * 64)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            written.delete()


class TestFiles:
    def files(self, cast, call):
        client = cast.birch.viewer.client()
        at = [cast.partnership.slug, call.number]
        return {
            "call": client.get(reverse("verification_document", args=[*at, "call"])).content,
            "decision": client.get(reverse("verification_document", args=[*at, "decision"])).content,
            "evidence": client.get(reverse("verification_evidence", args=at)).content,
            "pdf": client.get(reverse("verification_pdf", args=at)).content,
        }

    def test_have_the_digests_that_the_log_has(self, cast):
        call = calls.approved(cast)

        files = self.files(cast, call)
        evidence = json.loads(files["evidence"])

        assert hashlib.sha256(files["call"]).hexdigest() == evidence["parts"]["call"]["sha256"]
        by_kind = {event["kind"]: event["data"] for event in evidence["events"]}
        assert by_kind["verification.recorded"]["record_sha256"] == hashlib.sha256(files["call"]).hexdigest()
        assert by_kind["verification.approved"]["decision_sha256"] == hashlib.sha256(files["decision"]).hexdigest()
        assert files["call"] == rfc8785.dumps(evidence["parts"]["call"]["document"])

    def test_are_checked_by_the_recipe_on_the_page(self, cast, tmp_path):
        call = calls.approved(cast)
        (tmp_path / f"verification-{call.number}-evidence.json").write_bytes(self.files(cast, call)["evidence"])
        script = CHAIN_RECIPE.format(number=call.number).split("'", 1)[1].rsplit("'", 1)[0]

        answer = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.split()

        assert len(answer) >= 8
        assert set(answer) == {"True"}

    def test_include_one_page_of_pdf(self, cast):
        call = calls.approved(cast)
        call.request.label = "Корень 根 \u202e“Root” …"

        content = exports.pdf(call)

        assert content.startswith(b"%PDF")
        assert content.count(b"/Type /Page\n") == 1

    def test_mask_the_number(self, cast):
        call = calls.approved(cast)

        files = self.files(cast, call)

        assert b"55501432" not in files["call"] + files["evidence"]


class TestSignatures:
    def sign(self, cast, call, now, holder, person, content=None):
        written = call.records.get(part="call")
        document = record.canonical(written.document) if content is None else content
        return services.add_signature(
            verification=call,
            signature=holder.sign_detached(document).decode(),
            key_block=holder.public_block().decode(),
            actor=person.actor,
            now=now,
        )

    def test_of_both_people_are_checked_and_kept(self, cast, now):
        call = calls.recorded(cast)
        holder, other = make_holder("Birch Verifier <v@birch.example>"), make_holder("Alder <v@alder.example>")
        contact = calls.contact_of(cast.alder.verifier)
        contact.openpgp_fingerprint = other.fingerprint.lower()
        contact.save()

        mine = self.sign(cast, call, now, holder, cast.birch.verifier)
        theirs = self.sign(cast, call, now, other, cast.alder.verifier)

        assert (mine.role, mine.in_directory) == ("verifier", False)
        assert (theirs.role, theirs.in_directory) == ("reader", True)
        evidence = json.loads(exports.evidence(call))
        assert [each["role"] for each in evidence["signatures"]] == ["verifier", "reader"]
        with pytest.raises(errors.Conflict):
            self.sign(cast, call, now, holder, cast.birch.verifier)

    def test_over_something_else_are_refused(self, cast, now):
        call = calls.recorded(cast)

        with pytest.raises(errors.Invalid) as refusal:
            self.sign(cast, call, now, make_holder("B <b@birch.example>"), cast.birch.verifier, b"something else")

        assert refusal.value.code == "signature_bad"
        assert not call.signatures.exists()

    def test_of_others_are_refused(self, cast, now):
        call = calls.recorded(cast)

        with pytest.raises(errors.NotAllowed):
            self.sign(cast, call, now, make_holder("B <b@birch.example>"), cast.birch.officer)

    def test_with_a_secret_key_in_place_of_the_public_one_are_refused_without_keeping_it(self, cast, now):
        call = calls.recorded(cast)
        holder = make_holder("B <b@birch.example>")
        client = cast.birch.verifier.client()

        answer = client.post(
            reverse("verification_sign", args=[cast.partnership.slug, call.number]),
            {"signature": "x", "key_block": holder.secret_block().decode()},
        )

        assert answer.status_code == 400
        page = answer.content.decode()
        assert "Nothing of it was stored" in page
        assert holder.secret_block().decode().split("\n")[3] not in page
        assert not Verification.objects.get().signatures.exists()
