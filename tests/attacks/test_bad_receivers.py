"""Receivers that are slow, broken, gone or endless (case 54), and one that never answers well again (case 56), beside a good one.

Real sockets. What is asserted is what does not happen: nobody else waits, nothing is lost, and no store, notice or clock moves.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.acknowledgements.models import NoticeClock
from notifications.deliveries import services as deliveries
from notifications.deliveries.models import Attempt, Delivery
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from notifications.webhooks import client, delivering
from notifications.webhooks.models import WebhookEndpoint
from portal.audit.models import Event
from tests.makers import listener as listeners
from tests.makers import notices, stores
from trust.notices.models import Notice
from trust.stores.models import TrustStore

# What each bad receiver comes to: state of the delivery, of its attempt, what was answered, state of the endpoint.
BAD = {
    "hang": ("pending", "failed", None, "active"),
    "status/500": ("pending", "failed", 500, "active"),
    "status/410": ("dead", "failed", 410, "paused"),
    "endless": ("delivered", "delivered", 200, "active"),
    "garbage": ("pending", "failed", None, "active"),
    "close": ("pending", "failed", None, "active"),
    "redirect": ("pending", "failed", 302, "active"),
}


@pytest.fixture
def listener(settings, monkeypatch):
    settings.WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1/32"]
    monkeypatch.setattr(client, "TOTAL_SECONDS", 0.8)
    with listeners.running() as running:
        yield running


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def endpoint(cast, listener, manner: str) -> WebhookEndpoint:
    from notifications.webhooks import services

    made = WebhookEndpoint.objects.create(
        organization=cast.birch.organization,
        name=manner.replace("/", "-"),
        url=listener.url(f"/{manner}"),
        event_types=["notice.*"],
        state="active",
        created_at=timezone.now(),
        proven_at=timezone.now(),
    )
    services._new_key(made, timezone.now())
    return made


def stood() -> tuple:
    """Return what no receiver may move."""
    return (
        TrustStore.objects.get().current_number,
        list(Notice.objects.values_list("state", "content_sha256")),
        list(NoticeClock.objects.values_list("state", "acknowledged_at")),
        InboxItem.objects.filter(event__kind="notice.received").count(),
    )


class TestBadReceivers:
    """Case 54."""

    def test_case_54_get_what_they_deserve_and_nobody_else_waits(self, cast, alder, listener, now):
        bad = {manner: endpoint(cast, listener, manner) for manner in BAD}
        good = endpoint(cast, listener, "ok")
        alder.send()
        fanout.sweep(now=now)
        before = stood()

        delivering.deliver(now=now)

        assert [each.path for each in listener.received].count("/ok") == 1
        assert Delivery.objects.get(recipient=str(good.pk)).state == "delivered"
        for manner, (state, outcome, status, then) in BAD.items():
            delivery = Delivery.objects.get(recipient=str(bad[manner].pk))
            attempt = Attempt.objects.get(delivery=delivery)
            bad[manner].refresh_from_db()
            assert (manner, delivery.state, attempt.outcome, attempt.status_code, bad[manner].state) == (
                manner, state, outcome, status, then,
            )  # fmt: skip
            assert len(attempt.detail) <= deliveries.MAX_DETAIL
        assert stood() == before
        assert Event.objects.filter(kind="webhook_endpoint.paused").count() == 1


class TestAReceiverThatIsGivenUp:
    """Case 56: dead letter, alarm, manual resend."""

    def test_case_56_leaves_a_dead_letter_an_alarm_and_the_same_id_on_resend(self, cast, alder, listener, now):
        made = endpoint(cast, listener, "status/500")
        alder.send()
        fanout.sweep(now=now)
        delivery = Delivery.objects.get(recipient=str(made.pk))
        before, moment, tries = stood(), now, 0

        while Delivery.objects.get(pk=delivery.pk).state == "pending" and tries < 40:
            # Every tenth try of the week is really made; the schedule itself has its own tests.
            Delivery.objects.filter(pk=delivery.pk).update(tries=min(199, tries * 10))
            moment += timedelta(hours=9)
            Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=moment)
            WebhookEndpoint.objects.filter(pk=made.pk).update(failing_since=moment)
            delivering.deliver(now=moment)
            tries += 1
        fanout.sweep(now=moment)

        assert Delivery.objects.get(pk=delivery.pk).state == "dead"
        alarm = Event.objects.get(kind="webhook.undeliverable")
        assert alarm.organization_id == cast.birch.organization.pk
        assert InboxItem.objects.filter(event=alarm, membership=cast.birch.admin.membership).exists()
        assert stood() == before, "the notice still waits in every inbox"

        listener.manner = "ok"
        deliveries.send_again(actor=cast.birch.admin.actor, delivery_id=delivery.pk, now=moment)
        delivering.deliver(now=moment)

        assert Delivery.objects.get(pk=delivery.pk).state == "delivered"
        assert {each.id for each in listener.received} == {str(delivery.pk)}
        assert len({each.body for each in listener.received}) == 1
