"""Deliveries: claimed by one, given back by the dead, and never forgotten."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from notifications.deliveries import queries, rules, services
from notifications.deliveries.models import Attempt, Delivery
from notifications.deliveries.rules import Channel, Outcome, State
from notifications.deliveries.services import Answer
from notifications.fanout import services as fanout
from portal.audit.models import Event
from tests.makers.events import record

BAD, GOOD = Answer(False, "451 try later", 451), Answer(True, "250 taken", 250)


@pytest.fixture
def owed(cast, now) -> list[Delivery]:
    """Three mails that are due now."""
    record(cast.birch.organization, now)
    fanout.sweep(now=now)
    return list(Delivery.objects.all())


def claim(now, limit=10):
    return services.claim(channel=Channel.MAIL, now=now, limit=limit)


class TestClaim:
    def test_takes_what_is_due_and_begins_an_attempt(self, owed, now):
        claimed = claim(now)

        assert {each.pk for each in claimed} == {each.pk for each in owed}
        assert set(Attempt.objects.values_list("delivery", "number", "finished_at")) == {
            (each.pk, 1, None) for each in owed
        }

    def test_gives_nothing_to_the_next_one_while_the_lease_lasts(self, owed, now):
        claim(now)

        assert claim(now) == []
        assert claim(now + services.lease() - timedelta(seconds=1)) == []

    def test_gives_what_a_dead_worker_held_to_the_next_one(self, owed, now):
        claim(now)

        again = claim(now + services.lease())

        assert {each.tries for each in again} == {2}
        assert set(Attempt.objects.filter(number=1).values_list("outcome", flat=True)) == {Outcome.INTERRUPTED}

    def test_takes_no_more_than_asked(self, owed, now):
        assert len(claim(now, limit=2)) == 2
        assert len(claim(now, limit=2)) == 1

    def test_leaves_other_channels_alone(self, owed, now):
        assert services.claim(channel=Channel.WEBHOOK, now=now, limit=10) == []

    @pytest.mark.django_db(transaction=True)
    def test_never_gives_one_delivery_to_two_workers(self, cast, now):
        for _ in range(10):
            record(cast.birch.organization, now)
        fanout.sweep(now=now)
        taken: list = []
        start = threading.Barrier(4)

        def work():
            start.wait()
            try:
                while claimed := claim(now, limit=3):
                    taken.extend(each.pk for each in claimed)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            for each in [pool.submit(work) for _ in range(4)]:
                each.result()

        assert len(taken) == len(set(taken)) == 30


class TestFinish:
    def test_ends_a_delivery_that_was_handed_over(self, owed, now):
        first, *_ = claim(now)

        assert services.finish(first, GOOD, now=now) is State.DELIVERED
        first.refresh_from_db()
        assert (first.state, first.next_attempt_at, first.finished_at) == (State.DELIVERED, None, now)
        assert Attempt.objects.get(delivery=first).detail == "250 taken"

    def test_plans_the_next_try_after_a_failure(self, owed, now):
        first, *_ = claim(now)

        services.finish(first, BAD, now=now)

        first.refresh_from_db()
        planned = rules.SCHEDULES[Channel.MAIL, False][0]
        assert now + planned * 0.8 <= first.next_attempt_at <= now + planned * 1.2

    def test_ends_in_a_dead_letter_that_is_told_and_stays_readable(self, owed, cast, now):
        first, *_ = claim(now)
        tries = len(rules.SCHEDULES[Channel.MAIL, False]) + 1

        for number in range(1, tries + 1):
            state = services.finish(first, BAD, now=now)
            assert state is (State.DEAD if number == tries else State.PENDING)
            if number < tries:
                Delivery.objects.filter(pk=first.pk).update(next_attempt_at=now)
                Delivery.objects.exclude(pk=first.pk).update(state=State.DELIVERED, next_attempt_at=None)
                (first,) = claim(now)

        event = Event.objects.get(kind="mail.undeliverable")
        assert event.organization_id == cast.birch.organization.pk
        assert event.data["answer"] == "451 try later"
        fanout.sweep(now=now)
        assert cast.birch.admin.membership.inbox.filter(event=event).exists()
        assert not Delivery.objects.filter(event=event).exists(), "a dead mail is not told by mail"

    def test_of_a_slow_worker_still_counts_when_it_succeeded(self, owed, now):
        (slow, *_), later = claim(now), now + services.lease()
        claim(later)

        services.finish(slow, GOOD, now=later)

        slow.refresh_from_db()
        assert slow.state == State.DELIVERED

    def test_of_a_slow_worker_changes_nothing_when_it_failed(self, owed, now):
        (slow, *_), later = claim(now), now + services.lease()
        taken = {each.pk: each for each in claim(later)}

        services.finish(slow, BAD, now=later)

        slow.refresh_from_db()
        assert slow.claim == taken[slow.pk].claim
        assert slow.next_attempt_at == later + services.lease()

    def test_keeps_answers_that_a_database_would_refuse(self, owed, now):
        first, *_ = claim(now)

        services.finish(first, Answer(False, "nul \x00 " + "x" * 10_000), now=now)

        assert len(Attempt.objects.get(delivery=first).detail) == services.MAX_DETAIL


class TestPlansOfAWrongClock:
    """The clock ran an hour ahead and was set back."""

    ahead = timedelta(hours=1)

    def test_of_a_first_try_are_brought_forward(self, cast, now):
        record(cast.birch.organization, now)
        fanout.sweep(now=now + self.ahead)

        assert services.mend_plans(now=now) == Delivery.objects.count()
        assert len(claim(now)) == Delivery.objects.count()

    def test_of_a_retry_are_brought_forward_once(self, owed, now):
        Delivery.objects.update(next_attempt_at=now + self.ahead)
        first, *_ = claim(now + self.ahead)
        services.finish(first, BAD, now=now + self.ahead)
        Delivery.objects.exclude(pk=first.pk).update(state=State.DELIVERED, next_attempt_at=None)

        assert services.mend_plans(now=now) == 1
        (first,) = claim(now)
        services.finish(first, BAD, now=now)
        assert services.mend_plans(now=now) == 0, "what was planned by the right clock stays"

    def test_of_a_claim_last_no_longer_than_a_lease(self, owed, now):
        Delivery.objects.update(next_attempt_at=now + self.ahead)
        claim(now + self.ahead)

        services.mend_plans(now=now)

        assert len(claim(now + services.lease())) == len(owed)

    def test_that_are_right_stay(self, owed, now):
        first, *_ = claim(now)
        services.finish(first, BAD, now=now)

        assert services.mend_plans(now=now) == 0


class TestDue:
    def test_is_answered_from_the_partial_index(self, owed, now):
        """A million finished deliveries do not slow the question that is asked every two seconds."""
        if connection.vendor != "sqlite":
            pytest.skip("the planner of PostgreSQL chooses by statistics: benchmarks show its plan")

        plan = queries.due(Channel.MAIL, now).explain()

        assert "delivery_due" in plan
        assert "SCAN" not in plan
