"""PGP/MIME (RFC 3156), read by gpg from the bytes that a mail server received."""

import re

import pytest
from cryptography.fernet import Fernet

from notifications.fanout import services as fanout
from notifications.mail import keys
from notifications.mail.models import RecipientKey
from tests.features.notifications.mail.conftest import deliver
from tests.makers import notices, stores
from tests.makers.events import DATA, record
from tests.makers.mailbox import Reader, read, text_of
from tests.makers.openpgp import make_holder

HARD = "Überprüfung läuft   \nFrom Ana: trailing blanks stay  "


@pytest.fixture
def mail_key(db, now):
    return keys.make(now=now)


@pytest.fixture
def reader(mail_key):
    return Reader(mail_key.public_block)


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def encrypts_to(person, holder, now) -> RecipientKey:
    return keys.set_own(actor=person.actor, block=holder.public_block().decode(), now=now)


def parts(entity: bytes) -> dict[str, bytes]:
    return {part.get_filename(): part.get_content() for part in read(entity).walk() if part.get_filename()}


class TestSigned:
    def test_is_good_over_exactly_the_signed_part(self, cast, now, sink, mail_key, reader):
        record(cast.birch.organization, now)

        deliver(now)

        for raw in sink.raw:
            assert reader.verify(raw).good_by == mail_key.fingerprint
            assert read(raw)["Content-Type"].params["micalg"] == "pgp-sha512"

    def test_one_changed_byte_breaks_it(self, cast, now, sink, reader):
        record(cast.birch.organization, now)

        deliver(now)

        raw = sink.raw[0]
        place = raw.index(b"HTTP 500")
        assert reader.verify(raw[:place] + b"http" + raw[place + 4 :]).good_by == ""

    def test_survives_what_mail_servers_do_to_lines(self, cast, now, sink, mail_key, reader):
        record(cast.birch.organization, now, data=DATA | {"answer": HARD, "recipient": "From the pager ü"})

        deliver(now)

        signed = reader.signed_part(sink.raw[0])
        lines = signed.split(b"\r\n")
        assert b"\n" not in b"".join(lines)
        assert all(line == line.rstrip() for line in lines), "a blank at a line's end would be stripped on the way"
        assert not any(line.startswith(b"From ") for line in lines), "mailboxes would quote it"
        assert max(map(len, lines)) < 100
        assert signed.isascii()
        # A server that strips blanks and quotes "From " changes nothing that is signed.
        handled = re.sub(rb"[ \t]+\r\n", b"\r\n", re.sub(rb"(?m)^From ", b">From ", sink.raw[0]))
        assert reader.verify(handled).good_by == mail_key.fingerprint

    def test_covers_the_headers_that_people_act_on(self, cast, now, sink, reader):
        record(cast.birch.organization, now)

        deliver(now)

        outside, inside = read(sink.raw[0]), read(reader.signed_part(sink.raw[0]))
        for name in ("Subject", "From", "To", "Date", "Message-ID"):
            assert inside[name] == outside[name], name
        assert inside["Content-Type"].params["hp"] == "clear"

    def test_carries_the_signed_notice_byte_for_byte(self, cast, now, sink, alder, reader):
        notice = alder.send().notice

        deliver(now)

        [raw] = sink.to(cast.birch.responder.user.email)
        attached = parts(reader.signed_part(raw))
        assert attached[f"{notice.label}.json"] == bytes(notice.content)
        assert attached[f"{notice.label}.json.asc"] == bytes(notice.signature)

    def test_is_signed_by_the_new_key_after_a_renewal_and_the_old_stays_published(
        self, cast, now, sink, mail_key, client
    ):
        renewed = keys.make(now=now)
        record(cast.birch.organization, now)

        deliver(now)

        assert Reader(renewed.public_block).verify(sink.raw[0]).good_by == renewed.fingerprint
        published = client.get("/mail-key.asc")
        assert published["Content-Type"] == "application/pgp-keys"
        assert mail_key.public_block in published.content.decode()
        assert renewed.public_block in published.content.decode()

    def test_goes_out_unsigned_while_the_portal_has_no_key(self, cast, now, sink, client):
        record(cast.birch.organization, now)

        deliver(now)

        assert read(sink.raw[0]).get_content_type() == "multipart/alternative"
        assert "Signed by" not in text_of(read(sink.raw[0]))
        assert client.get("/mail-key.asc").status_code == 404

    def test_goes_out_unsigned_rather_than_not_at_all_when_the_key_cannot_be_opened(
        self, cast, now, sink, mail_key, settings
    ):
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        record(cast.birch.organization, now)

        assert deliver(now) == 3
        assert read(sink.raw[0]).get_content_type() == "multipart/alternative"

    def test_the_private_key_is_nowhere_in_the_open(self, mail_key):
        assert "PRIVATE" not in mail_key.private_sealed
        assert "PRIVATE" not in mail_key.public_block
        key = keys.signing_key(mail_key.created_at)
        assert key is not None
        assert key.private_block.startswith("-----BEGIN PGP PRIVATE KEY")


