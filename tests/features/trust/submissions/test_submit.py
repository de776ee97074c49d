"""What comes of an upload: kept and waiting, or refused with its reason."""

from datetime import timedelta

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import certificates as make
from tests.makers import keys as key_makers
from tests.makers import openpgp
from tests.makers.packages import guide_members, tarred
from tests.makers.submissions import hierarchy, request_about, signer, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.certificates.models import Certificate
from trust.submissions.models import RefusedKey, Submission
from trust.verifications.models import VerificationRequest

pytestmark = pytest.mark.django_db


def codes(submission: Submission) -> list[str]:
    return [finding.code for finding in submission.findings.all()]


class TestSubmit:
    def test_keeps_the_bytes_the_signature_and_the_certificates_in_order(self, cast):
        holder = signer(cast)
        signature = holder.sign_detached(hierarchy().bundle)

        made = submit(cast, signature=signature)

        made.refresh_from_db()
        assert (bytes(made.content), bytes(made.signature)) == (hierarchy().bundle, signature)
        assert made.verdict == "good"
        assert made.signer_fingerprint == holder.fingerprint
        assert made.state == Submission.State.WAITING_FOR_CALL
        assert [(place.certificate_id, place.role) for place in made.places.all()] == [
            (hierarchy().root.sha256, "anchor"),
            (hierarchy().policy.sha256, "intermediate"),
            (hierarchy().issuing.sha256, "intermediate"),
        ]

    def test_asks_the_partner_to_verify_the_root_and_nothing_else(self, cast):
        made = submit(cast)

        request = request_about(cast, hierarchy().root.sha256)
        assert (request.source_label, request.state) == (f"Submission {made.number}", "waiting")
        assert VerificationRequest.objects.filter(item_kind="certificate").count() == 1

    def test_waits_for_a_call_while_the_key_is_not_verified(self, cast):
        made = submit(cast, holder=signer(cast, verified=False))

        assert made.state == Submission.State.WAITING_FOR_CALL

    def test_tells_both_sides_what_arrived(self, cast):
        made = submit(cast)

        event = Event.objects.get(kind="submission.received")
        assert event.partnership_id == cast.partnership.pk
        assert event.data["number"] == made.number
        assert hierarchy().root.sha256 not in str(event.data)

    @pytest.mark.parametrize("form", ["clearsign", "sign_inline"])
    def test_takes_one_signed_file(self, cast, form):
        content = getattr(signer(cast), form)(hierarchy().bundle)

        made = submit(cast, content, signature=None)

        assert made.state == Submission.State.WAITING_FOR_CALL
        assert bytes(made.content) == content
        assert made.places.count() == 3

    def test_takes_the_guides_package_and_accounts_for_each_file(self, cast):
        made = submit(cast, tarred(guide_members(hierarchy()), mode="w:gz"), file_name="package.tar.gz")

        assert made.container == "tar.gz"
        assert {each["outcome"] for each in made.members} == {"used"}
        assert len(made.members) == 6

    def test_numbers_submissions_of_a_partnership_in_order(self, cast):
        holder = signer(cast)

        numbers = [submit(cast, hierarchy(name).bundle, holder=holder).number for name in ("One", "Two")]

        assert numbers == [1, 2]

    def test_keeps_the_linters_remarks_with_the_certificate(self, cast):
        submit(cast)

        assert Certificate.objects.get(pk=hierarchy().root.sha256).lint == []

    def test_needs_no_call_about_a_root_that_was_verified_before(self, cast):
        holder = signer(cast)
        submit(cast, holder=holder)
        request = request_about(cast, hierarchy().root.sha256)
        VerificationRequest.objects.filter(pk=request.pk).update(state="approved", approved_at=NOW)
        issuing = make.issuing_ca(hierarchy().policy, "Alder Issuing CA 2", key=make.ec_key("second issuing"))

        made = submit(cast, hierarchy().bundle + issuing.pem, holder=holder)

        assert made.state == Submission.State.WAITING_FOR_APPROVAL


