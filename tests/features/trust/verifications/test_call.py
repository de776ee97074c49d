"""Calls through the services: from the start to the approval."""

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import calls
from trust.verifications import queries, services
from trust.verifications.models import Verification, VerificationRequest

pytestmark = pytest.mark.django_db
State = Verification.State


class TestACleanCall:
    def test_is_recorded_and_approved_by_two_people(self, cast, now):
        call = calls.approved(cast)

        assert call.state == State.RECORDED
        assert call.request.state == VerificationRequest.State.APPROVED
        assert queries.is_verified(cast.birch.organization, "certificate", call.request.fingerprint, now)
        assert not queries.is_verified(cast.alder.organization, "certificate", call.request.fingerprint, now)

    def test_leaves_its_story_in_the_log(self, cast):
        call = calls.approved(cast)

        kinds = list(Event.objects.filter(kind__startswith="verification.").values_list("kind", flat=True))

        assert kinds == [
            "verification.requested",
            "verification.call_started",
            "verification.joined",
            "verification.code_matched",
            "verification.source_named",
            "verification.read_back",
            "verification.read_back",
            "verification.recorded",
            "verification.approved",
        ]
        recorded = Event.objects.get(kind="verification.recorded")
        assert recorded.data["record_sha256"] == call.records.get(part="call").sha256

    def test_counts_no_longer_than_the_agreement_says(self, cast, now):
        from datetime import timedelta

        about = calls.request(cast, max_age_days=30)
        calls.approved(cast, about)

        def verified(moment):
            return queries.is_verified(cast.birch.organization, "certificate", about.fingerprint, moment)

        assert verified(now + timedelta(days=30) - timedelta(seconds=1))
        assert not verified(now + timedelta(days=30))


class TestStart:
    def test_refuses_a_second_verifier(self, cast, now):
        call = calls.started(cast)

        with pytest.raises(errors.Conflict) as refusal:
            services.start_call(
                request=call.request,
                contact=calls.contact_of(cast.alder.verifier),
                actor=cast.birch.second_officer.actor,
                now=now,
            )

        assert refusal.value.code == "call_running"
        assert Verification.objects.count() == 1


class TestAGroupThatDiffers:
    def test_is_tried_three_times_and_then_quarantines(self, cast):
        call = calls.mismatched(cast)

        assert call.state == State.MISMATCH
        assert call.request.state == VerificationRequest.State.QUARANTINED
        assert Event.objects.filter(kind="verification.quarantined").count() == 1
