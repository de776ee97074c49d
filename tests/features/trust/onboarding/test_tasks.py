"""Planning, completing, evidence, own items, nudges and the mailbox."""

import re
from datetime import date, timedelta

import pytest
from django.core import mail

from portal import errors
from portal.audit.models import Event
from portal.partnerships.models import Partnership
from tests.makers import certificates
from tests.makers.onboarding import onboarding
from trust.onboarding import mailbox, queries, services
from trust.onboarding.board_rules import Status
from trust.onboarding.models import GoLive, IncidentMailbox, OnboardingTask, TaskEvidence

pytestmark = pytest.mark.django_db


@pytest.fixture
def partnership(cast):
    return onboarding(cast)


def cell(cast, now, key, side="alder"):
    return queries.board(cast.partnership, now).line(key).cell(side)


class TestPlanning:
    def test_says_who_and_until_when(self, cast, partnership, now):
        services.plan_task(
            actor=cast.alder.admin.actor,
            partnership=partnership,
            key="monitoring",
            owner="Priya Nair",
            due_on=date(2027, 1, 31),
            now=now,
        )

        found = cell(cast, now, "monitoring")
        assert (found.status, found.said.owner, found.said.due_on) == (
            Status.IN_PROGRESS,
            "Priya Nair",
            date(2027, 1, 31),
        )
        assert cell(cast, now, "monitoring", "birch").said.owner == ""

    def test_is_for_items_that_exist(self, cast, partnership, now):
        with pytest.raises(errors.NotFound):
            services.plan_task(
                actor=cast.alder.admin.actor, partnership=partnership, key="nonsense", owner="x", due_on=None, now=now
            )

        assert not OnboardingTask.objects.exists()


class TestCompleting:
    def test_is_a_word_of_the_own_side(self, cast, partnership, now):
        services.complete_task(actor=cast.alder.officer.actor, partnership=partnership, key="monitoring", now=now)

        assert cell(cast, now, "monitoring").status is Status.COMPLETED
        assert cell(cast, now, "monitoring", "birch").status is Status.NOT_STARTED

    @pytest.mark.parametrize("key", ["agreement", "officers", "store", "clock"])
    def test_is_not_for_what_the_portal_sees(self, cast, partnership, now, key):
        with pytest.raises(errors.Conflict) as refused:
            services.complete_task(actor=cast.alder.officer.actor, partnership=partnership, key=key, now=now)

        assert refused.value.code == "seen_by_the_portal"

    def test_can_be_taken_back_and_then_nobody_is_ready(self, cast, partnership, now):
        services.complete_task(actor=cast.alder.officer.actor, partnership=partnership, key="monitoring", now=now)
        GoLive.objects.create(
            partnership=partnership, organization=cast.alder.organization, person=cast.alder.officer.user, at=now
        )
        services.reopen_task(actor=cast.alder.officer.actor, partnership=partnership, key="monitoring", now=now)

        assert cell(cast, now, "monitoring").status is Status.NOT_STARTED
        assert not GoLive.objects.exists()

    @pytest.mark.parametrize("role", ["verifier", "responder", "viewer"])
    def test_needs_the_right(self, cast, partnership, now, role):
        with pytest.raises(errors.NotAllowed):
            services.complete_task(
                actor=getattr(cast.alder, role).actor, partnership=partnership, key="monitoring", now=now
            )

    def test_does_not_exist_for_strangers(self, cast, partnership, now):
        with pytest.raises(errors.NotFound):
            services.complete_task(actor=cast.cedar.officer.actor, partnership=partnership, key="monitoring", now=now)


class TestEvidence:
    def add(self, cast, now, content=b"a report", name="report.txt"):
        return services.add_evidence(
            actor=cast.alder.officer.actor,
            partnership=cast.partnership,
            key="monitoring",
            name=name,
            content=content,
            note="From the pager",
            now=now,
        )

    def test_is_kept_byte_for_byte_for_both_sides(self, cast, partnership, now):
        kept = self.add(cast, now, b"\x00\xff bytes")

        assert bytes(queries.one_evidence(partnership, kept.pk).content) == b"\x00\xff bytes"
        assert Event.objects.get(kind="onboarding.evidence_added").data["sha256"] == kept.sha256

    @pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\temp\\passwd", "pass\x00wd\n"])
    def test_has_a_plain_name(self, cast, partnership, now, name):
        assert self.add(cast, now, name=name).name == "passwd"

    def test_is_never_a_private_key(self, cast, partnership, now):
        with pytest.raises(errors.Invalid) as refused:
            self.add(cast, now, certificates.leaf().key_pem())

        assert "private key" in refused.value.sentence
        assert not TaskEvidence.objects.exists()

    @pytest.mark.parametrize("content", [b"", b"x" * (1024 * 1024 + 1)])
    def test_has_a_size(self, cast, partnership, now, content):
        with pytest.raises((errors.Invalid, errors.TooLarge)):
            self.add(cast, now, content)

    def test_is_not_found_by_strangers(self, cast, partnership, now):
        from tests.cast import make_partnership

        kept = self.add(cast, now)
        other = make_partnership(cast.alder, cast.cedar)

        with pytest.raises(errors.NotFound):
            queries.one_evidence(other, kept.pk)