class TestSubmitRefuses:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            pytest.param(make.leaf().pem, "not_ca", id="a service certificate"),
            pytest.param(make.hierarchy().policy.pem, "chain_incomplete", id="no root"),
            pytest.param(make.root(key=make.rsa_key(1024)).pem, "weak_key", id="weak key"),
            pytest.param(b"hello", "unknown_format", id="no certificates"),
            pytest.param(make.root().pem + make.pem("CERTIFICATE", b"x"), "certificate_unreadable", id="broken block"),
        ],
    )
    def test_a_bundle_that_breaks_a_rule(self, cast, content, code):
        made = submit(cast, content)

        assert made.state == Submission.State.REFUSED
        assert made.refusal_code == code
        assert made.places.count() == 0
        assert not VerificationRequest.objects.filter(item_kind="certificate").exists()

    def test_a_file_that_was_changed_after_signing(self, cast):
        signature = signer(cast).sign_detached(hierarchy().bundle)

        made = submit(cast, hierarchy().bundle + b"\n", signature=signature)

        assert (made.state, made.refusal_code, made.verdict) == ("refused", "signature_bad", "bad")
        assert made.signer_fingerprint == ""
        assert bytes(made.content) == b""

    def test_a_compressed_message_that_hides_a_private_key_behind_a_bad_signature(self, cast):
        signer(cast)
        message = openpgp.make_holder("Mallory").sign_inline(hierarchy().policy.key_pem())

        made = submit(cast, message, signature=None)

        made.refresh_from_db()
        assert made.state == Submission.State.REFUSED
        assert bytes(made.content) == b""

    def test_a_file_without_a_signature(self, cast):
        signer(cast)

        assert submit(cast, signature=None).refusal_code == "signature_missing"

    def test_a_key_that_is_not_registered(self, cast):
        signer(cast)
        stranger = openpgp.make_holder("Mallory")

        made = submit(cast, holder=stranger)

        assert made.refusal_code == "signature_unknown_key"
        assert made.signature_report["claimed_issuer"] == stranger.fingerprint

    def test_a_key_of_the_partner(self, cast):
        signer(cast)
        _, birch = key_makers.proven_key(cast.birch)

        assert submit(cast, holder=birch).refusal_code == "signature_unknown_key"

    def test_the_same_file_again(self, cast):
        holder = signer(cast)
        first = submit(cast, holder=holder)

        with pytest.raises(errors.Conflict) as refusal:
            submit(cast, holder=holder)

        assert refusal.value.code == "already_submitted"
        assert refusal.value.extra["number"] == first.number
        assert Submission.objects.count() == 1

    def test_an_empty_file(self, cast):
        with pytest.raises(errors.Invalid) as refusal:
            submit(cast, b"", signature=b"x")

        assert "file" in refusal.value.fields

    def test_a_file_over_the_limit(self, cast, settings):
        settings.UPLOAD_MAX_BYTES = 100

        with pytest.raises(errors.TooLarge):
            submit(cast, b"x" * 101, signature=b"x")

    @pytest.mark.parametrize("signature", [b"", b" \n", b"x" * 70_000])
    def test_a_signature_that_cannot_be_one(self, cast, signature):
        with pytest.raises(errors.Invalid) as refusal:
            submit(cast, signature=signature)

        assert "signature" in refusal.value.fields

    @pytest.mark.parametrize("who", ["viewer", "responder", "admin"])
    def test_members_who_may_not_upload(self, cast, who):
        with pytest.raises(errors.NotAllowed):
            submit(cast, signature=b"x", actor=getattr(cast.alder, who).actor)

    def test_strangers(self, cast):
        with pytest.raises(errors.NotFound):
            submit(cast, signature=b"x", actor=cast.cedar.officer.actor)

    def test_a_suspended_partnership(self, cast):
        cast.partnership.state = "suspended"
        cast.partnership.save()

        with pytest.raises(errors.Conflict):
            submit(cast, signature=b"x")

        assert not Submission.objects.exists()

    def test_more_than_an_hours_worth(self, cast):
        submit(cast)
        first = Submission.objects.get()
        for number in range(2, 122):
            Submission.objects.create(
                partnership=first.partnership,
                number=number,
                owner=first.owner,
                relying=first.relying,
                received_at=NOW - timedelta(minutes=5),
                state="refused",
                content=b"",
                signature=b"",
            )

        with pytest.raises(errors.TooMany):
            submit(cast, b"another", signature=b"x")


