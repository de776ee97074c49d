"""The fan-out: everything owed because of an event is written down once, whatever happens in between."""

import pytest
from django.db import transaction

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import State
from notifications.fanout import queries, rules, services
from notifications.fanout.audience import OFFICERS
from notifications.fanout.models import Cursor, InboxItem
from portal.audit.models import Event
from portal.organizations.models import Membership
from tests.makers.events import record


class TestSweep:
    def test_writes_down_an_inbox_item_and_a_mail_for_each_person_in_the_audience(self, cast, now):
        event = record(cast.birch.organization, now)

        services.sweep(now=now)

        people = {cast.birch.admin, cast.birch.officer, cast.birch.second_officer}
        assert {item.membership for item in InboxItem.objects.all()} == {each.membership for each in people}
        assert {each.recipient for each in Delivery.objects.all()} == {str(each.membership.pk) for each in people}
        assert set(Delivery.objects.values_list("event", "state", "next_attempt_at")) == {
            (event.sequence, State.PENDING, now)
        }

    def test_says_it_in_the_words_of_the_recorded_fact(self, cast, now):
        record(cast.birch.organization, now)

        services.sweep(now=now)

        assert InboxItem.objects.first().subject == "A webhook to pager-bridge could not be delivered"

    def test_reads_each_event_once(self, cast, now):
        record(cast.birch.organization, now)

        assert [services.sweep(now=now), services.sweep(now=now)] == [1, 0]
        assert InboxItem.objects.count() == 3

    def test_tells_nothing_twice_when_the_cursor_was_set_back(self, cast, now):
        record(cast.birch.organization, now)
        services.sweep(now=now)
        Cursor.objects.update(sequence=0)

        services.sweep(now=now)

        assert (InboxItem.objects.count(), Delivery.objects.count()) == (3, 3)

    def test_passes_over_kinds_that_nobody_is_told_of(self, cast, now):
        event = record(cast.birch.organization, now, kind="test.happened")

        services.sweep(now=now)

        assert queries.position() == event.sequence
        assert not InboxItem.objects.exists()

    def test_moves_the_cursor_only_together_with_the_debts(self, cast, now, monkeypatch):
        record(cast.birch.organization, now)
        monkeypatch.setattr(services.Delivery.objects, "bulk_create", _fail)

        with pytest.raises(RuntimeError):
            services.sweep(now=now)

        assert queries.position() == 0
        assert not InboxItem.objects.exists()

    def test_goes_on_over_many_batches(self, cast, now, monkeypatch):
        monkeypatch.setattr(services, "BATCH", 2)
        for _ in range(5):
            record(cast.birch.organization, now)

        assert services.sweep(now=now) == 5
        assert InboxItem.objects.count() == 15

    @pytest.mark.parametrize("state", ["locked", "inactive"])
    def test_leaves_out_people_who_cannot_sign_in(self, cast, now, state):
        if state == "locked":
            Membership.objects.filter(pk=cast.birch.admin.membership.pk).update(state=Membership.State.LOCKED)
        else:
            type(cast.olga).objects.filter(pk=cast.birch.admin.user.pk).update(is_active=False)
        record(cast.birch.organization, now)

        services.sweep(now=now)

        assert cast.birch.admin.membership not in {item.membership for item in InboxItem.objects.all()}

    def test_leaves_out_who_did_it(self, cast, now):
        record(cast.birch.organization, now, actor=cast.birch.officer.actor)

        services.sweep(now=now)

        assert cast.birch.officer.membership not in {item.membership for item in InboxItem.objects.all()}


class TestAudience:
    @pytest.mark.parametrize(
        ("audience", "told"),
        [
            (rules.Audience.ACTING, {"alder"}),
            (rules.Audience.PARTNER, {"birch"}),
            (rules.Audience.BOTH, {"alder", "birch"}),
        ],
    )
    def test_is_the_organizations_that_the_table_says(self, cast, now, monkeypatch, audience, told):
        monkeypatch.setitem(
            rules.TABLE,
            "test.happened",
            rules.Rule(audience, OFFICERS, rules.PEOPLE, "{organization}, {partner}"),
        )
        with transaction.atomic():
            record(cast.alder.organization, now, kind="test.happened", partnership_id=cast.partnership.pk)

        services.sweep(now=now)

        items = InboxItem.objects.select_related("membership__organization")
        assert {item.membership.organization.slug for item in items} == told
        assert {item.subject for item in items} == {"Alder, Birch"}

    def test_never_holds_a_stranger(self, cast, now, monkeypatch):
        monkeypatch.setitem(
            rules.TABLE, "test.happened", rules.Rule(rules.Audience.BOTH, rules.RESPONDERS, rules.PEOPLE, "x")
        )
        record(cast.alder.organization, now, kind="test.happened", partnership_id=cast.partnership.pk)

        services.sweep(now=now)

        assert not InboxItem.objects.filter(membership__organization=cast.cedar.organization).exists()
        assert InboxItem.objects.filter(membership=cast.birch.responder.membership).exists()
        assert not InboxItem.objects.filter(membership=cast.birch.viewer.membership).exists()

    def test_puts_facts_in_as_text_and_never_as_templates(self, cast, now):
        record(cast.birch.organization, now, data={"recipient": "{actor.__class__} {x}\r\nBcc: all"})

        services.sweep(now=now)

        assert InboxItem.objects.first().subject == (
            "A webhook to {actor.__class__} {x} Bcc: all could not be delivered"
        )


class TestQueries:
    def test_names_the_oldest_event_that_waits(self, cast, now):
        assert queries.oldest_waiting_at() is None
        event = record(cast.birch.organization, now)

        assert queries.oldest_waiting_at() == event.at
        services.sweep(now=now)
        assert queries.oldest_waiting_at() is None
        assert Event.objects.count() == 1


def _fail(*_, **__):
    raise RuntimeError("killed here")
