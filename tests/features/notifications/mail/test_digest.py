"""The daily mail: one a day, exactly once, with what was not urgent and not read meanwhile."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import State
from notifications.fanout import digest
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from notifications.mail import preferences
from portal.organizations.models import User
from tests.features.notifications.mail.conftest import deliver
from tests.makers import notices, stores
from tests.makers.events import record
from tests.makers.mailbox import read, text_of

DAY = datetime(2026, 11, 24, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
NEXT_MORNING = DAY + timedelta(days=1, hours=7)


def news(cast, at: datetime, number: int = 7):
    """Tell Birch's callers something that is only to know."""
    return record(
        cast.alder.organization,
        at,
        kind="submission.accepted",
        partnership_id=cast.partnership.pk,
        data={"number": number},
    )


def mails(cast) -> list[Delivery]:
    return list(Delivery.objects.filter(recipient=str(cast.birch.officer.membership.pk)))


def test_news_waits_for_the_morning_and_comes_in_one_mail(cast, sink):
    for number in (7, 8, 9):
        news(cast, NOON, number)
    deliver(NOON)
    assert digest.make_due(now=NEXT_MORNING - timedelta(seconds=1)) == 0
    assert not sink.raw

    made = digest.make_due(now=NEXT_MORNING)
    deliver(NEXT_MORNING)

    assert made == 3, "two officers and a verifier"
    [raw] = sink.to(cast.birch.officer.user.email)
    mail = read(raw)
    assert mail["Subject"] == "Daily summary for Birch: 3 things happened"
    text = text_of(mail)
    assert [text.index(f"accepted submission {number}") for number in (7, 8, 9)] == sorted(
        text.index(f"accepted submission {number}") for number in (7, 8, 9)
    )
    assert "https://portal.example/p/alder-birch/submissions/7/" in text
    assert mail["In-Reply-To"] is None


def test_is_made_once_however_often_the_scheduler_asks(cast):
    news(cast, NOON)
    fanout.sweep(now=NOON)

    made = [digest.make_due(now=NEXT_MORNING + timedelta(minutes=minute)) for minute in range(5)]

    assert made == [3, 0, 0, 0, 0]
    assert len(mails(cast)) == 1


def test_what_comes_after_the_mail_waits_for_the_next_one(cast):
    news(cast, NOON)
    fanout.sweep(now=NOON)
    digest.make_due(now=NEXT_MORNING)
    news(cast, NEXT_MORNING + timedelta(minutes=1), 8)
    fanout.sweep(now=NEXT_MORNING + timedelta(minutes=1))

    assert digest.make_due(now=NEXT_MORNING + timedelta(hours=23, minutes=59)) == 0
    assert digest.make_due(now=NEXT_MORNING + timedelta(hours=24)) == 3
    assert len(mails(cast)) == 2


