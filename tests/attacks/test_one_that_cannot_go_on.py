"""One thing that cannot be told, signed, mailed or moved on holds up nothing else: what comes after it may be a revocation."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.acknowledgements import queries as clocks
from notifications.acknowledgements import services as acknowledgements
from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import State
from notifications.fanout import services as fanout
from notifications.fanout import telling
from notifications.fanout.models import InboxItem
from notifications.mail import services as mail
from notifications.mail.messages import Content
from notifications.webhooks import delivering, outbound, services
from notifications.webhooks.models import EndpointKey, WebhookEndpoint
from notifications.webhooks.rules import EndpointState
from portal.audit.models import Event
from tests.makers import listener as listeners
from tests.makers import notices, stores
from tests.makers.events import record
from trust.notices import life, signatures
from trust.notices.models import Notice
from trust.notices.rules import State as NoticeState

HOUR = timedelta(hours=1)


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def refuses(monkeypatch, module, name: str, when) -> None:
    """Let a function fail as only a mistake of ours makes it fail, for some of what it is asked."""
    original = getattr(module, name)

    def failing(*given, **more):
        if when(*given):
            raise AttributeError("a mistake of ours")
        return original(*given, **more)

    monkeypatch.setattr(module, name, failing)


class TestAnEventThatCannotBeToldInWords:
    def test_is_told_without_them_and_those_after_it_as_ever(self, cast, alder, now, monkeypatch):
        alder.send()
        untold = Event.objects.get(kind="notice.received")
        later = record(cast.birch.organization, now)
        refuses(monkeypatch, telling, "of", lambda event, *_: event.kind == "notice.received")

        fanout.sweep(now=now)
        fanout.sweep(now=now)

        assert InboxItem.objects.filter(event=later).exists()
        [said] = Event.objects.filter(kind="event.untold")
        assert (said.data["event"], said.partnership_id) == (untold.sequence, cast.partnership.pk)
        for who in (cast.birch.responder, cast.alder.admin):
            [item] = who.membership.inbox.filter(event=said)
            assert item.subject.endswith(f"event {untold.sequence}")

    def test_does_not_go_round_for_ever(self, cast, now, monkeypatch):
        record(cast.birch.organization, now)
        refuses(monkeypatch, telling, "of", lambda *_: True)

        for _ in range(4):
            fanout.sweep(now=now)

        assert Event.objects.filter(kind="event.untold").count() == 1


@pytest.fixture
def listener(settings):
    settings.WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1/32"]
    with listeners.running() as running:
        yield running


@pytest.mark.parametrize("what", ["key", "bearer token"])
def test_an_endpoint_whose_secret_no_key_opens_fails_alone(cast, alder, now, listener, what):
    for name in ("broken", "pager"):
        services.add_endpoint(
            actor=cast.birch.admin.actor,
            now=timezone.now(),
            name=name,
            url=listener.url(f"/ok/{name}"),
            event_types=["notice.*"],
            bearer_token="opens-their-door",
        )
    WebhookEndpoint.objects.update(state=EndpointState.ACTIVE, proven_at=now)
    if what == "key":
        EndpointKey.objects.filter(endpoint__name="broken").update(secret_sealed="gAAAAAnobodyopensthis")
    else:
        WebhookEndpoint.objects.filter(name="broken").update(bearer_token_sealed="gAAAAAnobodyopensthis")
    alder.send()
    fanout.sweep(now=now)

    delivering.deliver(now=now)

    states = {
        WebhookEndpoint.objects.get(pk=each.recipient).name: each for each in Delivery.objects.filter(channel="webhook")
    }
    assert states["pager"].state == State.DELIVERED
    assert (states["broken"].state, states["broken"].next_attempt_at > now) == (State.PENDING, True)
    assert states["broken"].attempts.get().exchange["reason"] == outbound.CANNOT_SIGN
    assert WebhookEndpoint.objects.get(name="broken").failures == 1


def test_a_mail_that_cannot_be_written_is_tried_again_and_the_others_go_out(cast, now, mailoutbox):
    first, second = record(cast.birch.organization, now), record(cast.birch.organization, now)
    fanout.sweep(now=now)

    def content_of(delivery: Delivery) -> Content:
        if delivery.event_id == first.sequence:
            raise AttributeError("a mistake of ours")
        return Content(subject="Look at this", facts=(), path="/inbox/")

    mail.deliver(now=now, content_of=content_of)

    of = {each: Delivery.objects.filter(event=each, channel="mail") for each in (first, second)}
    assert {each.state for each in of[second]} == {State.DELIVERED}
    assert {(each.state, each.tries) for each in of[first]} == {(State.PENDING, 1)}
    assert len(mailoutbox) == of[second].count()


def test_a_notice_that_cannot_be_moved_on_delays_no_revocation(cast, alder, now, monkeypatch):
    due = alder.send().notice
    stuck = alder.send(kind="policy_change", summary="We change our policy.").notice
    Notice.objects.filter(pk=stuck.pk).update(state=NoticeState.UNVERIFIED, signer_fingerprint="ab" * 20)
    refuses(monkeypatch, signatures, "is_verified", lambda fingerprint, *_: fingerprint == "ab" * 20)

    life.sweep(now=due.effective_at)

    due.refresh_from_db()
    assert due.state in (NoticeState.EXECUTED, NoticeState.ADOPTED)


def test_a_clock_that_cannot_go_on_stops_no_other(cast, alder, now, monkeypatch):
    stuck, other = alder.send().notice, alder.send().notice
    acknowledgements.sweep(now=now)
    refuses(monkeypatch, clocks, "plan_of", lambda clock: clock.notice_id == stuck.pk)

    acknowledgements.sweep(now=now + 3 * HOUR)

    told = Event.objects.filter(kind="acknowledgement.escalated").values_list("subject_id", flat=True)
    assert set(told) == {str(other.pk)}
