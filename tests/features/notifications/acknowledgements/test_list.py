"""The list of notices: what presses comes first, on whichever page it would have been by its age."""

from datetime import timedelta

import pytest

from notifications.acknowledgements import pages, queries
from notifications.acknowledgements.models import NoticeClock
from tests.makers import notices, stores
from trust.notices.models import Notice


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def sent(alder, now):
    """Six notices, the oldest first: overdue, open, and four that are over."""
    made = [alder.send(now=now, summary=str(number)).notice for number in range(6)]
    for age, each in enumerate(reversed(made)):
        Notice.objects.filter(pk=each.pk).update(
            received_at=now - timedelta(hours=age), acknowledge_by=now + timedelta(hours=1)
        )
    Notice.objects.filter(pk=made[0].pk).update(acknowledge_by=now - timedelta(minutes=1))
    NoticeClock.objects.filter(notice__in=made[:2]).delete()
    for each, state in zip(made[2:], ("acknowledged", "done", "cannot_act", "open"), strict=True):
        NoticeClock.objects.update_or_create(
            notice=each, defaults={"state": state, "policy": [], "seen_until": now, "next_at": None}
        )
    Notice.objects.filter(pk=made[5].pk).update(state="withdrawn")
    return made


def order(now) -> list[str]:
    return [each.members["summary"] for each in queries.pressing_first(Notice.objects.all(), now)]


class TestTheList:
    def test_has_overdue_on_top_then_open_then_the_others_newest_first(self, sent, now):
        assert order(now) == ["0", "1", "5", "4", "3", "2"]

    def test_has_the_next_deadline_first_among_those_that_wait(self, sent, now):
        for each, hours in zip(sent[1:4], (50, 4, 20), strict=True):
            Notice.objects.filter(pk=each.pk).update(acknowledge_by=now + timedelta(hours=hours))
        NoticeClock.objects.filter(notice__in=sent[1:4]).delete()

        assert order(now) == ["0", "2", "3", "1", "5", "4"]

    def test_has_rehearsals_after_the_rest_that_presses_as_much(self, sent, now):
        Notice.objects.filter(pk=sent[1].pk).update(rehearsal=True)
        Notice.objects.filter(pk=sent[3].pk).update(rehearsal=True)

        assert order(now) == ["0", "1", "5", "4", "2", "3"]

    def test_shows_on_its_first_page_what_is_overdue_and_would_be_on_the_last(self, cast, sent, now, monkeypatch):
        monkeypatch.setattr(pages, "PAGE", 2)
        client = cast.birch.responder.client()

        first, last = (client.get("/notices/", {"page": page}).content.decode() for page in (1, 3))

        assert sent[0].label in first
        assert sent[1].label in first
        assert sent[0].label not in last
