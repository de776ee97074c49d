"""From waiting to accepted, declined, withdrawn or quarantined."""

import pytest

from portal import errors
from portal.audit.models import Event
from tests.makers import calls
from tests.makers.submissions import hierarchy, request_about, signer, submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.keys.models import OpenPgpKey
from trust.stores.models import StoreVersion
from trust.stores.services import approve_and_publish
from trust.submissions import services
from trust.submissions.models import Submission
from trust.verifications.models import VerificationRequest

pytestmark = pytest.mark.django_db
REASON = "The call is complete and the chain is clean."


def heard(cast) -> Submission:
    """A submission about whose root Birch's verifier made the call."""
    made = submit(cast)
    calls.recorded(cast, request_about(cast, hierarchy().root.sha256))
    made.refresh_from_db()
    return made


def accept(cast, made, **fields):
    defaults = {"submission": made, "actor": cast.birch.officer.actor, "now": NOW, "reason": REASON}
    return services.accept(**(defaults | fields))


class TestFollowVerification:
    def test_waits_for_approval_when_every_anchor_was_heard(self, cast):
        assert heard(cast).state == Submission.State.WAITING_FOR_APPROVAL
        assert Event.objects.filter(kind="submission.approval_needed").count() == 1

    def test_still_waits_while_the_key_is_not_verified(self, cast):
        made = submit(cast, holder=signer(cast, verified=False))

        calls.recorded(cast, request_about(cast, hierarchy().root.sha256))

        made.refresh_from_db()
        assert made.state == Submission.State.WAITING_FOR_CALL

    def test_waits_for_another_call_when_an_officer_declines_the_record(self, cast):
        from trust.verifications.services import decline

        made = heard(cast)
        request = request_about(cast, hierarchy().root.sha256)

        decline(request=request, actor=cast.birch.officer.actor, now=NOW, reason="The contact was not Mei.")

        made.refresh_from_db()
        assert made.state == Submission.State.WAITING_FOR_CALL

    def test_is_quarantined_when_the_fingerprints_differ(self, cast):
        made = submit(cast)

        calls.mismatched(cast, request_about(cast, hierarchy().root.sha256))

        made.refresh_from_db()
        assert made.state == Submission.State.QUARANTINED
        assert Event.objects.filter(kind="submission.quarantined").count() == 1

    def test_the_same_root_meets_the_quarantine_again(self, cast):
        holder = signer(cast)
        submit(cast, holder=holder)
        calls.mismatched(cast, request_about(cast, hierarchy().root.sha256))

        again = submit(cast, holder=holder)

        assert again.state == Submission.State.QUARANTINED