class TestEncrypted:
    def test_is_read_only_with_the_recipients_key_and_signed_by_the_portal(
        self, cast, now, sink, alder, mail_key, reader
    ):
        encrypts_to(cast.birch.responder, reader.holder, now)
        notice = alder.send().notice

        deliver(now)

        [raw] = sink.to(cast.birch.responder.user.email)
        assert read(raw).get_content_type() == "multipart/encrypted"
        assert notice.certificate.sha256[:8].upper().encode() not in raw
        opened = reader.decrypt(raw)
        assert "DECRYPTION_OKAY" in opened.status
        assert opened.good_by == mail_key.fingerprint
        assert parts(opened.output)[f"{notice.label}.json"] == bytes(notice.content)
        assert "has revoked one of the CAs your services trust" in text_of(read(opened.output))

    def test_says_inside_what_could_be_read_outside(self, cast, now, sink, alder, reader):
        encrypts_to(cast.birch.responder, reader.holder, now)
        alder.send()

        deliver(now)

        [raw] = sink.to(cast.birch.responder.user.email)
        inside = read(reader.decrypt(raw).output)
        assert inside["Subject"] == read(raw)["Subject"]
        assert f"Subject: {inside['Subject']}" in inside.get_all("HP-Outer")
        assert inside["Content-Type"].params["hp"] == "cipher"

    def test_others_get_it_signed_only(self, cast, now, sink, alder, mail_key, reader):
        encrypts_to(cast.birch.responder, reader.holder, now)
        alder.send()

        deliver(now)

        [raw] = sink.to(cast.birch.officer.user.email)
        assert reader.verify(raw).good_by == mail_key.fingerprint

    def test_a_key_that_cannot_be_used_any_more_withholds_instead_of_telling_in_the_open(
        self, cast, now, sink, alder, mail_key, reader
    ):
        key = encrypts_to(cast.birch.responder, reader.holder, now)
        signing_only = make_holder("Signing only").public_block().decode()
        RecipientKey.objects.filter(pk=key.pk).update(block=signing_only)
        notice = alder.send().notice

        deliver(now)

        [raw] = sink.to(cast.birch.responder.user.email)
        assert reader.verify(raw).good_by == mail_key.fingerprint
        text = text_of(read(raw))
        assert "it cannot be encrypted to your OpenPGP key any more" in " ".join(text.split())
        assert f"/n/{notice.label}" in text
        assert "key compromise" not in text
        assert not [name for name in parts(raw) if name != "signature.asc"]


def test_the_same_delivery_is_the_same_mail_at_each_try(cast, now, sink, reader):
    record(cast.birch.organization, now)
    deliver(now)
    from notifications.deliveries.models import Delivery
    from notifications.deliveries.rules import State

    Delivery.objects.update(state=State.PENDING, next_attempt_at=now)

    fanout.sweep(now=now)
    deliver(now)

    address = cast.birch.admin.user.email
    first, second = sink.to(address)
    assert reader.signed_part(first) == reader.signed_part(second)
