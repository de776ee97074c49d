"""The pages about keys: what each state says, and what the server answers to whatever is sent."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.makers import calls
from tests.makers import keys as make
from tests.makers.openpgp import make_holder
from trust.keys import panels, queries, services
from trust.keys.models import OpenPgpKey
from trust.verifications.models import VerificationRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(cast):
    return cast.alder.verifier.client()


def at(name, key):
    return reverse(name, args=[key.pk])


class TestAddAKey:
    def test_from_the_paste_to_the_proof(self, cast, now, browser):
        holder = make_holder("Alder")

        shown = browser.post(reverse("key_add"), {"block": holder.public_block().decode()}, follow=True)
        key = OpenPgpKey.objects.get()
        assert "Prove that you hold it" in shown.text
        text = browser.get(at("key_challenge_text", key)).content
        answer = holder.clearsign(text).decode()
        proven = browser.post(at("key_prove", key), {"answer": answer}, follow=True)

        assert "You hold this key. <bdi>Birch</bdi> does not know that yet." in proven.text
        assert queries.active(cast.alder.organization).state == "proven"

    def test_from_files(self, cast, now, browser):
        holder = make_holder("Alder")

        browser.post(reverse("key_add"), {"file": SimpleUploadedFile("key.asc", holder.public_block())})
        key = OpenPgpKey.objects.get()
        text = browser.get(at("key_challenge_text", key)).content
        signed = SimpleUploadedFile("challenge.txt.asc", holder.clearsign(text))
        browser.post(at("key_prove", key), {"file": signed})

        assert queries.get(cast.alder.organization, key.pk).state == "proven"

    def test_a_private_key_gets_the_page_that_says_what_to_do(self, cast, browser):
        secret = make_holder("Alder").secret_block().decode()

        answer = browser.post(reverse("key_add"), {"block": secret})

        assert answer.status_code == 400
        assert "Upload refused: there is a private key in your file" in answer.text
        assert "Treat this key as exposed" in answer.text
        assert "Line 1 of your upload starts an" in answer.text
        assert secret.splitlines()[3] not in answer.text
        assert not OpenPgpKey.objects.exists()

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            ({}, "Paste it or choose a file."),
            ({"block": "hello"}, "It is not OpenPGP"),
            ({"block": "a\x00b"}, "Null characters are not allowed"),
            ({"block": "x" * 1_500_000}, "larger than"),
            (
                {"block": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----"},
                "There is a problem",
            ),
            ({"block": "😀 é"}, "There is a problem"),
        ],
    )
    def test_whatever_is_sent_the_form_comes_back_with_the_reason(self, cast, browser, sent, said):
        answer = browser.post(reverse("key_add"), sent)

        assert answer.status_code == 400
        assert said in answer.text

    def test_a_binary_file_that_is_no_key_is_refused(self, cast, browser):
        for content in (b"\xff" * 500, b"\x99\x01", b"PK\x03\x04", b"\x00", b""):
            answer = browser.post(reverse("key_add"), {"file": SimpleUploadedFile("key.bin", content)})
            assert answer.status_code == 400

    def test_both_a_paste_and_a_file_are_refused(self, cast, browser):
        block = make_holder("Alder").public_block()

        answer = browser.post(
            reverse("key_add"), {"block": block.decode(), "file": SimpleUploadedFile("key.asc", block)}
        )

        assert "not both" in answer.text

    def test_needs_the_right(self, cast):
        answer = cast.alder.viewer.client().get(reverse("key_add"))

        assert answer.status_code == 403
        assert "A security officer or a verifier can." in answer.text


class TestOneKey:
    def test_does_not_show_the_whole_fingerprint_before_the_call(self, cast, browser):
        key, holder = make.proven_key(cast.alder)

        for page in (
            reverse("keys"),
            at("key", key),
            at("key_revoke", key),
            reverse("partnership_keys", args=["alder-birch"]),
        ):
            text = browser.get(page).text.lower().replace(" ", "")
            assert holder.fingerprint not in text
            assert holder.fingerprint[:4] in text

    def test_shows_the_whole_fingerprint_after_the_call(self, cast, browser):
        key, holder = make.verified_key(cast.alder, cast.birch)

        page = browser.get(at("key", key))

        assert "Verified by every partner" in page.text
        assert holder.fingerprint.upper() in page.text

    def test_a_wrong_answer_comes_back_with_the_reason(self, cast, browser):
        key = make.upload(cast.alder, make_holder("Alder"))
        answer = make_holder("Stranger").clearsign(services.open_challenge(key, key.created_at).text.encode())

        shown = browser.post(at("key_prove", key), {"answer": answer.decode()})

        assert shown.status_code == 400
        assert "We do not know this key." in shown.text
        assert "There is a problem" in shown.text

    def test_an_expired_text_can_be_made_again(self, cast, browser, now):
        key = make.upload(cast.alder, make_holder("Alder"))
        key.challenges.update(expires_at=now)
        assert "The text to sign has expired." in browser.get(at("key", key)).text
        assert browser.get(at("key_challenge_text", key)).status_code == 404

        shown = browser.post(at("key_challenge", key), follow=True)

        assert "gpg --clearsign challenge.txt" in shown.text

    def test_can_be_discarded_before_it_is_proven(self, cast, browser):
        key = make.upload(cast.alder, make_holder("Alder"))

        shown = browser.post(at("key_discard", key), follow=True)

        assert "No key yet" in shown.text

    def test_can_be_revoked_with_a_certificate(self, cast, browser):
        holder = make_holder("Alder", fresh=True)
        key, _ = make.proven_key(cast.alder, holder)

        shown = browser.post(
            at("key_revoke", key), {"certificate": holder.revocation_certificate().decode()}, follow=True
        )

        assert "This key is revoked" in shown.text

    def test_revoking_without_a_certificate_asks_for_the_second_factor(self, cast):
        key, _ = make.proven_key(cast.alder)

        answer = cast.alder.verifier.client(stepped_up=False).post(at("key_revoke", key), {"reason": "Lost"})

        assert answer.status_code == 302
        assert queries.get(cast.alder.organization, key.pk).state == "proven"

    @pytest.mark.parametrize("sent", [{}, {"certificate": "nonsense"}, {"reason": "x" * 301}, {"certificate": "😀"}])
    def test_a_revocation_that_cannot_be_used_comes_back(self, cast, browser, sent):
        key, _ = make.proven_key(cast.alder)

        assert browser.post(at("key_revoke", key), sent).status_code == 400
        assert queries.get(cast.alder.organization, key.pk).state == "proven"

    def test_the_next_key_can_be_vouched_for_and_take_over(self, cast, browser):
        _, old = make.proven_key(cast.alder)
        following, _ = make.proven_key(cast.alder, make_holder("Alder next"))
        assert "has not verified it yet" in browser.get(at("key", following)).text

        text = browser.get(at("key_succession_text", following)).content
        browser.post(at("key_vouch", following), {"statement": old.clearsign(text).decode()})
        shown = browser.post(at("key_replace", following), follow=True)

        assert "This is your active key now." in shown.text
        assert queries.active(cast.alder.organization).vouched_at is not None

    def test_a_viewer_sees_who_can_act(self, cast):
        key = make.upload(cast.alder, make_holder("Alder"))
        browser = cast.alder.viewer.client()

        assert "A security officer or a verifier can." in browser.get(at("key", key)).text
        assert browser.post(at("key_discard", key)).status_code == 403
        assert queries.get(cast.alder.organization, key.pk)


class TestPartnership:
    def test_before_any_key_says_what_will_be_here(self, cast, browser):
        page = browser.get(reverse("partnership_keys", args=["alder-birch"]))

        assert "No proven key yet" in page.text
        assert "Add your OpenPGP key" in page.text

    def test_a_partners_key_waits_for_the_call(self, cast):
        make.proven_key(cast.alder)

        page = cast.birch.verifier.client().get(reverse("partnership_keys", args=["alder-birch"]))

        assert "Waiting for call" in page.text
        assert "Nobody here has confirmed by phone" in page.text

    def test_an_unproven_key_of_a_partner_is_not_shown(self, cast):
        make.upload(cast.alder, make_holder("Alder"))

        page = cast.birch.verifier.client().get(reverse("partnership_keys", args=["alder-birch"]))

        assert "No proven key yet" in page.text

    def test_a_next_key_without_the_old_ones_word_is_pointed_out(self, cast):
        make.verified_key(cast.alder, cast.birch)
        make.proven_key(cast.alder, make_holder("Alder next"))

        page = cast.birch.verifier.client().get(reverse("partnership_keys", args=["alder-birch"]))

        assert "the key before it did not sign this change" in page.text

    def test_other_features_add_their_parts(self, cast, browser, monkeypatch):
        monkeypatch.setattr(panels, "_providers", [])
        panels.register(lambda partnership, actor, request: ("parts/empty.html", {"heading": "From another feature"}))
        panels.register(lambda partnership, actor, request: None)

        page = browser.get(reverse("partnership_keys", args=["alder-birch"]))

        assert "From another feature" in page.text


class TestStrangers:
    @pytest.mark.parametrize("who", ["cedar", "birch"])
    def test_get_nothing_of_a_key_that_is_not_theirs(self, cast, who):
        key, _ = make.proven_key(cast.alder)
        browser = getattr(cast, who).officer.client()

        for name in ("key", "key_challenge_text", "key_succession_text", "key_revoke"):
            assert browser.get(at(name, key)).status_code == 404
        for name in ("key_challenge", "key_prove", "key_vouch", "key_replace", "key_discard", "key_revoke"):
            assert browser.post(at(name, key), {"reason": "x"}).status_code == 404
        assert queries.get(cast.alder.organization, key.pk).state == "proven"

    def test_do_not_see_a_partnership_of_others(self, cast):
        browser = cast.cedar.officer.client()

        assert browser.get(reverse("partnership_keys", args=["alder-birch"])).status_code == 404

    def test_no_get_changes_anything(self, cast, browser):
        key = make.upload(cast.alder, make_holder("Alder"))

        for name in ("key_challenge", "key_prove", "key_vouch", "key_replace", "key_discard"):
            assert browser.get(at(name, key)).status_code == 405
        assert queries.get(cast.alder.organization, key.pk).state == "uploaded"


class TestAfterARealCall:
    def test_the_partner_sees_who_called_and_the_record(self, cast, now):
        key, _ = make.proven_key(cast.alder)
        call = calls.approved(cast, VerificationRequest.objects.get())

        page = cast.birch.viewer.client().get(reverse("partnership_keys", args=["alder-birch"]))

        assert queries.counts_for(key, cast.birch.organization, now)
        assert f"approved by {call.request.approved_by}" in page.text
        assert reverse("verification_record", args=["alder-birch", call.number]) in page.text
