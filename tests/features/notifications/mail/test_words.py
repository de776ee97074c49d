"""The words of a mail that wakes somebody, and that nothing in any mail acts, tracks or gives a number to call."""

import re
from datetime import timedelta

import pytest

from notifications.acknowledgements import services as acknowledgements
from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.fanout.wording import content_of
from portal import words
from portal.audit.models import Event
from tests.features.notifications.mail.conftest import deliver
from tests.makers import notices, stores
from tests.makers.mailbox import read, text_of
from trust.notices import document


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def mail_to(sink, person):
    return [read(raw) for raw in sink.to(person.user.email)]


def test_a_revocation_is_told_in_the_words_that_were_agreed_on(cast, now, sink, alder):
    notice = alder.send().notice

    deliver(now)

    [mail] = mail_to(sink, cast.birch.responder)
    digest = words.groups(notice.certificate.sha256)
    signer = words.shortened(notice.signer_fingerprint)
    expected = f"""\
Alder has revoked one of the CAs your services trust.

  Certificate    Alder Issuing CA
  SHA-256        {" ".join(digest[:8])}
                 {" ".join(digest[8:])}
  Reason         key compromise
  Takes effect   {words.exact(notice.effective_at)}
  Signed by      Alder's key {signer}, verified by phone
  Marking        TLP:AMBER

Do this now:
  1. Open https://portal.example/n/{notice.label}, sign in, press Acknowledge.
  2. Publish alder-prod v2 from the same page. The draft is ready.

This email cannot acknowledge anything by itself. If you cannot sign in,
call Alder. The number is in your printed runbook, not in this email.
"""
    assert text_of(mail).startswith(expected)
    assert mail["Subject"] == f"[Act by {words.clock(notice.acknowledge_by)}] {notice.title} ({notice.label})"
    assert mail["Importance"] == "high"


def test_the_short_address_in_the_mail_leads_to_the_notice(cast, now, alder):
    notice = alder.send().notice

    answer = cast.birch.responder.client().get(f"/n/{notice.label}", follow=True)

    assert answer.redirect_chain[-1][0] == f"/notices/{notice.label}/"
    assert answer.status_code == 200


def test_the_sender_does_not_read_about_the_receivers_stores(cast, now, sink, alder):
    alder.send()
    deliver(now)

    assert not [raw for raw in sink.to(cast.alder.officer.user.email) if b"alder-prod" in raw]
    assert not [event for event in Event.objects.filter(kind="notice.received") if "alder-prod" in str(event.data)]


def test_silence_is_told_with_the_same_facts(cast, now, sink, alder):
    notice = alder.send().notice
    later = now + timedelta(minutes=31)

    acknowledgements.sweep(now=later)
    deliver(later)

    told = [mail for mail in mail_to(sink, cast.birch.officer) if "Nobody has acknowledged yet" in str(mail["Subject"])]
    [mail] = told
    assert text_of(mail).startswith("Nobody has acknowledged this yet. Alder has revoked one of the CAs your")
    assert "Publish alder-prod v2 from the same page." in text_of(mail)
    assert mail["References"] == f"<about-notice-{notice.pk}@portal.example>"


def test_all_mail_about_a_notice_is_one_thread(cast, now, sink, alder):
    notice = alder.send().notice
    acknowledgements.sweep(now=now + timedelta(minutes=31))

    deliver(now + timedelta(minutes=31))

    mails = mail_to(sink, cast.birch.officer)
    assert len(mails) > 1
    assert {mail["References"] for mail in mails} == {f"<about-notice-{notice.pk}@portal.example>"}
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    assert {str(mail["List-Id"]) for mail in mails} == {"Birch <birch.portal.example>"}


@pytest.mark.parametrize("kind", ["ca_revocation", "certificate_revocation", "maintenance", "incident_update"])
def test_nothing_in_a_mail_acts_tracks_or_comes_from_elsewhere(cast, now, sink, alder, kind):
    details = {
        "ca_revocation": {},
        "certificate_revocation": {
            "certificate_serial": "0A1B2C",
            "certificate_issuer_sha256": stores.hierarchy("Alder").issuing.sha256,
            "revocation_reason": "keyCompromise",
        },
        "maintenance": {
            "starts_at": document.stamp(now + timedelta(days=1)),
            "ends_at": document.stamp(now + timedelta(days=2)),
            "exception_reason": "It cannot wait.",
        },
        "incident_update": {"summary": "We look into it."},
    }
    alder.send(kind=kind, **details[kind])
    deliver(now)

    for mail in mail_to(sink, cast.birch.officer):
        html = mail.get_body(("html",)).get_content()
        for attribute, address in re.findall(r"(href|src|action|background)=[\"']([^\"']*)", html):
            assert attribute == "href"
            assert address.startswith("https://portal.example")
            assert "?" not in address
        assert not re.search(r"<(img|script|form|iframe|link|object)\b|url\(|@import", html)
        assert not re.search(r"\+\d{6,}", html + text_of(mail))


def test_each_address_in_a_mail_changes_nothing_however_often_a_scanner_opens_it(cast, now, sink, alder):
    alder.send()
    deliver(now)
    [mail] = mail_to(sink, cast.birch.responder)
    addresses = set(re.findall(r"https://portal\.example(\S*?)[,.]?\s", text_of(mail)))
    events, answers = Event.objects.count(), Delivery.objects.count()

    for client in (cast.birch.responder.client(), cast.cedar.officer.client()):
        for address in (*addresses, *addresses):
            client.get(address or "/", follow=True)

    assert len(addresses) >= 3
    assert (Event.objects.count(), Delivery.objects.count()) == (events, answers)


def test_what_a_rehearsal_says_is_marked_everywhere(cast, now, sink, alder):
    alder.send(rehearsal=True)
    acknowledgements.sweep(now=now + timedelta(hours=5))
    deliver(now + timedelta(hours=5))

    subjects = [str(read(raw)["Subject"]) for raw in sink.raw]
    assert len(subjects) > 4
    assert all("REHEARSAL" in subject for subject in subjects)
    said = [" ".join(text_of(each).split()) for each in mail_to(sink, cast.birch.responder)]
    assert any("This is a rehearsal: nothing here is real but the clocks." in each for each in said)


def test_a_name_cannot_become_markup(cast, now, sink, alder):
    cast.alder.organization.name = "Alder <b>&</b> Söhne"
    cast.alder.organization.save()
    alder.send()

    deliver(now)

    [mail] = mail_to(sink, cast.birch.responder)
    assert "Alder &lt;b&gt;&amp;&lt;/b&gt; Söhne" in mail.get_body(("html",)).get_content()
    assert "Alder <b>&</b> Söhne has revoked" in text_of(mail)


def test_the_words_are_the_same_whenever_they_are_asked_for(cast, now, alder):
    alder.send()
    fanout.sweep(now=now)
    delivery = Delivery.objects.filter(channel="mail").first()

    assert content_of(delivery) == content_of(delivery)
