"""The clock at its borders: 72 hours of a new number, 15 minutes of a pause."""

from datetime import timedelta

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import calls
from trust.verifications import services
from trust.verifications.models import Verification

pytestmark = pytest.mark.django_db
State = Verification.State
TICK = timedelta(microseconds=1)


class TestANumberThatWasJustChanged:
    def changed(self, cast, now):
        contact = calls.contact_of(cast.alder.verifier)
        contact.usable_from = now + timedelta(hours=72)
        contact.number_changed_at = now
        contact.save()
        return contact

    def test_cannot_be_called_a_moment_too_early(self, cast, now):
        about, contact = calls.request(cast), self.changed(cast, now)

        with pytest.raises(errors.Conflict) as refusal:
            services.start_call(
                request=about,
                contact=contact,
                actor=cast.birch.verifier.actor,
                now=now + timedelta(hours=72) - TICK,
            )

        assert refusal.value.code == "number_too_new"
        assert refusal.value.sentence.startswith("This number is too new. It was changed on")
        assert not Verification.objects.exists()

    def test_can_be_called_when_72_hours_are_over(self, cast, now):
        about, contact = calls.request(cast), self.changed(cast, now)

        call = services.start_call(
            request=about, contact=contact, actor=cast.birch.verifier.actor, now=now + timedelta(hours=72)
        )

        assert call.state == State.IN_PROGRESS

    def test_names_who_can_be_called_today(self, cast, now):
        about, contact = calls.request(cast), self.changed(cast, now)
        backup = calls.contact_of(cast.alder.second_officer, is_primary=False, is_backup=True, phone="+493055501433")

        with pytest.raises(errors.Conflict) as refusal:
            services.start_call(request=about, contact=contact, actor=cast.birch.verifier.actor, now=now)

        assert refusal.value.fix == f"Use {backup.name} today."


class TestAPause:
    def paused(self, cast, now):
        call = calls.typing(cast, now=now)
        calls.type_groups(cast, call, range(1, 7), now=now)
        services.pause(verification=call, actor=cast.birch.verifier.actor, now=now)
        return call

    def test_can_end_at_the_fifteenth_minute_and_keeps_what_matched(self, cast, now):
        call = self.paused(cast, now)

        at = now + timedelta(minutes=15)
        services.resume(verification=call, actor=cast.birch.verifier.actor, now=at)
        _, code = calls.joined(cast, call, now=at)
        services.enter_call_code(verification=call, code=code, actor=cast.birch.verifier.actor, now=at)
        calls.type_groups(cast, call, range(7, 8), now=at)

        assert call.groups.filter(matched_at__isnull=False).count() == 7

    def test_cannot_end_a_moment_later(self, cast, now):
        call = self.paused(cast, now)

        with pytest.raises(errors.Conflict) as refusal:
            services.resume(verification=call, actor=cast.birch.verifier.actor, now=now + timedelta(minutes=15) + TICK)

        assert "stopped" in refusal.value.sentence
        call.refresh_from_db()
        assert (call.state, call.ended_because) == (State.STOPPED, "timed_out")
        assert Event.objects.get(kind="verification.stopped").data["reason"] == "timed_out"
        assert call.records.get().document["outcome"] == "stopped"

    def test_lets_nobody_type(self, cast, now):
        call = self.paused(cast, now)

        with pytest.raises(errors.Conflict) as refusal:
            services.enter_group(
                verification=call,
                index=7,
                typed=call.request.fingerprint[24:28],
                actor=cast.birch.verifier.actor,
                now=now,
            )

        assert refusal.value.code == "call_paused"

    def test_cannot_be_ended_by_another_verifier(self, cast, now):
        call = self.paused(cast, now)

        with pytest.raises(errors.NotAllowed):
            services.resume(verification=call, actor=cast.birch.officer.actor, now=now)


class TestACallLeftAlone:
    def test_locks_nobody_out(self, cast, now):
        call = calls.typing(cast)
        later = now + timedelta(minutes=15) + TICK

        fresh = services.start_call(
            request=call.request, contact=call.contact, actor=cast.birch.officer.actor, now=later
        )

        call.refresh_from_db()
        assert call.state == State.STOPPED
        assert fresh.number == call.number + 1

    def test_takes_no_group_any_more(self, cast, now):
        call = calls.typing(cast)

        with pytest.raises(errors.Conflict):
            services.enter_group(
                verification=call,
                index=1,
                typed=call.request.fingerprint[:4],
                actor=cast.birch.verifier.actor,
                now=now + timedelta(minutes=15) + TICK,
            )

        call.refresh_from_db()
        assert call.state == State.STOPPED
        assert not call.groups.exists()
