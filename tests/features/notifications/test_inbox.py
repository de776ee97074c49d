"""The inbox: each member's own, and read only when they say so."""

import pytest
from django.urls import reverse

from notifications.fanout import queries
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from tests.makers.events import record


@pytest.fixture
def item(cast, now) -> InboxItem:
    record(cast.birch.organization, now)
    fanout.sweep(now=now)
    return cast.birch.admin.membership.inbox.get()


class TestInbox:
    def test_shows_what_happened_and_counts_what_is_not_read(self, cast, item):
        answer = cast.birch.admin.client().get(reverse("inbox"))

        assert "A webhook to pager-bridge could not be delivered" in answer.content.decode()
        assert answer.context["shell"]["unread_count"] == 1

    def test_is_empty_for_others(self, cast, item):
        for person in (cast.birch.viewer, cast.alder.admin):
            answer = person.client().get(reverse("inbox"))

            assert "Nothing yet" in answer.content.decode()

    def test_marks_nothing_as_read_by_looking(self, cast, item):
        cast.birch.admin.client().get(reverse("inbox"))

        assert queries.unread(cast.birch.admin.actor) == 1


class TestMarkRead:
    def test_marks_one_item(self, cast, item):
        cast.birch.admin.client().post(reverse("inbox_read", args=[item.pk]))

        assert queries.unread(cast.birch.admin.actor) == 0

    def test_marks_all(self, cast, item, now):
        record(cast.birch.organization, now)
        fanout.sweep(now=now)

        cast.birch.admin.client().post(reverse("inbox_read_all"))

        assert queries.unread(cast.birch.admin.actor) == 0
        assert queries.unread(cast.birch.officer.actor) == 2

    def test_does_not_find_the_items_of_others(self, cast, item):
        assert cast.birch.officer.client().post(reverse("inbox_read", args=[item.pk])).status_code == 404
        assert InboxItem.objects.get(pk=item.pk).read_at is None
