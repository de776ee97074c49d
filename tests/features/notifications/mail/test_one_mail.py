"""A notice that takes effect as it comes: one mail says both, and none is lost by it."""

import pytest

from notifications.deliveries.models import Delivery
from notifications.fanout import one_mail, services
from notifications.fanout.models import InboxItem
from notifications.fanout.wording import content_of
from notifications.mail import services as mail
from portal import words
from portal.audit.models import Event
from tests.features.notifications.mail.conftest import deliver
from tests.makers import notices, stores
from tests.makers.mailbox import read, text_of
from trust.notices import document, effects


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def told(sink, person):
    return [read(raw) for raw in sink.to(person.user.email)]


def send_at_once(alder, now):
    return alder.send(now=now, effective_date=document.stamp(now)).notice


def kinds(recipient):
    return sorted(Delivery.objects.filter(recipient=str(recipient.membership.pk)).values_list("event__kind", flat=True))


def test_says_what_came_and_what_it_did(cast, now, sink, alder):
    notice = send_at_once(alder, now)

    deliver(now)

    [mail] = told(sink, cast.birch.responder)
    text = text_of(mail)
    assert text.startswith("Alder has revoked one of the CAs your services trust.")
    assert f"  Took effect   {words.exact(now)}\n" in text
    assert "  Published     alder-prod v2, without this CA\n" in text
    assert "  1. Open https://portal.example/n/" in text
    assert "  2. See on the same page which services have moved.\n" in text
    assert f"({notice.label})" in str(mail["Subject"])


def test_keeps_both_in_log_and_inbox_and_tells_the_sender_of_the_effect(cast, now, sink, alder):
    send_at_once(alder, now)

    deliver(now)

    rows = InboxItem.objects.filter(membership=cast.birch.responder.membership).values_list("event__kind", flat=True)
    assert {"notice.received", "notice.executed"} <= set(rows)
    assert Event.objects.filter(kind__in=("notice.received", "notice.executed")).count() == 2
    assert "notice.executed" in kinds(cast.alder.second_officer)


@pytest.fixture
def slow(monkeypatch):
    """Let notices take effect only when the test says so, as with a worker that is faster than the effect."""
    apply = effects.apply_now
    monkeypatch.setattr(effects, "apply_now", lambda *_, **__: None)
    return apply


class TestWhileTheEffectIsNotThereYet:
    def test_waits_for_it_and_leaves_with_it(self, cast, now, sink, alder, slow):
        notice = send_at_once(alder, now)
        assert deliver(now) == 0

        slow(notice, now=now)
        deliver(now)

        [mail] = told(sink, cast.birch.responder)
        assert "Took effect" in text_of(mail)

    def test_leaves_without_it_when_it_does_not_come(self, cast, now, sink, alder, slow):
        notice = send_at_once(alder, now)
        deliver(now)
        later = now + one_mail.HOLD

        deliver(later)
        slow(notice, now=later)
        deliver(later)

        first, second = told(sink, cast.birch.responder)
        assert f"Takes effect   {words.exact(now)}" in text_of(first)
        assert "took effect: the CA was removed from trust" in str(second["Subject"])

    def test_is_mailed_alone_when_the_first_mail_was_tried_already(self, cast, now, sink, alder, slow):
        notice = send_at_once(alder, now)
        deliver(now)
        mail.deliver(now=now + one_mail.HOLD, content_of=_fail, clock=lambda: now)

        slow(notice, now=now)
        services.sweep(now=now)

        assert kinds(cast.birch.responder) == ["notice.executed", "notice.received"]


def test_one_that_takes_effect_later_is_mailed_at_once_and_again_then(cast, now, sink, alder):
    notice = alder.send().notice
    deliver(now)
    due = now + notices.LEAD

    effects.apply_now(notice, now=due)
    deliver(due)

    first, second = told(sink, cast.birch.responder)
    assert f"Takes effect   {words.exact(notice.effective_at)}" in text_of(first)
    assert "took effect: the CA was removed from trust" in str(second["Subject"])


def _fail(delivery):
    content_of(delivery)
    raise ValueError("the mail server has no words")
