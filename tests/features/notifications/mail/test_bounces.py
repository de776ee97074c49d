"""Mail that comes back: through the sealed return path of a real envelope to the pages of those who look after the address."""

import io
import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import State
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from notifications.mail import bounces, return_path
from notifications.mail.bounces import Taken
from notifications.mail.models import Bounce
from portal.audit.models import Event
from portal.organizations.models import User
from portal.partnerships import contact_services
from tests.cast import make_contact
from tests.features.notifications.mail.conftest import deliver
from tests.makers import notices, stores
from tests.makers.bounces import dsn
from tests.makers.events import record


@pytest.fixture(autouse=True)
def _return_address(settings):
    settings.MAIL_RETURN_ADDRESS = "bounces@portal.example"


@pytest.fixture
def mailed(cast, now, sink):
    """The responder was mailed about a revocation; the fixture gives the envelope's sender."""
    stores.published(cast)
    notices.make_signer(cast).send()
    deliver(now)
    return sink.senders[sink.recipients.index(cast.birch.responder.user.email)]


def stale(person) -> bool:
    return User.objects.get(pk=person.user.pk).mail_came_back_at is not None


class TestReturnPath:
    def test_each_mail_comes_back_to_an_address_of_its_own(self, cast, now, sink, mailed):
        assert len(set(sink.senders)) == len(sink.senders) > 1
        assert all(each.startswith("bounces+") and each.endswith("@portal.example") for each in sink.senders)
        assert all(len(each.partition("@")[0]) <= 64 for each in sink.senders)
        assert sink.messages[0]["From"].addresses[0].addr_spec == "trust-exchange@localhost"

    def test_a_mail_server_may_change_its_case(self, mailed):
        assert return_path.delivery_in(mailed.upper()) == return_path.delivery_in(mailed)
        assert return_path.delivery_in(f"<{mailed}>") is not None

    def test_nobody_makes_one_for_somebody_elses_mail(self, mailed):
        other = uuid.uuid4()
        forged = return_path.address_for(other).partition("-")[0] + "-" + mailed.partition("-")[2]

        assert return_path.delivery_in(return_path.address_for(other)) == other
        assert return_path.delivery_in(forged) is None

    @pytest.mark.parametrize("place", [9, 20, 35, 40, 58])
    def test_one_changed_letter_makes_it_nobodys(self, mailed, place):
        other = "b" if mailed[place] != "b" else "c"

        assert return_path.delivery_in(mailed[:place] + other + mailed[place + 1 :]) is None

    @pytest.mark.parametrize(
        "address", ["", "bounces@portal.example", "bounces+x-y@portal.example", "a" * 5000, "bounces+ä@portal.example"]
    )
    def test_other_addresses_are_nobodys(self, address):
        assert return_path.delivery_in(address) is None

    def test_survives_a_renewal_of_the_secret(self, mailed, settings):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another " * 8

        assert return_path.delivery_in(mailed) is not None

    def test_without_a_return_address_mail_comes_back_to_its_sender(self, cast, now, sink, settings):
        settings.MAIL_RETURN_ADDRESS = ""
        record(cast.birch.organization, now)

        deliver(now)

        assert set(sink.senders) == {"trust-exchange@localhost"}
        assert return_path.delivery_in("+x@") is None


class TestTake:
    def test_marks_the_address_and_the_delivery_and_leaves_a_line_in_the_log(self, cast, now, mailed):
        outcome = bounces.take(content=dsn(), recipient=mailed, now=now)

        assert outcome.taken is Taken.STALE
        assert stale(cast.birch.responder)
        delivery = Delivery.objects.get(pk=return_path.delivery_in(mailed))
        assert delivery.state == State.BOUNCED
        event = Event.objects.get(kind="mail.bounced")
        assert event.organization_id == cast.birch.organization.pk
        assert event.data["answer"] == "5.1.1 550 5.1.1 User unknown"

    def test_of_an_alarm_is_told_to_the_others_at_once_by_every_channel(self, cast, now, sink, mailed):
        bounces.take(content=dsn(), recipient=mailed, now=now)

        deliver(now)

        told = Delivery.objects.filter(event__kind="mail.bounced")
        assert {each.recipient for each in told} == {
            str(each.membership.pk)
            for each in (cast.birch.admin, cast.birch.officer, cast.birch.second_officer, cast.birch.verifier)
        } | {str(cast.birch.responder.membership.pk)}
        assert all(each.urgent for each in told)
        assert InboxItem.objects.filter(event__kind="mail.bounced", urgent=True).count() == 5

    def test_a_mail_about_a_bounce_that_bounces_ends_there(self, cast, now, sink, mailed):
        bounces.take(content=dsn(), recipient=mailed, now=now)
        deliver(now)
        again = Delivery.objects.get(event__kind="mail.bounced", recipient=str(cast.birch.responder.membership.pk))

        outcome = bounces.take(content=dsn(), recipient=return_path.address_for(again.pk), now=now)

        assert outcome.taken is Taken.KNOWN
        assert Event.objects.filter(kind="mail.bounced").count() == 1
        assert fanout.sweep(now=now) == 0

    def test_the_same_report_counts_once(self, now, mailed):
        first = bounces.take(content=dsn(), recipient=mailed, now=now)
        second = bounces.take(content=dsn(), recipient=mailed, now=now)

        assert (first.taken, second.taken) == (Taken.STALE, Taken.KNOWN)
        assert Bounce.objects.count() == 1

    def test_a_delay_marks_nothing(self, cast, now, mailed):
        outcome = bounces.take(content=dsn(action="delayed", status="4.4.1"), recipient=mailed, now=now)

        assert outcome.taken is Taken.PASSING
        assert not stale(cast.birch.responder)

    @pytest.mark.parametrize("content", [b"", b"Subject: I am away\r\n\r\nuntil Monday", b"\x00\xff" * 200])
    def test_what_is_no_report_marks_nothing(self, cast, now, mailed, content):
        assert bounces.take(content=content, recipient=mailed, now=now).taken is Taken.IGNORED
        assert not stale(cast.birch.responder)

    def test_what_the_report_itself_claims_counts_for_nothing(self, cast, now, mailed):
        """The headers of the mail that came back, and the recipient that it names, can be anybody's."""
        claim = dsn(note=f"for {cast.birch.admin.user.email}").replace(
            b"somebody@birch.example", cast.birch.admin.user.email.encode()
        )

        bounces.take(content=claim, recipient=mailed, now=now)

        assert not stale(cast.birch.admin)
        assert stale(cast.birch.responder)


