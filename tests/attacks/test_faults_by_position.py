"""The database refuses the k-th write of an act, for each k (cases 55 and 61): facts and their events are there together or not at
all, and doing the act again ends as if nothing had been.
"""

from datetime import timedelta

import pytest
from django.db import OperationalError, connections

from notifications.acknowledgements import services as acknowledgements
from notifications.acknowledgements.models import NoticeAnswer, NoticeClock
from notifications.acknowledgements.rules import Answer
from notifications.deliveries import services as deliveries
from notifications.deliveries.models import Attempt, Delivery
from notifications.deliveries.rules import Channel
from notifications.fanout import queries as fanout_queries
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from portal.audit import services as audit
from portal.audit.models import ChainHead, Event
from tests.makers import faults, notices, stores
from tests.makers.events import record
from trust.notices import effects, life, services
from trust.notices.models import DenyEntry, Notice
from trust.stores.models import StoreVersion, TrustStore


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def told(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


def assert_facts_and_events_agree() -> None:
    """Whatever is in the database was told once, and what was told is in it."""
    assert Notice.objects.count() == told("notice.received")
    assert Notice.objects.exclude(executed_at=None).count() == told("notice.executed")
    assert NoticeAnswer.objects.filter(first=True).count() == told("acknowledgement.acknowledged")
    numbers = list(StoreVersion.objects.order_by("number").values_list("number", flat=True))
    assert len(numbers) == told("store.published")
    assert TrustStore.objects.get().current_number == numbers[-1]
    assert all(each.artifacts.exists() and each.entries.exists() for each in StoreVersion.objects.all())
    assert ChainHead.objects.get().sequence == Event.objects.count()


class TestANotice:
    def test_case_61_is_taken_whole_or_not_at_all(self, cast, alder, now):
        content, signature = alder.signed(alder.members())
        kept = []

        def after() -> None:
            assert_facts_and_events_agree()
            kept.append(Notice.objects.count())

        writes = faults.each_position(
            lambda: services.submit(actor=cast.alder.officer.actor, now=now, content=content, signature=signature),
            after=after,
        )

        assert writes >= 3, "the notice, its number and its event at the least"
        assert kept[-1] == 1
        assert kept == sorted(kept), "what was taken stays taken"

    def test_takes_effect_whole_or_not_at_all_and_then_once(self, cast, alder, now):
        notice = alder.send().notice
        due = now + timedelta(hours=5)

        writes = faults.each_position(
            lambda: effects.apply(notice_id=notice.pk, actor=_portal(), now=due), after=assert_facts_and_events_agree
        )
        life.sweep(now=due)

        notice.refresh_from_db()
        assert writes >= 5, "a version, its entries and files, the notice and two events"
        assert (notice.executed_at, TrustStore.objects.get().current_number) == (due, 2)
        assert not DenyEntry.objects.exists()

    def test_whose_effect_failed_says_so_and_takes_effect_at_the_next_sweep(self, cast, alder, now):
        notice = alder.send().notice
        due = now + timedelta(hours=5)

        with faults.at(3) as failing:
            life.sweep(now=due)
        assert failing.hit
        assert_facts_and_events_agree()
        life.sweep(now=due + timedelta(minutes=1))

        notice.refresh_from_db()
        assert notice.executed_at is not None
        assert TrustStore.objects.get().current_number == 2
        assert_facts_and_events_agree()

    def test_is_acknowledged_whole_or_not_at_all(self, cast, alder, now):
        notice = alder.send().notice

        writes = faults.each_position(
            lambda: acknowledgements.answer(
                notice=notice, actor=cast.birch.responder.actor, now=now, answer=Answer.ACKNOWLEDGED
            ),
            after=assert_facts_and_events_agree,
        )

        assert writes >= 3
        assert NoticeClock.objects.get().acknowledged_by == cast.birch.responder.user


class TestTheFanOut:
    def test_writes_down_all_that_an_event_owes_or_nothing(self, cast, now):
        event = record(cast.birch.organization, now)

        def after() -> None:
            read = fanout_queries.position() >= event.sequence
            owed = (InboxItem.objects.count(), Delivery.objects.count())
            assert owed == ((3, 3) if read else (0, 0))

        writes = faults.each_position(lambda: fanout.sweep(now=now), after=after)

        assert writes >= 3
        assert fanout_queries.position() == event.sequence

    def test_case_55_ends_a_delivery_with_its_event_or_leaves_it_to_the_next_worker(self, cast, now):
        record(cast.birch.organization, now)
        fanout.sweep(now=now)
        claimed = deliveries.claim(channel=Channel.MAIL, now=now, limit=10)
        answer = deliveries.Answer(False, "554 no such user", 554)

        def after() -> None:
            dead = Delivery.objects.filter(state="dead").count()
            assert dead == told("mail.undeliverable")
            assert dead in (0, 3)
            assert Attempt.objects.exclude(finished_at=None).count() == dead

        writes = faults.each_position(
            lambda: deliveries.finish_many([deliveries.Finished(each, answer) for each in claimed], now=now),
            after=after,
        )

        assert writes >= 5
        assert Delivery.objects.filter(state="dead").count() == 3


@pytest.mark.django_db(transaction=True)
class TestACommit:
    def test_that_fails_leaves_neither_the_fact_nor_its_event(self, cast, now, monkeypatch):
        """The disk is full at the very last step: what had been written is gone, and the next try is whole."""
        stores.published(cast)
        alder = notices.make_signer(cast)
        content, signature = alder.signed(alder.members())
        before = Event.objects.count()

        def submit():
            return services.submit(actor=cast.alder.officer.actor, now=now, content=content, signature=signature)

        with monkeypatch.context() as patch:
            patch.setattr(connections["default"], "_commit", _no_space)
            with pytest.raises(OperationalError, match="No space"):
                submit()
        assert (Notice.objects.count(), Event.objects.count()) == (0, before)

        submit()

        assert Notice.objects.count() == told("notice.received") == 1
        assert ChainHead.objects.get().sequence == Event.objects.count()


def _no_space() -> None:
    raise OperationalError("could not write to file: No space left on device")


def _portal():
    from portal.organizations import acting

    return acting.PORTAL


def test_no_event_can_be_recorded_outside_of_a_transaction(transactional_db, now):
    with pytest.raises(RuntimeError):
        audit.record("test.happened", now=now, actor=_portal())
