"""Silence is noticed: an endpoint that nobody heard of for a day is asked, and mails say which webhook could not be told."""

from datetime import timedelta

import pytest

from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.fanout import tasks
from notifications.webhooks import services, watching
from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import EndpointState
from portal.audit.models import Event
from tests.makers import listener as listeners
from tests.makers import notices, stores


@pytest.fixture
def listener(settings):
    settings.WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1/32"]
    with listeners.running() as running:
        yield running


def endpoint(cast, now, url: str, **fields) -> WebhookEndpoint:
    made = services.add_endpoint(
        actor=cast.birch.admin.actor, now=now, name="pager-bridge", url=url, event_types=["notice.*"]
    ).endpoint
    defaults = {"state": EndpointState.ACTIVE, "proven_at": now - timedelta(days=9)}
    WebhookEndpoint.objects.filter(pk=made.pk).update(**(defaults | fields))
    made.refresh_from_db()
    return made


class TestQuietEndpoints:
    def test_are_asked_after_a_day(self, cast, now, listener):
        quiet = endpoint(cast, now, listener.url(), last_success_at=now - timedelta(hours=25))

        assert watching.ask_quiet_endpoints(now=now) == 1

        quiet.refresh_from_db()
        assert listener.received[0].json()["type"] == "webhook.heartbeat"
        assert quiet.last_success_at == now

    def test_are_left_alone_before(self, cast, now, listener):
        endpoint(cast, now, listener.url(), last_success_at=now - timedelta(hours=23))

        assert watching.ask_quiet_endpoints(now=now) == 0

    def test_that_do_not_answer_come_to_be_failing(self, cast, now, listener):
        quiet = endpoint(cast, now, listener.url("/status/500"))

        for hour in range(8):
            watching.ask_quiet_endpoints(now=now + timedelta(hours=hour))

        quiet.refresh_from_db()
        assert quiet.state == EndpointState.FAILING


class TestAPause:
    def test_by_the_portal_is_told_again_each_day_with_what_was_missed(self, cast, now, listener):
        stores.published(cast)
        endpoint(
            cast, now, listener.url(), state=EndpointState.PAUSED, told_at=now, paused_at=now, state_reason="Gone."
        )
        notices.make_signer(cast).send()
        fanout.sweep(now=now)

        told = [watching.tell_of_paused_endpoints(now=now + timedelta(hours=hours)) for hours in (23, 24, 25, 48)]

        assert told == [0, 1, 0, 1]
        event = Event.objects.filter(kind="webhook_endpoint.still_paused").latest("sequence")
        assert (event.organization_id, event.data["missed"]) == (cast.birch.organization.pk, 1)

    def test_by_a_person_is_not_told_again(self, cast, now, listener):
        made = endpoint(cast, now, listener.url(), told_at=now)
        services.pause_endpoint(actor=cast.birch.admin.actor, now=now, endpoint_id=made.pk, reason="Holiday")

        assert watching.tell_of_paused_endpoints(now=now + timedelta(days=9)) == 0


def test_a_mail_about_a_notice_says_which_webhook_could_not_be_told(cast, now, listener):
    stores.published(cast)
    endpoint(cast, now, listener.url(), state=EndpointState.PAUSED, last_reason="The endpoint answered 410.")
    notices.make_signer(cast).send()
    fanout.sweep(now=now)

    content = tasks.content_of(Delivery.objects.filter(channel="mail", event__kind="notice.received").first())

    assert ("Webhook", "pager-bridge is paused: The endpoint answered 410.") in content.facts
