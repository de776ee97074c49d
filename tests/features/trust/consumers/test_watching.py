"""A consumer that stops pulling raises an alarm: once, for all of an organization together, and not when the portal was away."""

from datetime import timedelta

import pytest

from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from portal.audit.models import Event
from tests.makers import consumers as make
from tests.makers import stores
from trust.consumers import watching
from trust.consumers.models import PullRecord

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _store(cast):
    stores.published(cast)


def pulls(cast, name: str, at) -> PullRecord:
    consumer, _ = make.registered(cast, name)  # promises a pull each five minutes
    return PullRecord.objects.create(consumer=consumer, store=make.store_of(cast), pulled_at=at, version_number=1)


def look(now, minutes: int) -> int:
    """Look each minute, as the schedule does; return how many consumers were told of."""
    return sum(watching.watch(now=now + number * MINUTE) for number in range(minutes))


def silent() -> list[Event]:
    return list(Event.objects.filter(kind="consumer.silent").order_by("sequence"))


def test_is_told_once_when_it_missed_two_pulls(cast, now):
    pulls(cast, "payments-gw", now)

    assert look(now, 10) == 0
    assert look(now + 10 * MINUTE, 30) == 1

    [event] = silent()
    assert (event.organization_id, event.data["consumers"]) == (cast.birch.organization.pk, "payments-gw")
    fanout.sweep(now=now)
    assert Delivery.objects.filter(event=event, channel="mail").exists()
    assert cast.birch.admin.membership.inbox.filter(event=event).exists()


def test_of_many_is_one_event(cast, now):
    for number in range(12):
        pulls(cast, f"service-{number:02}", now)

    look(now, 20)

    [event] = silent()
    assert event.data["count"] == 12
    assert event.data["consumers"].endswith("service-09 and 2 more")


def test_that_pulls_again_is_told_and_can_fall_silent_again(cast, now):
    record = pulls(cast, "payments-gw", now)
    look(now, 20)

    PullRecord.objects.filter(pk=record.pk).update(pulled_at=now + 20 * MINUTE)
    look(now + 20 * MINUTE, 30)

    kinds = Event.objects.filter(kind__in=("consumer.silent", "consumer.pulls_again")).order_by("sequence")
    assert list(kinds.values_list("kind", flat=True)) == ["consumer.silent", "consumer.pulls_again", "consumer.silent"]


def test_is_not_told_for_pulls_that_the_portal_missed_itself(cast, now):
    record = pulls(cast, "payments-gw", now)
    look(now, 5)
    back = now + timedelta(hours=2)

    assert look(back, 9) == 0, "it has the time of its missed pulls after the portal came back"
    PullRecord.objects.filter(pk=record.pk).update(pulled_at=back + 8 * MINUTE)
    assert look(back + 9 * MINUTE, 9) == 0


def test_is_not_told_of_a_consumer_that_was_retired_or_never_pulled(cast, now):
    from trust.consumers import services

    record = pulls(cast, "payments-gw", now)
    make.registered(cast, "planned")
    services.retire(consumer=record.consumer, actor=cast.birch.admin.actor, now=now)

    assert look(now, 30) == 0