def test_is_all_there_or_not_at_all_when_the_process_dies_between(cast, monkeypatch):
    news(cast, NOON)
    fanout.sweep(now=NOON)

    class Killed(BaseException):
        """Nothing catches it, as nothing catches a signal."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        # After the delivery was written and before its items are marked.
        patch.setattr(type(InboxItem.objects.all()), "update", die)
        with pytest.raises(Killed):
            digest.make_due(now=NEXT_MORNING)
    assert not Delivery.objects.exists()

    assert digest.make_due(now=NEXT_MORNING) == 3
    assert len(mails(cast)) == 1


def test_is_handed_over_by_the_next_worker_when_one_died_with_it_in_hand(cast, sink):
    from notifications.deliveries import services as deliveries
    from notifications.deliveries.rules import Channel

    news(cast, NOON)
    fanout.sweep(now=NOON)
    digest.make_due(now=NEXT_MORNING)
    assert len(deliveries.claim(channel=Channel.MAIL, now=NEXT_MORNING, limit=20)) == 3

    assert digest.make_due(now=NEXT_MORNING) == 0
    deliver(NEXT_MORNING)
    assert not sink.raw, "the claim still runs"
    deliver(NEXT_MORNING + deliveries.lease())

    assert len(sink.to(cast.birch.officer.user.email)) == 1
    assert {each.state for each in mails(cast)} == {State.DELIVERED}


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_make_one(cast):
    news(cast, NOON)
    fanout.sweep(now=NOON)
    made, together = [], threading.Barrier(2)

    def schedule() -> None:
        try:
            together.wait(20)
            made.append(digest.make_due(now=NEXT_MORNING))
        finally:
            connection.close()

    threads = [threading.Thread(target=schedule) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sum(made) == 3
    assert len(mails(cast)) == 1


def test_leaves_out_what_was_read_meanwhile_and_is_not_sent_for_nothing(cast, sink):
    news(cast, NOON, 7)
    news(cast, NOON, 8)
    fanout.sweep(now=NOON)
    InboxItem.objects.filter(subject__contains="submission 7").update(read_at=NOON)
    InboxItem.objects.filter(membership=cast.birch.verifier.membership).update(read_at=NOON)

    digest.make_due(now=NEXT_MORNING)
    deliver(NEXT_MORNING)

    [raw] = sink.to(cast.birch.officer.user.email)
    assert "submission 7" not in text_of(read(raw))
    assert read(raw)["Subject"] == "Daily summary for Birch: 1 thing happened"
    assert not sink.to(cast.birch.verifier.user.email)


def test_comes_at_seven_where_the_reader_lives(cast):
    User.objects.filter(pk=cast.birch.officer.user.pk).update(time_zone="Asia/Tokyo")
    news(cast, NOON)
    fanout.sweep(now=NOON)

    assert digest.make_due(now=DAY + timedelta(hours=22)) == 1
    assert len(mails(cast)) == 1


def test_holds_fifty_lines_and_counts_the_rest(cast, sink):
    for number in range(60):
        news(cast, NOON, number)
    fanout.sweep(now=NOON)
    digest.make_due(now=NEXT_MORNING)
    deliver(NEXT_MORNING)

    [raw] = sink.to(cast.birch.officer.user.email)
    text = text_of(read(raw))
    assert text.count("* Alder accepted") == 50
    assert "And 10 more in your inbox: https://portal.example/inbox/" in text


class TestWishes:
    @pytest.mark.parametrize(
        ("tasks", "wish", "at_once", "daily"),
        [("at_once", "at_once", 1, 0), ("at_once", "daily", 0, 1), ("daily", "none", 0, 0)],
    )
    def test_news_comes_as_often_as_wished(self, cast, tasks, wish, at_once, daily):
        preferences.change(actor=cast.birch.officer.actor, tasks=tasks, news=wish, now=NOON)
        news(cast, NOON)

        fanout.sweep(now=NOON)

        item = InboxItem.objects.get(membership=cast.birch.officer.membership)
        assert (len(mails(cast)), int(item.in_digest)) == (at_once, daily)

    def test_what_waits_for_somebody_comes_at_once_unless_they_wish_one_mail_a_day(self, cast, now):
        preferences.change(actor=cast.birch.second_officer.actor, tasks="daily", news="daily", now=now)
        record(cast.birch.organization, now)

        fanout.sweep(now=now)

        assert len(mails(cast)) == 1
        assert InboxItem.objects.get(membership=cast.birch.second_officer.membership).in_digest

    @pytest.mark.parametrize("who", ["officer", "verifier", "responder"])
    def test_a_revocation_comes_at_once_whatever_was_wished(self, cast, now, who):
        stores.published(cast)
        person = getattr(cast.birch, who)
        preferences.change(actor=person.actor, tasks="daily", news="none", now=now)
        notices.make_signer(cast).send()

        fanout.sweep(now=now)

        [mail] = Delivery.objects.filter(recipient=str(person.membership.pk), event__kind="notice.received")
        assert mail.urgent
        assert mail.next_attempt_at == now
