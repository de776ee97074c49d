"""Pages of verifications: who sees what, and what works without scripts."""

import pytest
from django.urls import reverse

from tests.makers import calls
from trust.verifications import services
from trust.verifications.models import Verification

pytestmark = pytest.mark.django_db


def at(name, cast, *args):
    return reverse(name, args=[cast.partnership.slug, *args])


class TestEveryPage:
    def test_opens_at_each_step_for_both_sides(self, cast, now):
        verifier, reader = cast.birch.verifier.client(), cast.alder.verifier.client()
        about = calls.request(cast)
        calls.contact_of(cast.alder.verifier)
        for client in (verifier, reader):
            assert client.get(at("verifications", cast)).status_code == 200
            assert client.get(at("verification_rehearse", cast)).status_code == 200
        assert verifier.get(at("verification_start", cast, about.pk)).status_code == 200
        assert verifier.get(at("verification_book", cast, about.pk)).status_code == 200
        answer = verifier.post(
            at("verification_start", cast, about.pk), {"contact": calls.contact_of(cast.alder.verifier).pk}
        )
        call = Verification.objects.get()
        address = at("verification_call", cast, call.number)
        assert answer.headers["Location"] == address

        def act(client, name, **data):
            answer = client.post(at("verification_act", cast, call.number, name), data)
            assert answer.status_code == 302
            pages = [each.get(address) for each in (verifier, reader)]
            assert [page.status_code for page in pages] == [200, 200]
            return [page.content.decode() for page in pages]

        _, read = act(reader, "join")
        code = read.split('codebig" dir="ltr">')[1][:4]
        typed, _ = act(verifier, "code", code=code)
        assert "Which record will they read from?" in typed
        typed, _ = act(verifier, "source", source="ceremony")
        assert "Group one, please." in typed
        groups = [about.fingerprint[i : i + 4] for i in range(0, 64, 4)]
        row = {f"g{i}": groups[i - 1] for i in range(1, 5)}
        typed, _ = act(verifier, "row", **(row | {"g2": calls.wrong(call, 2)}))
        assert "Group 2 does not match." in typed
        typed, _ = act(verifier, "row", g2=groups[1])
        act(verifier, "pause")
        act(verifier, "resume")
        _, read = act(reader, "join")
        act(verifier, "code", code=read.split('codebig" dir="ltr">')[1][:4])
        for start in (5, 9, 13):
            typed, read = act(verifier, "row", **{f"g{i}": groups[i - 1] for i in range(start, start + 4)})
        assert "Read it back" in typed
        assert "Listen and compare" in read
        act(reader, "read-back")
        typed, _ = act(verifier, "read-back")
        assert "All 16 groups matched." in typed

        record = at("verification_record", cast, call.number)
        officer = cast.birch.officer.client()
        page = officer.get(record)
        assert "Approve the verification" in page.content.decode()
        digest = call.records.get().sha256
        answer = officer.post(
            at("verification_decide", cast, call.number),
            {"decision": "approve", "reason": "Read the record, all is well", "record_sha256": digest},
        )
        assert answer.status_code == 302
        for name in ("verification_check", "verification_evidence", "verification_pdf", "verification_record"):
            for client in (officer, reader, verifier):
                assert client.get(at(name, cast, call.number)).status_code == 200
        assert officer.get(at("verification_document", cast, call.number, "decision")).status_code == 200

    def test_is_not_there_for_strangers(self, cast):
        call = calls.recorded(cast)
        stranger = cast.cedar.officer.client()

        for name in ("verification_call", "verification_state", "verification_record", "verification_evidence"):
            assert stranger.get(at(name, cast, call.number)).status_code == 404
        assert stranger.get(at("verifications", cast)).status_code == 404


class TestEndings:
    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            ("no_answer", "No answer."),
            ("uneasy", "Call stopped. Nothing was verified."),
        ],
    )
    def test_say_what_is_next(self, cast, now, reason, words):
        call = calls.started(cast)
        services.stop(verification=call, actor=cast.birch.verifier.actor, now=now, reason=reason)

        page = cast.birch.verifier.client().get(at("verification_call", cast, call.number)).content.decode()

        assert words in page

    def test_a_mismatch_says_what_to_say_and_stays(self, cast):
        call = calls.mismatched(cast)
        client = cast.birch.officer.client()

        page = client.get(at("verification_call", cast, call.number)).content.decode()
        assert "<title>Mismatch: Submission 118 is quarantined" in page
        assert "These fingerprints are different." in page
        record = client.get(at("verification_record", cast, call.number)).content.decode()
        assert "Keep this statement" in record
        assert call.request.fingerprint not in record

        client.post(at("verification_statement", cast, call.number), {"text": "We called their CISO; wrong upload."})

        assert "wrong upload" in client.get(at("verification_record", cast, call.number)).content.decode()
        assert client.get(at("verification_unlock", cast, call.request.pk)).status_code == 200
