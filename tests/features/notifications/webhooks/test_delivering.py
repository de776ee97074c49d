"""From an event to a receiver's own library: fan-out, signing, retries, recovery."""

from datetime import timedelta

import pytest
import standardwebhooks
from django.utils import timezone

from notifications.deliveries.models import Attempt, Delivery
from notifications.deliveries.rules import State
from notifications.fanout import services as fanout
from notifications.webhooks import delivering, redelivering, services
from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import EndpointState
from portal import errors
from portal.audit.models import Event
from tests.makers import listener as listeners
from tests.makers import notices, stores

pytestmark = pytest.mark.django_db


@pytest.fixture
def listener(settings):
    settings.WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1/32"]
    with listeners.running() as running:
        yield running


def add(cast, listener, *, path="/ok", name="pager-bridge", scheme="hmac", event_types=("notice.*",)):
    added = services.add_endpoint(
        actor=cast.birch.admin.actor,
        now=timezone.now(),
        name=name,
        url=listener.url(path),
        event_types=event_types,
        scheme=scheme,
    )
    WebhookEndpoint.objects.filter(pk=added.endpoint.pk).update(
        state=EndpointState.ACTIVE, proven_at=added.endpoint.created_at
    )
    return added


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def told(alder, now):
    notice = alder.send(now=now).notice
    fanout.sweep(now=now)
    return notice


class TestDelivery:
    def test_is_accepted_by_the_receivers_library(self, cast, alder, listener, now):
        added = add(cast, listener)
        notice = told(alder, now)

        delivering.deliver(now=timezone.now())  # the library looks at its own clock

        [got] = listener.received
        event = standardwebhooks.Webhook(added.shown_once).verify(got.body, got.headers)
        assert event["type"] == "notice.received"
        assert event["data"]["dedup_key"] == f"notice-{notice.pk}"
        assert Delivery.objects.get(channel="webhook").state == State.DELIVERED

    def test_carries_the_signed_notice_as_it_is(self, cast, alder, listener, now):
        import base64

        from trust.pki.openpgp import verify

        add(cast, listener)
        told(alder, now)

        delivering.deliver(now=now)

        signed = listener.received[0].json()["data"]["signed_notice"]
        report = verify.check(
            content=base64.b64decode(signed["content_base64"]),
            signature=signed["signature"].encode(),
            ring=[alder.holder.ring_key()],
            now=now,
        )
        assert report.is_good
        assert len(listener.received[0].body) < 20_000

    def test_says_what_a_pager_needs(self, cast, alder, listener, now):
        add(cast, listener)
        notice = told(alder, now)

        delivering.deliver(now=now)

        data = listener.received[0].json()["data"]
        assert data["summary"].startswith("[Act by ")
        assert notice.label in data["summary"]
        assert (data["severity"], data["url"].endswith(f"/n/{notice.label}/")) == ("critical", True)
        assert data["due_at"]

    def test_goes_to_the_receiver_only(self, cast, alder, listener, now):
        add(cast, listener)
        for company in (cast.alder, cast.cedar):
            other = services.add_endpoint(
                actor=company.admin.actor, now=now, name="other", url=listener.url("/other"), event_types=["*"]
            )
            WebhookEndpoint.objects.filter(pk=other.endpoint.pk).update(state=EndpointState.ACTIVE)
        told(alder, now)

        delivering.deliver(now=now)

        assert [each.path for each in listener.received] == ["/ok"]

    def test_keeps_request_and_response_without_secrets(self, cast, alder, listener, now):
        added = add(cast, listener)
        services.change_endpoint(
            actor=cast.birch.admin.actor, now=now, endpoint_id=added.endpoint.pk, bearer_token="s3cret"
        )
        told(alder, now)

        delivering.deliver(now=now)

        attempt = Attempt.objects.get(delivery__channel="webhook")
        assert (attempt.status_code, attempt.detail) == (200, "ok")
        assert attempt.exchange["request_headers"]["Authorization"] == "(hidden)"
        assert listener.received[0].headers["authorization"] == "Bearer s3cret"


