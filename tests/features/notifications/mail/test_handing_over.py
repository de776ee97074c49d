"""Mail, handed to a real SMTP server: the words, the headers, and what happens when the server misbehaves."""

import re

from notifications.deliveries.models import Attempt, Delivery
from notifications.deliveries.rules import State
from notifications.fanout import services as fanout
from notifications.mail import services
from portal.organizations.models import Membership
from tests.features.notifications.mail.conftest import deliver
from tests.makers.events import DATA, record
from tests.makers.mailbox import text_of
from tests.makers.running import free_port


class TestDeliver:
    def test_hands_one_mail_to_each_person(self, cast, now, sink):
        record(cast.birch.organization, now)

        assert deliver(now) == 3
        assert sorted(sink.recipients) == sorted(
            each.user.email for each in (cast.birch.admin, cast.birch.officer, cast.birch.second_officer)
        )
        assert set(Delivery.objects.values_list("state", flat=True)) == {State.DELIVERED}

    def test_says_what_happened_and_what_to_do_with_no_link_that_acts(self, cast, now, sink):
        record(cast.birch.organization, now)

        deliver(now)

        mail = sink.messages[0]
        text = text_of(mail)
        assert mail["Subject"] == "A webhook to pager-bridge could not be delivered"
        assert mail.get_content_type() == "multipart/alternative"
        assert "Last answer   HTTP 500" in text
        assert "1. Open https://portal.example/webhooks/ and sign in." in text
        assert "This email cannot do anything by itself." in text
        assert set(re.findall(r"https?://[^\s<]+", text)) == {
            "https://portal.example",
            "https://portal.example/webhooks/",
            "https://portal.example/profile/mail/",
        }

    def test_can_be_recognized_and_threaded(self, cast, now, sink):
        record(cast.birch.organization, now)
        record(cast.birch.organization, now)

        deliver(now)

        assert {each.strip("<>") for each in sink.ids()} == {
            f"{each.pk}@portal.example" for each in Delivery.objects.all()
        }
        assert {mail["References"] for mail in sink.messages} == {"<about-delivery-1@portal.example>"}
        assert {mail["Auto-Submitted"] for mail in sink.messages} == {"auto-generated"}

    def test_has_the_same_message_id_at_each_try(self, cast, now, sink):
        record(cast.birch.organization, now)
        deliver(now)
        Delivery.objects.update(state=State.PENDING, next_attempt_at=now)

        deliver(now)

        assert len(sink.ids()) == 6
        assert len(set(sink.ids())) == 3

    def test_lets_no_fact_become_a_header(self, cast, now, sink):
        record(cast.birch.organization, now, data=DATA | {"recipient": "x\r\nBcc: everybody@example.com\r\n\r\nhello"})

        deliver(now)

        assert sink.messages[0]["Bcc"] is None
        assert "everybody@example.com" not in sink.recipients

    def test_is_not_sent_to_who_left_meanwhile(self, cast, now, sink):
        record(cast.birch.organization, now)
        fanout.sweep(now=now)
        Membership.objects.filter(pk=cast.birch.admin.membership.pk).update(state=Membership.State.LOCKED)

        deliver(now)

        assert cast.birch.admin.user.email not in sink.recipients
        assert Delivery.objects.get(recipient=str(cast.birch.admin.membership.pk)).state == State.DROPPED


class TestTrouble:
    def test_a_refusal_is_written_down_and_tried_again(self, cast, now, sink):
        sink.refusal = "451 4.7.1 greylisted"
        record(cast.birch.organization, now)

        deliver(now)

        attempt = Attempt.objects.first()
        assert (attempt.status_code, attempt.detail) == (451, "451 4.7.1 greylisted")
        assert set(Delivery.objects.values_list("state", flat=True)) == {State.PENDING}

    def test_a_server_that_is_away_is_asked_once_for_the_batch(self, cast, now, sink, settings):
        settings.EMAIL_PORT = free_port()
        record(cast.birch.organization, now)

        deliver(now)

        assert Attempt.objects.filter(detail__startswith=services.NOT_REACHED).count() == 3
        assert all(each.next_attempt_at > now for each in Delivery.objects.all())

    def test_a_server_that_hangs_is_left_after_the_time_limit(self, cast, now, sink, settings):
        settings.EMAIL_TIMEOUT = 1
        sink.hanging.set()
        record(cast.birch.organization, now)

        deliver(now)
        sink.hanging.clear()

        assert Attempt.objects.filter(detail__startswith=services.NOT_REACHED).count() == 3
