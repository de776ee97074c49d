"""A mail about a notice that did not arrive: the next level hears at once, and the timeline says why."""

from datetime import timedelta

import pytest

from notifications.acknowledgements import queries, services
from notifications.acknowledgements.models import NoticeClock
from notifications.acknowledgements.rules import Answer
from notifications.deliveries.models import Delivery
from notifications.fanout import digest
from notifications.fanout import services as fanout
from notifications.mail import bounces, preferences
from portal.audit.models import Event
from tests.features.notifications.mail.conftest import deliver
from tests.makers import notices, stores
from tests.makers.bounces import dsn
from tests.makers.events import record
from trust.notices import document

SOON = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _return_address(settings):
    settings.MAIL_RETURN_ADDRESS = "bounces@portal.example"


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def notice(alder, now, sink):
    """A notice that was mailed to its readers, and whose clock runs."""
    made = alder.send().notice
    services.sweep(now=now)
    deliver(now)
    return made


def bounce(sink, person, now, **report) -> None:
    newest = len(sink.recipients) - 1 - sink.recipients[::-1].index(person.user.email)
    bounces.take(content=dsn(**report), recipient=sink.senders[newest], now=now)


def told() -> list[tuple[int, str]]:
    found = Event.objects.filter(kind="acknowledgement.escalated").order_by("sequence")
    return [(each.data["level"], each.data["because"]) for each in found]


class TestBounce:
    def test_tells_the_next_level_at_once_and_says_why(self, cast, now, sink, notice):
        bounce(sink, cast.birch.responder, now + SOON)

        services.sweep(now=now + SOON)

        why = f"at once, because a mail to {cast.birch.responder.user.name} came back"
        assert told() == [(2, why)]
        page = cast.birch.officer.client().get(f"/notices/{notice.label}/").content.decode()
        assert f"Told {why}." in page
        sink.recipients.clear()
        deliver(now + SOON)
        assert {cast.birch.officer.user.email, cast.birch.second_officer.user.email} <= set(sink.recipients)

    def test_tells_it_once_and_not_again_at_its_moment(self, cast, now, sink, notice):
        bounce(sink, cast.birch.responder, now + SOON)

        for minutes in (1, 2, 31, 32):
            services.sweep(now=now + timedelta(minutes=minutes))

        assert [level for level, _ in told()] == [2]
        services.sweep(now=now + timedelta(minutes=91))
        assert [level for level, _ in told()] == [2, 3]

    def test_of_a_second_reader_of_the_same_level_changes_nothing_more(self, cast, now, sink, notice):
        bounce(sink, cast.birch.responder, now + SOON)
        bounce(sink, cast.birch.second_officer, now + SOON)

        services.sweep(now=now + SOON)
        services.sweep(now=now + 2 * SOON)

        assert [level for level, _ in told()] == [2]

    def test_of_the_next_level_tells_the_one_after_and_the_sender(self, cast, now, sink, notice):
        bounce(sink, cast.birch.responder, now + SOON)
        services.sweep(now=now + SOON)
        deliver(now + SOON)
        bounce(sink, cast.birch.officer, now + 2 * SOON)

        services.sweep(now=now + 2 * SOON)

        assert [level for level, _ in told()] == [2, 3]
        assert Event.objects.filter(kind="acknowledgement.sender_told").count() == 1

    def test_after_the_level_was_told_by_the_clock_changes_nothing(self, cast, now, sink, notice):
        services.sweep(now=now + timedelta(minutes=30))
        assert [level for level, _ in told()] == [2]

        bounce(sink, cast.birch.responder, now + timedelta(minutes=31))
        services.sweep(now=now + timedelta(minutes=31))

        assert [level for level, _ in told()] == [2]

    def test_after_somebody_acknowledged_wakes_nobody(self, cast, now, sink, notice):
        services.answer(notice=notice, actor=cast.birch.officer.actor, now=now, answer=Answer.ACKNOWLEDGED)
        bounce(sink, cast.birch.responder, now + SOON)

        services.sweep(now=now + SOON)

        assert told() == []

    def test_of_a_mere_delay_changes_nothing(self, cast, now, sink, notice):
        bounce(sink, cast.birch.responder, now + SOON, action="delayed", status="4.4.7")

        services.sweep(now=now + SOON)

        assert told() == []

    def test_is_not_told_to_the_sender(self, cast, now, sink, notice):
        bounce(sink, cast.birch.responder, now + SOON)
        services.sweep(now=now + SOON)

        page = cast.alder.officer.client().get(f"/notices/{notice.label}/").content.decode()

        assert "came back" not in page
        assert cast.birch.responder.user.name not in page

    def test_moves_what_is_shown_as_next_to_the_level_after(self, cast, now, sink, notice):
        bounce(sink, cast.birch.responder, now + SOON)
        services.sweep(now=now + SOON)

        clock = NoticeClock.objects.get()

        assert clock.level == 2
        page = cast.birch.officer.client().get(f"/notices/{notice.label}/").content.decode()
        assert "Level 3 alerts " in page
        assert "Level 2 alerts " not in page


