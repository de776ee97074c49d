"""Mail that is not about an event, such as invitations and password resets, signed as all other mail is and read by gpg."""

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from notifications.mail import keys, signing
from portal.organizations import mailing
from tests.makers.mailbox import Reader, read, text_of

TO = "Ünal Öz <unal@birch.example>"


@pytest.fixture
def mail_key(db, now):
    return keys.make(now=now)


@pytest.fixture
def reader(mail_key):
    return Reader(mail_key.public_block)


def invite(django_capture_on_commit_callbacks, to: str = "unal@birch.example") -> None:
    with django_capture_on_commit_callbacks(execute=True):
        mailing.send_after_commit(subject="Join Birch on Trust Exchange", text="Open the link.\nFrom Ana ü\n", to=to)


class TestAnInvitation:
    def test_is_signed_by_the_portals_key(self, sink, mail_key, reader, django_capture_on_commit_callbacks):
        invite(django_capture_on_commit_callbacks)

        [raw] = sink.to("unal@birch.example")
        assert reader.verify(raw).good_by == mail_key.fingerprint
        assert text_of(read(raw)) == "Open the link.\nFrom Ana ü\n"
        assert read(raw)["Subject"] == "Join Birch on Trust Exchange"
        assert read(reader.signed_part(raw))["Subject"] == "Join Birch on Trust Exchange"

    def test_that_was_changed_on_the_way_is_not_good(self, sink, reader, django_capture_on_commit_callbacks):
        invite(django_capture_on_commit_callbacks)

        [raw] = sink.to("unal@birch.example")
        assert reader.verify(raw.replace(b"Open the link.", b"Open my link..")).good_by == ""

    def test_goes_out_unsigned_while_the_portal_has_no_key(self, db, sink, django_capture_on_commit_callbacks):
        invite(django_capture_on_commit_callbacks)

        [raw] = sink.to("unal@birch.example")
        assert read(raw).get_content_type() == "text/plain"
        assert "Open the link." in text_of(read(raw))

    def test_of_a_member_in_the_browser_is_signed_too(
        self, cast, sink, mail_key, reader, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            cast.birch.admin.client().post(
                "/members/invite/",
                {"email": "new@birch.example", "name": "New", "role": "viewer"},
            )

        [raw] = sink.to("new@birch.example")
        assert reader.verify(raw).good_by == mail_key.fingerprint
        assert "https://portal.example/join/" in text_of(read(raw))


class TestAPasswordReset:
    def test_is_signed_by_the_portals_key(self, cast, sink, mail_key, reader):
        person = cast.birch.officer.user

        Client().post("/account/password/reset/", {"email": person.email})

        [raw] = sink.to(person.email)
        assert reader.verify(raw).good_by == mail_key.fingerprint
        assert "/account/password/reset/" in text_of(read(raw))


class TestAMail:
    def test_with_html_and_an_attachment_is_signed_whole(self, sink, mail_key, reader):
        message = EmailMultiAlternatives("Two forms", "Text", None, [TO], connection=mailing.connection())
        message.attach_alternative("<p>HTML</p>", "text/html")
        message.attach("note.txt", "kept", "text/plain")

        message.send()

        [raw] = sink.raw
        inner = read(reader.signed_part(raw))
        assert reader.verify(raw).good_by == mail_key.fingerprint
        assert [part.get_content_type() for part in inner.walk()] == [
            "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/plain",
        ]  # fmt: skip
        assert read(raw)["To"].addresses[0].display_name == "Ünal Öz"

    def test_has_no_second_header_by_a_line_feed_in_a_name(self, sink, mail_key):
        message = EmailMultiAlternatives("A\nBcc: eve@evil.example", "Text", None, ["a@b.example"])
        message.connection = mailing.connection()

        message.send()

        assert read(sink.raw[0])["Bcc"] is None
        assert sink.recipients == ["a@b.example"]

    def test_with_a_ready_part_is_refused_rather_than_sent_without_it(self, mail_key, now):
        from email.mime.text import MIMEText

        message = EmailMultiAlternatives("A", "Text", None, ["a@b.example"], attachments=[MIMEText("x")])

        with pytest.raises(ValueError, match="MIME part"):
            signing.signed(message, key=keys.signing_key(now), now=now)
