"""Somebody tries to get a quarantined fingerprint believed after all."""

from datetime import timedelta

import pytest

from portal import errors
from tests.makers import calls
from trust.verifications import services
from trust.verifications.models import VerificationRequest

pytestmark = pytest.mark.django_db
State = VerificationRequest.State
REASON = "Their CISO confirmed by letter what happened."
LATER = timedelta(minutes=5)


def test_withdrawing_and_uploading_again_meets_the_quarantine(cast, now):
    call = calls.mismatched(cast)

    services.withdraw_request(request=call.request, actor=cast.alder.officer.actor, now=now)
    again = calls.request(cast, fingerprint=call.request.fingerprint, now=now + LATER)

    assert again.pk == call.request.pk
    assert again.state == State.QUARANTINED


class TestUnlock:
    def other(self, cast):
        return calls.contact_of(cast.alder.second_officer, is_primary=False, is_backup=True, phone="+493055501433")

    def unlock(self, cast, call, now, **changes):
        arguments = {
            "request": call.request,
            "contact": self.other(cast),
            "reason": REASON,
            "actor": cast.birch.officer.actor,
            "now": now + LATER,
        }
        return services.unlock(**(arguments | changes))

    def uploaded_again(self, cast, now):
        call = calls.mismatched(cast)
        calls.request(cast, fingerprint=call.request.fingerprint, now=now + LATER)
        return call

    def test_needs_a_new_upload(self, cast, now):
        call = calls.mismatched(cast)

        with pytest.raises(errors.Conflict) as refusal:
            self.unlock(cast, call, now)

        assert refusal.value.sentence == "Unlock needs a new upload and a different contact."
        call.request.refresh_from_db()
        assert call.request.state == State.QUARANTINED

    def test_needs_a_different_contact(self, cast, now):
        call = self.uploaded_again(cast, now)

        with pytest.raises(errors.Conflict) as refusal:
            self.unlock(cast, call, now, contact=call.contact)

        assert refusal.value.code == "unlock_needs_more"

    def test_needs_a_reason(self, cast, now):
        call = self.uploaded_again(cast, now)

        with pytest.raises(errors.Invalid):
            self.unlock(cast, call, now, reason="ok")

    @pytest.mark.parametrize("person", ["verifier", "admin", "viewer"])
    def test_needs_an_officer(self, cast, now, person):
        call = self.uploaded_again(cast, now)

        with pytest.raises(errors.NotAllowed):
            self.unlock(cast, call, now, actor=getattr(cast.birch, person).actor)

    def test_is_not_the_owners_to_do(self, cast, now):
        call = self.uploaded_again(cast, now)

        with pytest.raises(errors.NotFound):
            self.unlock(cast, call, now, actor=cast.alder.officer.actor)

    def test_lets_it_be_called_again_but_not_with_the_contact_of_the_mismatch(self, cast, now):
        call = self.uploaded_again(cast, now)

        request = self.unlock(cast, call, now)

        assert request.state == State.WAITING
        with pytest.raises(errors.Conflict) as refusal:
            services.start_call(request=request, contact=call.contact, actor=cast.birch.verifier.actor, now=now + LATER)
        assert refusal.value.code == "contact_barred"
        started = services.start_call(
            request=request, contact=self.other(cast), actor=cast.birch.verifier.actor, now=now + LATER
        )
        assert started.state == "in_progress"


class TestStatements:
    def test_are_asked_of_an_officer_of_each_side_and_once(self, cast, now):
        call = calls.mismatched(cast)
        text = "The upload came from a stolen laptop."

        for company in (cast.alder, cast.birch):
            with pytest.raises(errors.NotAllowed):
                services.write_what_happened(verification=call, text=text, actor=company.verifier.actor, now=now)
            services.write_what_happened(verification=call, text=text, actor=company.officer.actor, now=now)
            with pytest.raises(errors.Conflict):
                services.write_what_happened(verification=call, text=text, actor=company.second_officer.actor, now=now)

        assert call.statements.count() == 2