class TestOwnItems:
    def add(self, cast, now, **changes):
        valid = {"group": "Operate", "title": "Exchange runbooks", "why": "For the night", "needed": False}
        return services.add_item(
            actor=cast.alder.admin.actor, partnership=cast.partnership, now=now, **(valid | changes)
        )

    def test_are_items_of_both_sides(self, cast, partnership, now):
        item = self.add(cast, now)
        services.complete_task(actor=cast.birch.officer.actor, partnership=partnership, key=f"own-{item.pk}", now=now)

        assert cell(cast, now, f"own-{item.pk}", "birch").status is Status.COMPLETED
        assert cell(cast, now, f"own-{item.pk}", "alder").status is Status.NOT_STARTED

    def test_can_be_needed_to_go_live(self, cast, partnership, now):
        item = self.add(cast, now, needed=True)

        assert f"own-{item.pk}" in {each.key for each in queries.board(partnership, now).missing}

    @pytest.mark.parametrize("changes", [{"title": "x"}, {"title": "a\nb c"}, {"group": "Later"}, {"why": "x" * 301}])
    def test_are_refused_with_the_field(self, cast, partnership, now, changes):
        with pytest.raises(errors.Invalid) as refused:
            self.add(cast, now, **changes)

        assert list(refused.value.fields) == list(changes)

    def test_are_removed_by_the_side_that_added_them(self, cast, partnership, now):
        item = self.add(cast, now)

        with pytest.raises(errors.NotFound):
            services.remove_item(actor=cast.birch.admin.actor, partnership=partnership, item_id=item.pk, now=now)
        services.remove_item(actor=cast.alder.admin.actor, partnership=partnership, item_id=item.pk, now=now)

        assert not queries.custom_items(partnership).exists()

    def test_cannot_become_needed_when_it_is_too_late(self, cast, now):
        assert Partnership.objects.get(pk=cast.partnership.pk).activated_at

        with pytest.raises(errors.Conflict):
            self.add(cast, now, needed=True)


class TestNudging:
    def nudge(self, cast, now, who=None):
        services.nudge(actor=(who or cast.alder.verifier).actor, partnership=cast.partnership, key="contacts", now=now)

    def test_reminds_the_other_side(self, cast, partnership, now):
        self.nudge(cast, now)

        event = Event.objects.get(kind="onboarding.nudged")
        assert event.data["title"] == "Name a primary and a backup contact"
        assert event.organization_id == cast.alder.organization.pk

    def test_is_possible_once_a_day_whoever_does_it(self, cast, partnership, now):
        self.nudge(cast, now)

        with pytest.raises(errors.Conflict) as refused:
            self.nudge(cast, now + timedelta(hours=23), who=cast.alder.officer)
        self.nudge(cast, now + timedelta(hours=24))

        assert refused.value.code == "nudged_today"
        assert Event.objects.filter(kind="onboarding.nudged").count() == 2

    def test_is_pointless_once_it_is_done(self, cast, partnership, now):
        with pytest.raises(errors.Conflict):
            services.nudge(actor=cast.alder.officer.actor, partnership=partnership, key="officers", now=now)

    def test_is_not_for_viewers(self, cast, partnership, now):
        with pytest.raises(errors.NotAllowed):
            self.nudge(cast, now, who=cast.alder.viewer)


class TestTheMailbox:
    @pytest.fixture
    def link(self, cast, now, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            mailbox.ask(actor=cast.alder.admin.actor, address="Incidents@Alder.example", now=now)
        return re.search(r"/join/mailbox/(\S+)/", mail.outbox[-1].body)[1]

    def test_is_confirmed_by_whoever_reads_it(self, cast, partnership, now, link):
        assert mail.outbox[-1].to == ["incidents@alder.example"]

        mailbox.confirm(secret=link, now=now)

        assert cell(cast, now, "mailbox").status is Status.COMPLETED

    def test_is_not_confirmed_by_opening_the_link(self, cast, client, link):
        assert client.get(f"/join/mailbox/{link}/").status_code == 200

        assert IncidentMailbox.objects.get().confirmed_at is None

    def test_is_confirmed_with_the_button(self, client, link):
        assert client.post(f"/join/mailbox/{link}/").status_code == 200
        assert IncidentMailbox.objects.get().confirmed_at

    @pytest.mark.parametrize("later", [timedelta(days=7), timedelta(days=30)])
    def test_is_not_confirmed_with_an_old_link(self, now, link, later):
        with pytest.raises(errors.NotFound):
            mailbox.confirm(secret=link, now=now + later)

    def test_is_confirmed_once(self, now, link):
        mailbox.confirm(secret=link, now=now)

        with pytest.raises(errors.NotFound):
            mailbox.confirm(secret=link, now=now)

    def test_is_asked_again_when_the_address_changes(self, cast, now, link):
        mailbox.confirm(secret=link, now=now)
        mailbox.ask(actor=cast.alder.admin.actor, address="night@alder.example", now=now)

        assert IncidentMailbox.objects.get().confirmed_at is None

    def test_stores_no_secret(self, link):
        assert link not in IncidentMailbox.objects.get().digest