class TestRetry:
    def test_sends_the_same_id_and_bytes_with_a_new_time(self, cast, alder, listener, now):
        add(cast, listener)
        listener.manner = "/status/500"
        told(alder, now)

        delivering.deliver(now=now)
        listener.manner = ""
        delivering.deliver(now=now + timedelta(seconds=7))

        first, second = listener.received
        assert (first.id, first.body) == (second.id, second.body)
        assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 7

    def test_waits_as_the_receiver_asks(self, cast, alder, listener, now):
        add(cast, listener, path="/retry-after/120")
        told(alder, now)

        delivering.deliver(now=now)

        planned = Delivery.objects.get(channel="webhook").next_attempt_at
        assert timedelta(seconds=120) <= planned - now < timedelta(seconds=130)

    def test_ends_at_410_and_pauses_the_endpoint_aloud(self, cast, alder, listener, now):
        endpoint = add(cast, listener, path="/status/410").endpoint
        told(alder, now)

        delivering.deliver(now=now)

        endpoint.refresh_from_db()
        assert endpoint.state == EndpointState.PAUSED
        assert Delivery.objects.get(channel="webhook").state == State.DEAD
        assert Event.objects.filter(kind="webhook_endpoint.paused").exists()

    def test_after_the_last_is_a_dead_letter_that_somebody_is_told_about(self, cast, alder, listener, now):
        add(cast, listener, path="/status/500")
        told(alder, now)
        delivery = Delivery.objects.get(channel="webhook")
        Delivery.objects.filter(pk=delivery.pk).update(tries=199)

        delivering.deliver(now=now)

        delivery.refresh_from_db()
        assert delivery.state == State.DEAD
        assert Event.objects.get(kind="webhook.undeliverable").organization_id == cast.birch.organization.pk

    def test_is_made_by_the_next_worker_when_the_first_was_killed(self, cast, alder, listener, now):
        from notifications.deliveries import services as deliveries
        from notifications.deliveries.rules import Channel

        add(cast, listener)
        told(alder, now)
        [claimed] = deliveries.claim(channel=Channel.WEBHOOK, now=now, limit=10)

        assert delivering.deliver(now=now) == 0
        assert delivering.deliver(now=now + deliveries.lease()) == 1

        assert [each.id for each in listener.received] == [str(claimed.pk)]
        assert list(Attempt.objects.filter(delivery=claimed).values_list("outcome", flat=True)) == [
            "interrupted",
            "delivered",
        ]

    def test_of_one_that_hangs_leaves_the_others_alone(self, cast, alder, listener, now, monkeypatch):
        from notifications.webhooks import client

        monkeypatch.setattr(client, "PER_ENDPOINT", 1)
        monkeypatch.setattr(client, "TOTAL_SECONDS", 0.5)
        add(cast, listener, path="/hang", name="hangs")
        add(cast, listener, name="works")
        for _ in range(3):
            told(alder, now)

        delivering.deliver(now=now)

        states = Delivery.objects.filter(channel="webhook").values_list("recipient_label", "state", "tries")
        assert sorted(states) == [
            ("hangs", State.PENDING, 0),
            ("hangs", State.PENDING, 0),
            ("hangs", State.PENDING, 1),
            *[("works", State.DELIVERED, 1)] * 3,
        ]


class TestAWorker:
    def test_takes_what_becomes_due_while_a_slow_endpoint_is_under_way(self, cast, alder, listener, now, monkeypatch):
        """One endpoint has more due than the worker has places, all before the others: those are made meanwhile."""
        from notifications.webhooks import client

        monkeypatch.setattr(client, "IN_FLIGHT", 4)
        monkeypatch.setattr(client, "PER_ENDPOINT", 2)
        monkeypatch.setattr(delivering, "CROWDED", 4)
        add(cast, listener, path="/slow/0.4", name="slow")
        for _ in range(8):
            told(alder, now - timedelta(minutes=1))
        add(cast, listener, name="quick")
        for _ in range(4):
            told(alder, now)

        taken = delivering.deliver(now=now, limit=4)

        assert taken == 16
        assert not Delivery.objects.filter(channel="webhook").exclude(state=State.DELIVERED).exists()
        arrived = [each.path for each in listener.received]
        assert max(index for index, path in enumerate(arrived) if path == "/ok") < len(arrived) - 4

    def test_records_many_answers_whatever_they_are(self, cast, alder, listener, now):
        for path in ("ok", "status/500", "status/410", "garbage"):
            add(cast, listener, path=f"/{path}", name=path.replace("/", "-"))
        told(alder, now)

        delivering.deliver(now=now)

        rows = Attempt.objects.filter(delivery__channel="webhook").values_list(
            "delivery__recipient_label", "delivery__state", "outcome", "status_code"
        )
        assert sorted(rows) == [
            ("garbage", State.PENDING, "failed", None),
            ("ok", State.DELIVERED, "delivered", 200),
            ("status-410", State.DEAD, "failed", 410),
            ("status-500", State.PENDING, "failed", 500),
        ]
        assert all(each.started_at and each.finished_at for each in Attempt.objects.filter(delivery__channel="webhook"))