class TestAccept:
    def test_returns_the_places_and_approves_the_anchors(self, cast):
        made = heard(cast)

        places = accept(cast, made)

        assert [place.certificate_id for place in places] == [one.sha256 for one in hierarchy().cas]
        assert request_about(cast, hierarchy().root.sha256).state == VerificationRequest.State.APPROVED
        made.refresh_from_db()
        assert (made.state, made.decided_by) == ("accepted", cast.birch.officer.user)

    def test_publishes_the_first_version(self, cast):
        made = heard(cast)

        approve_and_publish(submission=made, actor=cast.birch.officer.actor, now=NOW, reason=REASON)

        version = StoreVersion.objects.get()
        assert {entry.certificate_id for entry in version.entries.all()} == {one.sha256 for one in hierarchy().cas}

    @pytest.mark.parametrize("who", ["verifier", "responder", "admin", "viewer"])
    def test_is_for_security_officers(self, cast, who):
        made = heard(cast)

        with pytest.raises(errors.NotAllowed):
            accept(cast, made, actor=getattr(cast.birch, who).actor)

    def test_needs_a_fresh_second_factor(self, cast):
        made = heard(cast)

        with pytest.raises(errors.StepUpRequired):
            accept(cast, made, actor=cast.birch.officer.actor_without_step_up)

    @pytest.mark.parametrize("company", ["alder", "cedar"])
    def test_is_for_the_relying_organization(self, cast, company):
        made = heard(cast)

        with pytest.raises(errors.NotFound):
            accept(cast, made, actor=getattr(cast, company).officer.actor)

    def test_needs_a_reason(self, cast):
        made = heard(cast)

        with pytest.raises(errors.Invalid):
            accept(cast, made, reason="ok")

    def test_needs_every_call(self, cast):
        made = submit(cast)

        with pytest.raises(errors.Conflict):
            accept(cast, made)

    def test_happens_once(self, cast):
        made = heard(cast)
        accept(cast, made)

        with pytest.raises(errors.Conflict):
            accept(cast, made)

        assert Event.objects.filter(kind="submission.accepted").count() == 1

    def test_stops_when_the_key_was_revoked_meanwhile(self, cast):
        made = heard(cast)
        OpenPgpKey.objects.update(state="revoked", revoked_at=NOW)

        with pytest.raises(errors.Conflict) as refusal:
            accept(cast, made)

        made.refresh_from_db()
        assert refusal.value.code == "signature_no_longer_counts"
        assert made.state == Submission.State.WAITING_FOR_APPROVAL
        assert not Event.objects.filter(kind="submission.accepted").exists()

    def test_stops_when_the_stored_bytes_were_changed(self, cast):
        made = heard(cast)
        Submission.objects.update(content=hierarchy().bundle + b"\n")

        with pytest.raises(errors.Conflict):
            accept(cast, made)


class TestFollowKey:
    def test_refuses_what_waits_when_its_key_is_revoked(self, cast):
        made = heard(cast)

        services.follow_key(key=OpenPgpKey.objects.get(), actor=cast.alder.officer.actor, now=NOW)

        made.refresh_from_db()
        assert (made.state, made.refusal_code) == ("refused", "key_lost")


class TestDecline:
    def test_ends_it_with_a_reason_and_takes_the_request_back(self, cast):
        made = submit(cast)

        services.decline(submission=made, actor=cast.birch.officer.actor, now=NOW, reason="We agreed on RSA roots.")

        made.refresh_from_db()
        assert (made.state, made.refusal_code) == ("refused", "declined")
        assert VerificationRequest.objects.get(item_kind="certificate").state == "withdrawn"

    def test_is_not_for_the_owner(self, cast):
        made = submit(cast)

        with pytest.raises(errors.NotFound):
            services.decline(submission=made, actor=cast.alder.officer.actor, now=NOW, reason=REASON)


class TestWithdraw:
    def test_ends_it_with_a_reason_and_takes_the_request_back(self, cast):
        made = submit(cast)

        services.withdraw(
            submission=made, actor=cast.alder.verifier.actor, now=NOW, reason="Wrong root, a new one comes."
        )

        made.refresh_from_db()
        assert made.state == Submission.State.WITHDRAWN
        assert VerificationRequest.objects.get(item_kind="certificate").state == "withdrawn"

    def test_leaves_the_request_while_another_submission_needs_it(self, cast):
        holder = signer(cast)
        first = submit(cast, holder=holder)
        submit(cast, hierarchy().root.pem, holder=holder)

        services.withdraw(
            submission=first, actor=cast.alder.verifier.actor, now=NOW, reason="The other one is complete."
        )

        assert request_about(cast, hierarchy().root.sha256).state == "waiting"

    def test_is_not_for_the_partner(self, cast):
        made = submit(cast)

        with pytest.raises(errors.NotFound):
            services.withdraw(submission=made, actor=cast.birch.officer.actor, now=NOW, reason=REASON)

    def test_is_over_once_accepted(self, cast):
        made = heard(cast)
        accept(cast, made)

        with pytest.raises(errors.Conflict):
            services.withdraw(submission=made, actor=cast.alder.verifier.actor, now=NOW, reason=REASON)
