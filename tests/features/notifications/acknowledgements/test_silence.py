"""What happens while nobody answers a notice."""

from datetime import timedelta

from notifications.acknowledgements import services
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from portal.audit.models import Event
from tests.features.notifications.acknowledgements.test_answers import answer


class TestSilence:
    def kinds(self) -> list[str]:
        return list(
            Event.objects.filter(kind__startswith="acknowledgement.")
            .order_by("sequence")
            .values_list("kind", flat=True)
        )

    def test_reminds_escalates_tells_the_sender_and_is_overdue(self, cast, notice, now):
        for minutes in (0, 14, 16, 29, 31, 89, 91, 239, 241, 500):
            services.sweep(now=now + timedelta(minutes=minutes))

        assert self.kinds() == [
            "acknowledgement.reminded",
            "acknowledgement.escalated",
            "acknowledgement.escalated",
            "acknowledgement.sender_told",
            "acknowledgement.overdue",
        ]

    def test_skips_no_level_while_the_portal_was_down(self, cast, notice, now):
        services.sweep(now=now + timedelta(hours=5))

        assert len(self.kinds()) == 5

    def test_tells_a_level_by_name(self, cast, notice, now):
        services.sweep(now=now + timedelta(minutes=31))
        fanout.sweep(now=now)

        event = Event.objects.get(kind="acknowledgement.escalated")
        told = set(InboxItem.objects.filter(event=event).values_list("membership_id", flat=True))
        assert told == {cast.birch.officer.membership.pk, cast.birch.second_officer.membership.pk}

    def test_hides_from_the_sender_whom_it_told(self, cast, notice, now):
        services.sweep(now=now + timedelta(minutes=91))

        assert Event.objects.filter(kind="acknowledgement.escalated").exclude(partnership_id=None).count() == 0
        assert Event.objects.get(kind="acknowledgement.sender_told").partnership_id == cast.partnership.pk

    def test_says_again_what_was_acknowledged_and_is_not_done(self, cast, notice, now):
        answer(cast, notice, now)

        services.sweep(now=now + timedelta(hours=2, minutes=59))
        assert "acknowledgement.unfinished" not in self.kinds()
        services.sweep(now=now + timedelta(hours=3))
        services.sweep(now=now + timedelta(hours=7))

        assert self.kinds().count("acknowledgement.unfinished") == 2

    def test_rests_when_the_notice_was_withdrawn(self, cast, alder, notice, now):
        services.sweep(now=now)
        alder.send(kind="withdrawal", withdraws=notice.message_id)

        services.sweep(now=now + timedelta(hours=5))

        assert not Event.objects.filter(kind="acknowledgement.overdue", subject_id=str(notice.pk)).exists()

    def test_of_a_rehearsal_runs_the_same_clock(self, cast, alder, now):
        alder.send(rehearsal=True)

        services.sweep(now=now + timedelta(hours=5))

        assert len(self.kinds()) == 5
        assert Event.objects.filter(kind="acknowledgement.overdue", data__rehearsal=True).exists()