class TestDeadLetter:
    def test_tells_the_next_level_too(self, cast, now, sink, notice):
        Delivery.objects.filter(recipient=str(cast.birch.responder.membership.pk)).update(
            state="dead", next_attempt_at=None, finished_at=now
        )

        services.sweep(now=now + SOON)

        assert told() == [(2, f"at once, because a mail to {cast.birch.responder.user.name} could not be delivered")]

    def test_of_the_sender_wakes_nobody_of_the_receiver(self, cast, now, sink, notice):
        Delivery.objects.filter(organization=cast.alder.organization).update(
            state="dead", next_attempt_at=None, finished_at=now
        )

        services.sweep(now=now + SOON)

        assert told() == []

    def test_of_the_last_level_tells_nobody_more(self, cast, now, sink, notice):
        NoticeClock.objects.update(level=3)
        Delivery.objects.filter(organization=cast.birch.organization).update(
            state="dead", next_attempt_at=None, finished_at=now
        )

        services.sweep(now=now + SOON)

        assert told() == []


class TestInADailyMail:
    """A level may be told once a day, with other things; a lost daily mail is a lost telling like any other."""

    @pytest.fixture
    def daily(self, cast, alder, now, sink):
        """The mail by which Birch's responder hears of a change of policy, and of something else after it."""
        for person in (cast.birch.responder, cast.birch.officer, cast.birch.second_officer, cast.birch.verifier):
            preferences.change(actor=person.actor, tasks="daily", news="daily", now=now)
        alder.send(
            kind="policy_change", summary="TLS 1.3 only.", effective_date=document.stamp(now + timedelta(days=40))
        )
        services.sweep(now=now)
        record(
            cast.alder.organization,
            now,
            kind="submission.accepted",
            partnership_id=cast.partnership.pk,
            data={"number": 7},
        )
        fanout.sweep(now=now)
        digest.make_due(now=now + timedelta(days=1))
        made = (
            Delivery.objects.filter(digest_items__isnull=False)
            .distinct()
            .get(recipient=str(cast.birch.officer.membership.pk))
        )
        assert made.event.kind == "submission.accepted", "the mail's own event is another"
        return made

    @pytest.mark.parametrize("state", ["dead", "bounced"])
    def test_tells_the_next_level_too(self, cast, now, daily, state):
        later = now + timedelta(days=1, minutes=1)
        Delivery.objects.filter(pk=daily.pk).update(state=state, next_attempt_at=None, finished_at=later)

        failed = queries.mail_that_failed()
        services.sweep(now=later)

        assert [(mail.pk, event.kind) for _, mail, event in failed] == [(daily.pk, "notice.received")]
        assert told()[0][0] == 2
        assert cast.birch.officer.user.name in told()[0][1]

    def test_that_arrived_changes_nothing(self, now, daily):
        Delivery.objects.filter(pk=daily.pk).update(state="delivered", next_attempt_at=None, finished_at=now)

        assert queries.mail_that_failed() == []


class TestMailThatFailed:
    def test_looks_at_open_notices_only(self, cast, now, sink, notice, django_assert_num_queries):
        NoticeClock.objects.update(state="done")

        with django_assert_num_queries(1):
            assert queries.mail_that_failed() == []

    def test_looks_at_no_notice_whose_policy_is_through(self, cast, now, sink, notice, django_assert_num_queries):
        """After the last level nobody is above; what is never answered must not make each sweep longer for ever."""
        services.sweep(now=now + timedelta(days=30))
        assert NoticeClock.objects.get().state == "open"

        with django_assert_num_queries(1):
            assert queries.mail_that_failed() == []
