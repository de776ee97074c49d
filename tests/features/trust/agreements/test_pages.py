"""The agreement pages, as members of both companies see them."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from portal.audit.models import Event
from tests.makers import certificates, stores
from tests.makers.agreements import draft, holder_of, in_force, make_identity, make_values, proposed
from trust.agreements.forms import TermsForm
from trust.agreements.models import Agreement, Waiver
from trust.agreements.rules import State
from trust.keys.models import OpenPgpKey
from trust.verifications.models import ItemKind

pytestmark = pytest.mark.django_db


def url(name, cast, *more):
    return reverse(name, args=[cast.partnership.slug, *more])


def page(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def form_of(values):
    """Return what a browser sends when nobody changed the form."""
    form = TermsForm(terms=values, names={})
    sent = {}
    for name in form.fields:
        value = form[name].value()
        if value is True:
            sent[name] = "on"
        elif value is not False and value is not None:
            sent[name] = value
    return sent


class TestOverview:
    def test_says_that_nobody_signed_the_recommended_terms(self, cast):
        text = page(cast.birch.viewer.client(), url("agreement", cast))

        assert "These are recommended terms. Nobody has signed them." in text
        assert "Write the terms" not in text
        assert "A security officer can." in text

    def test_shows_both_signatures_and_that_the_keys_are_not_verified(self, cast):
        in_force(cast)

        text = page(cast.birch.viewer.client(), url("agreement", cast))

        assert "Signed by both" in text
        assert text.count("Key not verified by phone yet") == 2
        assert "90 days" in text

    def test_tells_the_partner_that_a_proposal_waits(self, cast):
        proposed(cast)

        assert "Your partner proposes other terms" in page(cast.birch.officer.client(), url("agreement", cast))
        assert "Your proposal waits" in page(cast.alder.officer.client(), url("agreement", cast))

    @pytest.mark.parametrize(
        "name", ["agreement", "agreement_change", "agreement_try", "waiver_propose", "agreement_version"]
    )
    def test_does_not_exist_for_a_stranger(self, cast, name):
        in_force(cast)
        more = [1] if name == "agreement_version" else []

        page(cast.cedar.officer.client(), url(name, cast, *more), status=404)


class TestVersion:
    def test_shows_the_words_that_change(self, cast):
        proposed(cast, terms=make_values(lifetimes__service={"min_days": 7, "max_days": 30}), message="Shorter, please")

        text = page(cast.birch.officer.client(), url("agreement_version", cast, 1))

        assert "4.4 Lifetime: Service certificates" in text
        assert re.search(r"<del>.*90</del>", text)
        assert re.search(r"<ins>.*30</ins>", text)
        assert "Shorter, please" in text
        assert "gpg --armor --detach-sign agreement-alder-birch-v1.json" in text

    def test_offers_no_signing_to_the_side_that_signed(self, cast):
        proposed(cast)

        text = page(cast.alder.officer.client(), url("agreement_version", cast, 1))

        assert "Sign and bring into force" not in text
        assert "Withdraw the proposal" in text

    def test_hides_a_draft_from_the_partner(self, cast):
        draft(cast)

        page(cast.birch.officer.client(), url("agreement_version", cast, 1), status=404)
        page(cast.birch.officer.client(), url("agreement_document", cast, 1), status=404)

    def test_sends_the_exact_bytes_and_signatures(self, cast):
        made = in_force(cast)
        key = OpenPgpKey.objects.get(organization=cast.alder.organization)
        stores.verified(cast, ItemKind.OPENPGP_KEY, key.fingerprint)
        client = cast.birch.viewer.client()

        document = client.get(url("agreement_document", cast, 1))
        signature = client.get(url("agreement_signature", cast, 1, "alder"))

        assert document.content == bytes(made.document)
        assert signature.content == bytes(made.signatures.get(organization=cast.alder.organization).upload)
        assert "attachment" in document["Content-Disposition"]

    def test_keeps_the_fingerprint_back_until_the_call_was_made(self, cast):
        """Whoever must type it from a call must not be able to read it off the page, the API, the log or the signature."""
        made = in_force(cast)
        key = OpenPgpKey.objects.get(organization=cast.alder.organization)
        for company in (cast.alder, cast.birch):
            client = company.verifier.client()
            signature = client.get(url("agreement_signature", cast, 1, "alder"))
            said = page(client, url("agreement", cast)) + page(client, url("agreement_version", cast, 1))
            said += client.get(f"/api/v1/agreements/{made.pk}").content.decode()
            said += client.get("/api/v1/agreements").content.decode()

            assert signature.status_code == 409
            assert key.fingerprint[8:32] not in re.sub(r"[\s]", "", said).lower()
        assert not any(key.fingerprint in str(event.data) for event in Event.objects.all())

    def test_escapes_the_message(self, cast):
        proposed(cast, message="<script>alert(1)</script>")

        text = page(cast.birch.officer.client(), url("agreement_version", cast, 1))

        assert "<script>alert" not in text


class TestChange:
    def test_keeps_the_terms_when_nothing_is_changed(self, cast):
        values = make_identity(
            trust_domains=["alder.example"],
            dns_suffixes=["alder.example"],
            subject_organizations=["Alder, Inc"],
            rules=[{"when": {"spiffe": "spiffe://alder.example/prod/*", "unit": "prod"}, "grants": ["a", "b"]}],
        )
        values["operations"]["maintenance_windows"] = [
            {"day": "Sunday", "start": "02:00", "end": "04:00", "zone": "Europe/Berlin"}
        ]
        values["operations"]["blackouts"] = [{"first": "2026-12-19", "last": "2027-01-03", "reason": "Year end freeze"}]
        form = TermsForm(form_of(values), terms=values, names={})

        assert form.is_valid(), form.errors
        assert form.terms() == values

    def test_saves_a_draft(self, cast):
        sent = form_of(make_values()) | {"lifetimes__service__max_days": "30", "message": "Shorter"}

        answer = cast.alder.officer.client().post(url("agreement_change", cast), sent)

        assert answer.status_code == 302
        made = Agreement.objects.get()
        assert b'"max_days":30' in bytes(made.document)
        assert made.message == "Shorter"

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("lifetimes__service__max_days", "", "required"),
            ("lifetimes__service__max_days", "many", "whole number"),
            ("lifetimes__service__max_days", "1", "shortest lifetime is longer"),
            ("lifetimes__root__max_days", "999999", "maximum"),
            ("tls__versions", "9.9", "valid choice"),
            ("identity__parties__0__rules", "nonsense", "lacks the arrow"),
            ("identity__parties__0__dns_suffixes", "example", "two lower-case labels"),
            ("operations__maintenance_windows", "Sundays at night", "not written like the example"),
            ("operations__blackouts", "2026-99-99 2026-99-99 x", "no days"),
            ("notices__other_hours", "0", "greater than or equal to 1"),
        ],
    )
    def test_names_the_field_the_reason_and_keeps_what_was_typed(self, cast, field, value, says):
        sent = form_of(make_values()) | {field: value, "message": "Keep this"}

        answer = cast.alder.officer.client().post(url("agreement_change", cast), sent)

        text = answer.content.decode()
        assert answer.status_code == 400
        assert says in text
        # A clause of two fields names the first of them.
        assert f'href="#id_{field.rpartition("__")[0]}' in text
        assert "Keep this" in text
        assert not Agreement.objects.exists()

    def test_takes_no_private_key_in_the_message(self, cast):
        secret = certificates.leaf().key_pem().decode()
        sent = form_of(make_values()) | {"message": secret, "identity__parties__0__dns_suffixes": "kept.example"}

        answer = cast.alder.officer.client().post(url("agreement_change", cast), sent)

        assert answer.status_code == 400
        assert "\nkept.example</textarea>" in answer.content.decode()
        assert secret.splitlines()[1] not in answer.content.decode()
        assert not Agreement.objects.exists()

    def test_does_not_echo_a_private_key_when_another_field_is_wrong_too(self, cast):
        secret = certificates.leaf().key_pem().decode()
        sent = form_of(make_values()) | {"message": secret, "notices__other_hours": "soon"}

        answer = cast.alder.officer.client().post(url("agreement_change", cast), sent)

        assert answer.status_code == 400
        assert "There is a private key in this text" in answer.content.decode()
        assert secret.splitlines()[1] not in answer.content.decode()

    def test_starts_from_a_preset(self, cast):
        text = page(cast.alder.officer.client(), url("agreement_change", cast) + "?preset=pci")

        assert "the preset “Payments (PCI DSS)”" in text

    def test_is_refused_in_words_without_the_right(self, cast):
        page(cast.alder.verifier.client(), url("agreement_change", cast), status=403)


class TestSign:
    def test_brings_the_version_into_force(self, cast):
        made = proposed(cast)
        signature = holder_of(cast.birch).sign_detached(bytes(made.document)).decode()

        answer = cast.birch.officer.client().post(url("agreement_sign", cast, 1), {"signature": signature})

        assert answer.status_code == 302
        made.refresh_from_db()
        assert made.state == State.IN_FORCE

    def test_says_what_is_wrong_with_a_signature(self, cast):
        made = proposed(cast)
        signature = holder_of(cast.birch).sign_detached(bytes(made.document) + b" ").decode()

        answer = cast.birch.officer.client().post(url("agreement_sign", cast, 1), {"signature": signature})

        assert answer.status_code == 400
        assert "The signature does not match the file" in answer.content.decode()

    def test_asks_for_the_second_factor_and_keeps_the_signature(self, cast):
        made = proposed(cast)
        signature = holder_of(cast.birch).sign_detached(bytes(made.document)).decode()

        answer = cast.birch.officer.client(stepped_up=False).post(
            url("agreement_sign", cast, 1), {"signature": signature}
        )

        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
        made.refresh_from_db()
        assert made.state == State.WAITING_FOR_PARTNER

    def test_does_not_echo_a_private_key_that_was_pasted_by_mistake(self, cast):
        proposed(cast)
        secret = holder_of(cast.birch).secret_block().decode()

        answer = cast.birch.officer.client().post(url("agreement_sign", cast, 1), {"signature": secret})

        assert answer.status_code == 400
        assert secret.splitlines()[3] not in answer.content.decode()

    def test_is_never_done_by_a_get(self, cast):
        proposed(cast)

        assert cast.birch.officer.client().get(url("agreement_sign", cast, 1)).status_code == 405


class TestEnd:
    def test_declines_with_a_reason(self, cast):
        made = proposed(cast)

        cast.birch.officer.client().post(url("agreement_end", cast, 1), {"reason": "Too short"})

        made.refresh_from_db()
        assert made.ended_reason == "Declined by Birch: Too short"

    def test_wants_a_reason(self, cast):
        proposed(cast)

        assert cast.birch.officer.client().post(url("agreement_end", cast, 1), {}).status_code == 400

    def test_discards_a_draft(self, cast):
        made = draft(cast)

        cast.alder.officer.client().post(url("agreement_end", cast, 1))

        made.refresh_from_db()
        assert made.state == State.REPLACED


class TestWaivers:
    def sent(self, now, **changes):
        valid = {
            "clause": "4.2",
            "concerns": "alder",
            "reason": "The HSM is replaced",
            "owner": "Mei Tanaka",
            "expires_on": f"{now + timedelta(days=30):%Y-%m-%d}",
        }
        return valid | changes

    def test_are_asked_for_agreed_and_shown(self, cast, now):
        cast.alder.officer.client().post(url("waiver_propose", cast), self.sent(now))
        waiver = Waiver.objects.get()
        cast.birch.officer.client().post(url("waiver_decide", cast, waiver.pk), {"answer": "agree"})

        text = page(cast.birch.viewer.client(), url("agreement", cast))

        assert "Waived until" in text
        assert "Waived for a while" in text

    @pytest.mark.parametrize(
        "changes",
        [
            {"clause": "9.9"},
            {"concerns": "cedar"},
            {"expires_on": "2020-01-01"},
            {"expires_on": "soon"},
            {"certificate_sha256": "abc"},
            {"reason": ""},
        ],
    )
    def test_are_refused_with_the_field(self, cast, now, changes):
        answer = cast.alder.officer.client().post(url("waiver_propose", cast), self.sent(now, **changes))

        assert answer.status_code == 400
        assert "There is a problem" in answer.content.decode()
        assert not Waiver.objects.exists()

    def test_need_an_answer(self, cast, now):
        cast.alder.officer.client().post(url("waiver_propose", cast), self.sent(now))

        answer = cast.birch.officer.client().post(url("waiver_decide", cast, Waiver.objects.get().pk), {"answer": "?"})

        assert answer.status_code == 400


class TestTry:
    RULES = {
        "trust_domains": ["alder.example"],
        "rules": [{"when": {"spiffe": "spiffe://alder.example/prod/*"}, "grants": ["orders.read"]}],
    }

    def attempt(self, cast, certificate, owner="alder"):
        answer = cast.birch.viewer.client().post(
            url("agreement_try", cast), {"owner": owner, "certificate": certificate}
        )
        return answer.status_code, answer.content.decode()

    def test_says_which_clause_is_broken_and_keeps_nothing(self, cast):
        in_force(cast, terms=make_identity(**self.RULES))

        status, text = self.attempt(cast, certificates.leaf().pem.decode())

        assert status == 200
        assert "It breaks the terms" in text
        assert "Agreement 6.5" in text

    def test_says_the_permissions(self, cast):
        values = make_values(identity__separate_purposes=False, revocation__duty="none")
        values["identity"]["parties"] = make_values()["identity"]["parties"]
        in_force(cast, terms=make_identity(values, **self.RULES))

        status, text = self.attempt(cast, certificates.leaf().pem.decode())

        assert status == 200
        assert "It keeps to the terms" in text
        assert "orders.read" in text

    @pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
    def test_says_what_it_cannot_read(self, cast, text):
        status, said = self.attempt(cast, text)

        assert status == 400
        assert "There is a problem" in said

    def test_refuses_a_private_key_and_does_not_echo_it(self, cast):
        secret = certificates.leaf().key_pem().decode()
        status, said = self.attempt(cast, secret)

        assert status == 400
        assert "private key" in said
        assert secret.splitlines()[1] not in said


def test_the_schema_is_published_for_everybody(client):
    answer = client.get(reverse("agreement_schema"))

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/schema+json"
    assert answer.json()["$schema"].startswith("https://json-schema.org/draft/2020-12")