def test_the_command_takes_it_from_a_pipe(cast, now, mailed, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(dsn())))

    call_command("take_bounce", mailed)

    assert "Mail to Birch Responder is marked as coming back." in capsys.readouterr().out
    assert stale(cast.birch.responder)


class TestAfterwards:
    def test_only_alarms_are_mailed_there_and_everything_is_in_the_inbox(self, cast, now):
        User.objects.filter(pk=cast.birch.officer.user.pk).update(mail_came_back_at=now)
        record(cast.birch.organization, now)
        stores.published(cast)
        notices.make_signer(cast).send()

        fanout.sweep(now=now)

        mine = str(cast.birch.officer.membership.pk)
        assert set(Delivery.objects.filter(recipient=mine).values_list("event__kind", flat=True)) == {"notice.received"}
        assert InboxItem.objects.filter(membership=mine, event__kind="webhook.undeliverable").exists()

    def test_the_person_sees_it_and_says_when_mail_arrives_again(self, cast, now, mailed):
        bounces.take(content=dsn(), recipient=mailed, now=now)
        browser = cast.birch.responder.client()
        assert b"Mail to you came back" in browser.get("/").content
        assert b"550 5.1.1 User unknown" in browser.get("/profile/mail/").content

        browser.post("/profile/mail/works/")

        assert not stale(cast.birch.responder)
        assert Event.objects.filter(kind="mail.address_works").count() == 1
        assert b"Mail to you came back" not in browser.get("/").content

    def test_whoever_looks_after_members_sees_it(self, cast, now, mailed):
        bounces.take(content=dsn(), recipient=mailed, now=now)
        admin = cast.birch.admin.client()

        assert b"Mail to Birch Responder came back" in admin.get("/").content
        assert b"Mail came back" in admin.get("/members/").content
        assert b"came back" not in cast.alder.admin.client().get("/members/").content

    def test_the_contact_is_stale_for_both_sides_until_somebody_says_it_is_right(self, cast, now, mailed):
        contact = make_contact(cast.birch.responder)
        bounces.take(content=dsn(), recipient=mailed, now=now)
        ours, theirs = cast.birch.admin.client(), cast.alder.officer.client()

        assert b"Mail to them came back" in ours.get("/contacts/").content
        assert b"Mail to the contact Birch Responder came back" in ours.get("/").content
        page = theirs.get("/p/alder-birch/contacts/").content
        assert b"Mail to them came back" in page
        assert b"User unknown" not in theirs.get(f"/contacts/{contact.pk}/").content
        event = Event.objects.get(kind="contact.mail_came_back")
        assert event.partnership_id == cast.partnership.pk
        assert "User unknown" not in str(event.data)

        contact_services.still_right(contact=contact, actor=cast.birch.admin.actor, now=now + timedelta(days=1))

        assert b"Mail to them came back" not in ours.get("/contacts/").content

    def test_a_new_address_of_a_contact_is_fresh(self, cast, now):
        contact = make_contact(cast.birch.responder, email="old@birch.example")
        contact_services.note_mail_came_back(contact=contact, reason="5.1.1", now=now)

        contact_services.edit_contact(contact=contact, actor=cast.birch.admin.actor, now=now, email="new@birch.example")

        contact.refresh_from_db()
        assert contact.mail_came_back_at is None

    def test_the_notices_timeline_says_so(self, cast, now, mailed):
        label = Event.objects.get(kind="notice.received").data["label"]
        bounces.take(content=dsn(), recipient=mailed, now=now)

        page = cast.birch.officer.client().get(f"/notices/{label}/").content

        assert b"to Birch Responder: came back." in page

    def test_the_notices_timeline_says_once_what_holds_for_several_people(self, cast, now, mailed):
        label = Event.objects.get(kind="notice.received").data["label"]
        reader = cast.birch.officer.client()
        others = {each.recipient_label for each in Delivery.objects.filter(channel="mail", state=State.DELIVERED)}
        before = reader.get(f"/notices/{label}/").content.decode()
        bounces.take(content=dsn(), recipient=mailed, now=now)

        after = reader.get(f"/notices/{label}/").content.decode()
        as_text = reader.get(f"/notices/{label}/", headers={"accept": "text/plain"}).content.decode()

        assert f"Mailed to {len(others)} people:" in before
        assert before.count("not proof that it was read") == 1
        assert f"Mailed to {len(others) - 1} people:" in after, "who cannot be mailed has a line of their own"
        assert all(f"<bdi>{name}, " in before for name in others)
        assert all(f"      {name}, " in as_text for name in others - {cast.birch.responder.user.name})