class TestRecovery:
    def test_redelivers_everything_that_failed_since(self, cast, alder, listener, now):
        endpoint = add(cast, listener, path="/status/410").endpoint
        told(alder, now)
        delivering.deliver(now=now)
        services.resume_endpoint(actor=cast.birch.admin.actor, now=now, endpoint_id=endpoint.pk)
        listener.manner = "/ok"

        count = redelivering.redeliver_failed(
            actor=cast.birch.admin.actor, now=now, endpoint_id=endpoint.pk, since=now - timedelta(hours=1)
        )
        delivering.deliver(now=now)

        assert count == 1
        assert Delivery.objects.get(channel="webhook").state == State.DELIVERED
        assert len({each.id for each in listener.received}) == 1

    def test_finds_what_was_missed_during_a_pause(self, cast, alder, listener, now):
        endpoint, admin = add(cast, listener).endpoint, cast.birch.admin.actor
        services.pause_endpoint(actor=admin, now=now, endpoint_id=endpoint.pk, reason="Moving")
        told(alder, now)
        assert delivering.deliver(now=now) == 0
        missed = Delivery.objects.get(channel="webhook")
        page = cast.birch.admin.client().get(f"/webhooks/deliveries/{missed.pk}/").content
        assert b"the endpoint was paused when it happened" in page
        services.resume_endpoint(actor=admin, now=now, endpoint_id=endpoint.pk)

        count = redelivering.redeliver_failed(
            actor=admin, now=now, endpoint_id=endpoint.pk, since=now - timedelta(hours=1)
        )
        delivering.deliver(now=now)

        assert count == 1
        assert [each.json()["type"] for each in listener.received] == ["notice.received"]

    def test_of_one_is_refused_to_strangers_and_while_it_is_tried(self, cast, alder, listener, now):
        add(cast, listener)
        told(alder, now)
        delivery = Delivery.objects.get(channel="webhook")

        with pytest.raises(errors.NotFound):
            redelivering.redeliver(actor=cast.cedar.admin.actor, now=now, delivery_id=delivery.pk)
        with pytest.raises(errors.Conflict):
            redelivering.redeliver(actor=cast.birch.admin.actor, now=now, delivery_id=delivery.pk)


class TestPages:
    @pytest.mark.parametrize("state", ["unproven", "active", "failing", "paused"])
    def test_show_an_endpoint_in_each_state(self, cast, listener, alder, now, state):
        endpoint = add(cast, listener).endpoint
        told(alder, now)
        delivering.deliver(now=now)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(state=state, failing_since=now, paused_at=now)
        client = cast.birch.admin.client()

        assert client.get("/webhooks/").status_code == 200
        page = client.get(f"/webhooks/{endpoint.pk}/")
        assert page.status_code == 200
        delivery = Delivery.objects.get(channel="webhook")
        assert b"pager-bridge" in client.get(f"/webhooks/deliveries/{delivery.pk}/").content

    def test_add_test_and_rotate(self, cast, listener):
        client = cast.birch.admin.client()
        form = {"name": "bridge", "url": listener.url("/echo"), "event_types": ["notice.*"], "scheme": "hmac"}

        added = client.post("/webhooks/new/", form)
        endpoint = WebhookEndpoint.objects.get()
        client.post(f"/webhooks/{endpoint.pk}/test/")
        rotated = client.post(f"/webhooks/{endpoint.pk}/rotate/", {"overlap_hours": 24})

        endpoint.refresh_from_db()
        assert (endpoint.state, endpoint.keys.count()) == (EndpointState.ACTIVE, 2)
        assert b"whsec_" in added.content
        assert b"whsec_" in rotated.content
        assert b"whsec_" not in client.get(f"/webhooks/{endpoint.pk}/").content

    def test_say_at_the_field_what_is_wrong_with_a_url(self, cast):
        form = {"name": "x", "url": "https://127.0.0.1/", "event_types": ["*"], "scheme": "hmac"}

        page = cast.birch.admin.client().post("/webhooks/new/", form)

        assert page.status_code == 400
        assert b"names an IP address" in page.content
