"""The page and the API about mail to oneself: wishes, and the key to which mail is encrypted."""

import pytest

from notifications.mail import keys
from notifications.mail.models import MailPreference, RecipientKey
from portal.audit.models import Event
from tests.makers.mailbox import Reader
from tests.makers.openpgp import expired_holder, make_holder

PAGE, KEY = "/profile/mail/", "/profile/mail/key/"


@pytest.fixture
def holder(db):
    return Reader().holder


def test_a_member_sees_and_changes_what_is_mailed(cast):
    browser = cast.birch.verifier.client()
    assert b"so they cannot be turned off" in browser.get(PAGE).content

    browser.post(PAGE, {"tasks": "daily", "news": "none"})

    wish = MailPreference.objects.get(membership=cast.birch.verifier.membership)
    assert (wish.tasks, wish.news) == ("daily", "none")
    assert Event.objects.get(kind="mail.preference_changed").organization_id == cast.birch.organization.pk


@pytest.mark.parametrize("posted", [{"tasks": "none", "news": "daily"}, {"tasks": "daily", "news": "weekly"}, {}])
def test_what_is_not_offered_is_refused(cast, posted):
    answer = cast.birch.verifier.client().post(PAGE, posted)

    assert answer.status_code in (200, 400)
    assert not MailPreference.objects.exists()


def test_the_profile_leads_there(cast):
    assert b'href="/profile/mail/"' in cast.birch.viewer.client().get("/profile/").content


class TestApi:
    def test_a_member_reads_and_changes_it(self, cast):
        browser = cast.birch.officer.client()
        assert browser.get("/api/v1/mail-preference").json() == {"tasks": "at_once", "news": "daily"}

        answer = browser.put(
            "/api/v1/mail-preference", {"tasks": "daily", "news": "none"}, content_type="application/json"
        )

        assert answer.json() == {"tasks": "daily", "news": "none"}
        assert browser.get("/api/v1/mail-preference").json() == {"tasks": "daily", "news": "none"}

    def test_what_waits_for_somebody_cannot_be_turned_off(self, cast):
        answer = cast.birch.officer.client().put(
            "/api/v1/mail-preference", {"tasks": "none", "news": "none"}, content_type="application/json"
        )

        assert answer.status_code == 400
        assert not MailPreference.objects.exists()


class TestKey:
    def test_mail_is_encrypted_to_it_from_then_on(self, cast, holder):
        browser = cast.birch.responder.client()

        browser.post(KEY, {"block": holder.public_block().decode()})

        key = RecipientKey.objects.get(user=cast.birch.responder.user)
        assert key.fingerprint == holder.fingerprint
        assert b"Use this key instead" in browser.get(PAGE).content
        assert Event.objects.filter(kind="mail.recipient_key_added").count() == 1

    def test_can_be_removed(self, cast, holder):
        browser = cast.birch.responder.client()
        browser.post(KEY, {"block": holder.public_block().decode()})

        browser.post(KEY, {"remove": "yes"})

        assert not RecipientKey.objects.exists()

    def test_needs_a_second_factor_since_it_could_make_alarms_unreadable(self, cast, holder):
        browser = cast.birch.responder.client(stepped_up=False)

        answer = browser.post(KEY, {"block": holder.public_block().decode()})

        assert answer.status_code in (302, 403)
        assert not RecipientKey.objects.exists()

    @pytest.mark.parametrize(
        ("block", "said"),
        [
            (lambda: make_holder("Signing only").public_block().decode(), "Nothing can be encrypted to this key."),
            (lambda: Reader().holder.secret_block().decode(), "private key"),
            (lambda: expired_holder().public_block().decode(), "has expired"),
            (lambda: "not a key", ""),
            (lambda: "ä" * 10, "Paste one armored public key"),
        ],
        ids=["signing only", "private", "expired", "text", "letters"],
    )
    def test_one_that_cannot_be_used_is_refused_with_the_reason(self, cast, block, said):
        answer = cast.birch.responder.client().post(KEY, {"block": block()})

        assert answer.status_code == 400
        assert said in answer.content.decode()
        assert b"PRIVATE KEY" not in answer.content
        assert not RecipientKey.objects.exists()


class TestContactKey:
    @pytest.fixture
    def contact(self, cast, now):
        from portal.partnerships import contact_services

        return contact_services.add_contact(
            actor=cast.birch.admin.actor, now=now, name="Noor", phone="+493055501432", email="noor@birch.example"
        )

    def test_is_set_by_whoever_edits_the_directory(self, cast, contact, holder):
        address = f"/contacts/{contact.pk}/mail-key/"
        browser = cast.birch.admin.client()
        assert address.encode() in browser.get(f"/contacts/{contact.pk}/").content

        browser.post(address, {"block": holder.public_block().decode()})

        assert keys.of_contact(contact).fingerprint == holder.fingerprint
        browser.post(address, {"remove": "yes"})
        assert keys.of_contact(contact) is None

    @pytest.mark.parametrize(("company", "who", "status"), [("birch", "viewer", 403), ("alder", "admin", 404)])
    def test_by_nobody_else(self, cast, contact, holder, company, who, status):
        browser = getattr(getattr(cast, company), who).client()

        answer = browser.post(f"/contacts/{contact.pk}/mail-key/", {"block": holder.public_block().decode()})

        assert answer.status_code == status
        assert keys.of_contact(contact) is None
