"""One person tries to be two (case 44): by a second membership, by an old page, by both officers at once."""

import pytest

from portal import errors
from portal.organizations.models import Membership
from tests.attacks.test_call_two_verifiers import outcomes
from tests.cast import Person
from tests.makers import calls
from tests.moments import EVERYTHING_VALID
from trust.verifications import queries, services
from trust.verifications.models import VerificationRequest

REASON = "The record is complete and clean."


def also_officer_of(company, person) -> Person:
    """Return the same person with a second membership, as an officer of ``company``."""
    return Person(
        Membership.objects.create(
            user=person.user, organization=company.organization, role="officer", created_at=EVERYTHING_VALID
        )
    )


def untouched(request):
    request.refresh_from_db()
    assert request.state == VerificationRequest.State.RECORDED
    assert request.approved_by is None


@pytest.mark.django_db
class TestOnePersonCannotBeTwo:
    def test_case_44_the_verifier_cannot_approve_the_own_call(self, cast, now):
        contact = calls.contact_of(cast.alder.verifier)
        about = calls.request(cast)
        officer = cast.birch.officer
        call = services.start_call(request=about, contact=contact, actor=officer.actor, now=now)
        code = services.join_call(verification=call, actor=cast.alder.verifier.actor, now=now)
        services.enter_call_code(verification=call, code=code, actor=officer.actor, now=now)
        services.name_source(verification=call, source="printed", actor=officer.actor, now=now)
        for index in range(1, 17):
            right = about.fingerprint[(index - 1) * 4 : index * 4]
            services.enter_group(verification=call, index=index, typed=right, actor=officer.actor, now=now)
        services.read_back_done(verification=call, actor=officer.actor, now=now)
        services.read_back_done(verification=call, actor=cast.alder.verifier.actor, now=now)

        with pytest.raises(errors.NotAllowed) as refusal:
            services.approve(request=about, actor=officer.actor, now=now, reason=REASON)

        assert refusal.value.code == "verifier_cannot_approve"
        assert refusal.value.fix == f"{cast.birch.second_officer.user.name} can."
        untouched(about)

    def test_the_reader_cannot_approve_through_a_second_membership(self, cast, now):
        call = calls.recorded(cast)
        same_person = also_officer_of(cast.birch, cast.alder.verifier)

        with pytest.raises(errors.NotAllowed) as refusal:
            services.approve(request=call.request, actor=same_person.actor, now=now, reason=REASON)

        assert refusal.value.code == "reader_cannot_approve"
        untouched(call.request)

    def test_the_uploader_cannot_approve_or_verify_through_a_second_membership(self, cast, now):
        call = calls.recorded(cast)
        same_person = also_officer_of(cast.birch, cast.alder.officer)

        with pytest.raises(errors.NotAllowed) as refusal:
            services.approve(request=call.request, actor=same_person.actor, now=now, reason=REASON)
        assert refusal.value.code == "uploader_cannot_approve"
        untouched(call.request)

        with pytest.raises(errors.NotAllowed) as refusal:
            services.start_call(request=calls.request(cast), contact=call.contact, actor=same_person.actor, now=now)
        assert refusal.value.code == "uploader_cannot_verify"

    def test_an_earlier_uploader_of_the_same_fingerprint_stays_one(self, cast, now):
        about = calls.request(cast)
        calls.request(cast, fingerprint=about.fingerprint, uploaded_by=cast.alder.second_officer.user)
        call = calls.recorded(cast, about)
        same_person = also_officer_of(cast.birch, cast.alder.officer)

        with pytest.raises(errors.NotAllowed):
            services.approve(request=call.request, actor=same_person.actor, now=now, reason=REASON)

    def test_the_uploader_cannot_read(self, cast, now):
        about = calls.request(cast, uploaded_by=cast.alder.verifier.user)

        with pytest.raises(errors.Conflict) as refusal:
            calls.started(cast, about)

        assert refusal.value.code == "contact_cannot_read"

    def test_an_upload_by_the_reader_in_mid_call_is_noticed(self, cast, now):
        call = calls.started(cast)
        calls.request(cast, fingerprint=call.request.fingerprint, uploaded_by=cast.alder.verifier.user)

        with pytest.raises(errors.NotAllowed) as refusal:
            services.join_call(verification=call, actor=cast.alder.verifier.actor, now=now)

        assert refusal.value.code == "uploader_cannot_read"

    def test_the_verifier_cannot_read_to_themselves(self, cast, now):
        both = also_officer_of(cast.birch, cast.alder.verifier)

        with pytest.raises(errors.Conflict):
            services.start_call(
                request=calls.request(cast),
                contact=calls.contact_of(cast.alder.verifier),
                actor=both.actor,
                now=now,
            )

    @pytest.mark.parametrize("person", ["verifier", "admin", "responder", "viewer"])
    def test_only_officers_approve(self, cast, now, person):
        call = calls.recorded(cast)

        with pytest.raises(errors.NotAllowed):
            services.approve(request=call.request, actor=getattr(cast.birch, person).actor, now=now, reason=REASON)

        untouched(call.request)

    def test_the_owner_cannot_approve_their_own(self, cast, now):
        call = calls.recorded(cast)

        with pytest.raises(errors.NotFound):
            services.approve(request=call.request, actor=cast.alder.officer.actor, now=now, reason=REASON)

        untouched(call.request)

    def test_an_old_second_factor_is_not_enough(self, cast, now):
        call = calls.recorded(cast)

        with pytest.raises(errors.StepUpRequired):
            services.approve(
                request=call.request, actor=cast.birch.officer.actor_without_step_up, now=now, reason=REASON
            )

        untouched(call.request)

    def test_another_record_than_the_one_shown_is_not_approved(self, cast, now):
        call = calls.recorded(cast)
        shown = call.records.get().sha256
        services.decline(request=call.request, actor=cast.birch.officer.actor, now=now, reason=REASON)
        again = calls.recorded(cast, call.request)

        with pytest.raises(errors.Conflict) as refusal:
            services.approve(
                request=call.request,
                actor=cast.birch.second_officer.actor,
                now=now,
                reason=REASON,
                record_sha256=shown,
            )

        assert refusal.value.code == "another_record"
        untouched(again.request)

    def test_nothing_is_approved_before_the_call(self, cast, now):
        about = calls.request(cast)

        with pytest.raises(errors.Conflict):
            services.approve(request=about, actor=cast.birch.officer.actor, now=now, reason=REASON)

    def test_a_verification_is_never_inherited(self, cast, now):
        call = calls.approved(cast)
        fingerprint = call.request.fingerprint

        assert not queries.is_verified(cast.cedar.organization, "certificate", fingerprint, now)
        assert not queries.is_verified(cast.birch.organization, "openpgp_key", fingerprint, now)
        assert not queries.is_verified(cast.birch.organization, "certificate", fingerprint[::-1], now)


@pytest.mark.django_db(transaction=True)
def test_two_officers_at_once_make_one_decision(cast, now):
    call = calls.recorded(cast)

    results = outcomes(
        lambda: services.approve(request=call.request, actor=cast.birch.officer.actor, now=now, reason=REASON),
        lambda: services.decline(request=call.request, actor=cast.birch.second_officer.actor, now=now, reason=REASON),
    )

    assert results.count("done") == 1
    assert call.records.filter(part="decision").count() == 1
    call.request.refresh_from_db()
    decision = call.records.get(part="decision").document["decision"]
    assert call.request.state == {"approved": "approved", "declined": "waiting"}[decision]