class TestSubmitWarns:
    def test_about_a_package_that_is_older_than_the_newest(self, cast):
        holder = signer(cast)
        old = holder.sign_detached(hierarchy("Old").bundle, at=NOW - timedelta(hours=2))
        submit(cast, hierarchy("New").bundle, signature=holder.sign_detached(hierarchy("New").bundle, at=NOW))

        made = submit(cast, hierarchy("Old").bundle, signature=old)

        assert "older_than_newest" in codes(made)

    def test_about_an_anchor_of_another_partner(self, cast):
        from tests.cast import make_partnership

        submit(cast)
        other = make_partnership(cast.cedar, cast.birch)
        holder = openpgp.make_holder("Cedar")
        key_makers.proven_key(cast.cedar, holder)

        made = submit(cast, holder=holder, partnership=other, actor=cast.cedar.verifier.actor)

        assert "anchor_of_another_partner" in codes(made)

    def test_about_the_key_of_another_partners_anchor_under_another_name(self, cast):
        from tests.cast import make_partnership

        key = make.ec_key("shared between two companies")
        submit(cast, make.root("Alder Root CA", key=key).pem)
        other = make_partnership(cast.cedar, cast.birch)
        holder = openpgp.make_holder("Cedar")
        key_makers.proven_key(cast.cedar, holder)
        content = make.root("Cedar Root CA", key=key).pem

        made = submit(cast, content, holder=holder, partnership=other, actor=cast.cedar.verifier.actor)

        assert made.findings.get(code="key_of_another_partner").severity == "problem"
        assert "anchor_of_another_partner" not in codes(made)


class TestSubmitWithAPrivateKey:
    def test_keeps_nothing_but_the_hash_of_the_public_key(self, cast):
        holder = signer(cast)
        bundle = hierarchy().bundle + hierarchy().policy.key_pem()

        made = submit(cast, bundle, holder=holder)

        made.refresh_from_db()
        assert (made.state, made.refusal_code) == ("refused", "private_key")
        assert (bytes(made.content), bytes(made.signature), made.content_sha256) == (b"", b"", "")
        assert RefusedKey.objects.get().spki_sha256 == hierarchy().policy.facts.spki_sha256
        assert made.findings.get().detail["certificate"] == "Alder Intermediate CA"
        assert made.findings.get().detail["line"] == hierarchy().bundle.count(b"\n") + 1

    def test_refuses_that_key_for_ever(self, cast):
        holder = signer(cast)
        submit(cast, hierarchy().policy.key_pem(), holder=holder)

        made = submit(cast, holder=holder)

        assert made.refusal_code == "exposed_key"

    def test_tells_only_the_uploaders_organization(self, cast):
        submit(cast, hierarchy().policy.key_pem())

        event = Event.objects.get(kind="submission.private_key_refused")
        assert event.audience == "organization"

    def test_finds_it_behind_an_inline_signature(self, cast):
        content = signer(cast).sign_inline(hierarchy().bundle + hierarchy().policy.key_pem())

        made = submit(cast, content, signature=None)

        assert made.refusal_code == "private_key"
        assert bytes(made.content) == b""

    def test_does_not_keep_what_could_not_be_searched(self, cast):
        broken = bytearray(tarred(guide_members(hierarchy())))
        broken[148] ^= 1

        made = submit(cast, bytes(broken))

        assert made.refusal_code == "not_fully_scanned"
        assert bytes(made.content) == b""
