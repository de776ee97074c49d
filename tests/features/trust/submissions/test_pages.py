"""What people see of submissions and certificates."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.makers import calls
from tests.makers import certificates as make
from tests.makers.packages import guide_members, zipped
from tests.makers.submissions import hierarchy, request_about, signer, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.submissions import services
from trust.submissions.models import Submission

pytestmark = pytest.mark.django_db
LIST = "/p/alder-birch/submissions/"


def upload(client, content: bytes | None, signature: bytes | None = None):
    files = {"file": SimpleUploadedFile("bundle.pem", content)} if content is not None else {}
    if signature is not None:
        files["signature"] = SimpleUploadedFile("bundle.pem.asc", signature)
    return client.post(f"{LIST}new/", files)


def page(person, made: Submission) -> str:
    answer = person.client().get(f"{LIST}{made.number}/")
    assert answer.status_code == 200
    return answer.content.decode()


class TestList:
    def test_is_empty_at_first_and_offers_the_first_step(self, cast):
        text = cast.alder.verifier.client().get(LIST).content.decode()

        assert "Submit the first bundle" in text

    def test_lists_what_both_sides_sent(self, cast):
        submit(cast)

        for company in (cast.alder, cast.birch):
            assert "Submission 1" in company.viewer.client().get(LIST).content.decode()
        assert cast.cedar.viewer.client().get(LIST).status_code == 404


class TestSubmitPage:
    def test_leads_to_the_report(self, cast):
        content = hierarchy().bundle

        answer = upload(cast.alder.verifier.client(), content, signer(cast).sign_detached(content))

        assert (answer.status_code, answer["Location"]) == (302, f"{LIST}1/")

    def test_leads_to_the_report_of_a_refusal_too(self, cast):
        answer = upload(cast.alder.verifier.client(), b"nothing")

        assert answer["Location"] == f"{LIST}1/"

    @pytest.mark.parametrize(
        ("content", "signature", "says"),
        [
            (None, None, "Choose the bundle file."),
            (b"", None, "The file is empty."),
            (b"x", b"", "The signature file is empty."),
            (b"x" * (1024 * 1024 + 1), None, "at most 1,048,576 are taken"),
            (b"x", b"x" * 70_000, "too large to be a signature"),
        ],
    )
    def test_names_the_field_the_reason_and_the_fix(self, cast, content, signature, says):
        answer = upload(cast.alder.verifier.client(), content, signature)

        assert answer.status_code == 400
        assert "There is a problem" in answer.content.decode()
        assert says in answer.content.decode()
        assert not Submission.objects.exists()

    def test_says_who_can_when_one_cannot(self, cast):
        client = cast.alder.viewer.client()

        assert "A security officer or a verifier can." in client.get(f"{LIST}new/").content.decode()
        assert upload(client, b"x").status_code == 403


class TestReport:
    def test_waits_for_the_call_and_hides_the_fingerprints_from_both(self, cast):
        made = submit(cast, holder=signer(cast, verified=False))

        for person in (cast.alder.officer, cast.birch.officer):
            text = page(person, made)
            assert "The signature is good. We do not know yet whose key made it." in text
            assert hierarchy().root.sha256 not in text.replace(" ", "").lower()

    def test_asks_the_officer_to_approve(self, cast):
        made = submit(cast)
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))

        text = page(cast.birch.officer, made)

        assert "A second security officer must approve." in text
        assert "Verified by Birch Verifier" in text

    def test_tells_the_verifier_who_can_approve(self, cast):
        made = submit(cast)
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))

        assert "Birch Officer" in page(cast.birch.verifier, made)

    def test_says_since_when_it_is_accepted(self, cast):
        made = submit(cast)
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))
        services.accept(submission=made, actor=cast.birch.officer.actor, now=NOW, reason="Everything was heard well.")

        text = page(cast.alder.viewer, made)

        assert "Accepted since" in text
        assert "Everything was heard well." in text

    def test_says_that_it_is_quarantined(self, cast):
        made = submit(cast)
        calls.mismatched(cast, request_about(cast, hierarchy().root.sha256))

        text = page(cast.birch.officer, made)

        assert f"Mismatch: submission {made.number} is quarantined" in text

    @pytest.mark.parametrize(
        ("content", "signature", "says"),
        [
            (None, b"certainly not", "This is not an OpenPGP signature."),
            (None, None, "There is no signature."),
            (make.leaf().pem, b"sign", "2 things must be fixed."),
            (b"nothing", b"sign", "Must be fixed"),
        ],
    )
    def test_says_why_it_was_refused(self, cast, content, signature, says):
        signer(cast) if signature != b"sign" else None
        made = submit(cast, content, signature=signature)

        assert says in page(cast.alder.viewer, made)

    def test_names_the_key_that_must_be_added(self, cast):
        from tests.makers.openpgp import make_holder

        signer(cast)

        text = page(cast.alder.viewer, submit(cast, holder=make_holder("Mallory")))

        assert "We do not know this key." in text
        assert "to your organization first." in text

    def test_accounts_for_each_file_of_a_package(self, cast):
        made = submit(cast, zipped(guide_members(hierarchy()) | {"notes.xyz": b"hello"}))

        text = page(cast.alder.viewer, made)

        assert "ocsp/endpoints.json" in text
        assert "Ignored" in text

    def test_shows_hostile_names_as_plain_text(self, cast):
        root = make.root('<script>alert("x")</script>')

        text = page(cast.alder.viewer, submit(cast, root.pem))

        assert "<script>alert" not in text
        assert "U+" not in text or "&lt;U+" in text

    def test_gives_the_exact_words_about_a_private_key(self, cast):
        made = submit(cast, hierarchy().bundle + hierarchy().policy.key_pem())

        text = " ".join(page(cast.alder.verifier, made).split())

        assert "Upload refused: there is a private key in your file" in text
        assert "Treat this key as exposed" in text
        line = hierarchy().bundle.count(b"\n") + 1
        assert f"line {line} starts a <strong>private key (PKCS#8)</strong>." in text
        assert "It matches the certificate <strong><bdi>Alder Intermediate CA</bdi></strong> in the same file." in text
        assert "We did not store the file" in text
        assert "Make a new key and certificate." in text
        assert cast.birch.officer.client().get(f"{LIST}{made.number}/").status_code == 404

    def test_is_nothing_to_strangers(self, cast):
        made = submit(cast)

        assert cast.cedar.officer.client().get(f"{LIST}{made.number}/").status_code == 404
        assert cast.alder.officer.client().get(f"{LIST}999999999999/").status_code == 404


class TestDecidePages:
    def test_decline_asks_for_a_reason_and_then_ends_it(self, cast):
        made = submit(cast)
        client = cast.birch.officer.client()

        assert client.post(f"{LIST}{made.number}/decline/", {"reason": "no"}).status_code == 400
        assert client.post(f"{LIST}{made.number}/decline/", {"reason": "We agreed on RSA."}).status_code == 302
        made.refresh_from_db()
        assert made.state == "refused"
        assert "Your organization declined this bundle." in page(cast.birch.officer, made)
        assert "Your partner declined this bundle." in page(cast.alder.officer, made)

    def test_withdraw_is_the_owners(self, cast):
        made = submit(cast)
        address, data = f"{LIST}{made.number}/withdraw/", {"reason": "A new root comes soon."}

        assert cast.birch.officer.client().post(address, data).status_code == 404
        assert cast.alder.verifier.client().post(address, data).status_code == 302
        assert "Withdrawn by Alder." in page(cast.birch.officer, made)

    def test_get_changes_nothing(self, cast):
        made = submit(cast)

        for act in ("decline", "withdraw"):
            assert cast.birch.officer.client().get(f"{LIST}{made.number}/{act}/").status_code == 405
        made.refresh_from_db()
        assert made.state == "waiting_for_call"


class TestCertificatePage:
    def test_shows_the_fingerprint_in_groups_and_how_to_check_it(self, cast):
        submit(cast)
        address = f"/certificates/{hierarchy().root.sha256}/"

        text = cast.alder.viewer.client().get(address).content.decode()

        assert " ".join(hierarchy().root.sha256.upper()[at : at + 4] for at in range(0, 64, 4)) in text
        assert "openssl x509" in text
        assert cast.birch.officer.client().get(address).status_code == 404

    def test_gives_the_pem(self, cast):
        submit(cast)

        answer = cast.alder.viewer.client().get(f"/certificates/{hierarchy().root.sha256}.pem")

        assert answer.content == hierarchy().root.pem


class TestPagesAfterPublishing:
    def test_name_the_version_that_holds_it(self, cast):
        from trust.stores.services import approve_and_publish

        made = submit(cast)
        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))
        published = approve_and_publish(
            submission=made, actor=cast.birch.officer.actor, now=NOW, reason="Everything was heard well."
        ).version
        name = f"{published.store.name} v1"

        assert f"In {name} since" in page(cast.birch.viewer, made)
        text = cast.birch.viewer.client().get(f"/certificates/{hierarchy().policy.sha256}/").content.decode()
        assert "Where it is trusted" in text
        assert name in text
        owners = cast.alder.viewer.client().get(f"/certificates/{hierarchy().policy.sha256}/").content.decode()
        assert "Where it is trusted" not in owners
