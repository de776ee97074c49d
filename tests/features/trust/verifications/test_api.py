"""The API of verifications and contacts: reading for programs, acts for people."""

from datetime import timedelta

import pytest
from django.urls import reverse

from portal.organizations import services as organizations
from tests.makers import calls
from trust.verifications.models import Verification, VerificationRequest

pytestmark = pytest.mark.django_db
REASON = "The record is complete and clean."


@pytest.fixture
def token(cast, client, now):
    """Return a function that asks as a program of Birch with every scope."""
    _, secret = organizations.create_api_token(
        name="robot",
        scopes=["read", "submit", "notices", "acknowledge", "administer"],
        lifetime=timedelta(days=1),
        actor=cast.birch.admin.actor,
        now=now,
    )

    def ask(method, name, *args, **body):
        return getattr(client, method)(
            reverse(name, args=args),
            **({"data": body, "content_type": "application/json"} if body else {}),
            headers={"Authorization": f"Bearer {secret}"},
        )

    return ask


class TestAProgram:
    def test_reads_requests_calls_and_contacts(self, cast, token):
        call = calls.approved(cast)

        (listed,) = token("get", "api_verifications").json()["results"]
        (heard,) = token("get", "api_verification_calls", call.request_id).json()
        (contact,) = token("get", "api_contacts").json()["results"]

        assert (listed["state"], listed["approved_by"]) == ("approved", cast.birch.officer.user.name)
        assert listed["fingerprint"].replace(" ", "").lower() == call.request.fingerprint
        assert heard["record"]["call"]["sha256"] == call.records.get(part="call").sha256
        assert heard["record"]["decision"]["document"]["reason"] == REASON
        assert (contact["phone"], contact["can_be_called"]) == ("+49 … 1432", True)

    def test_is_told_that_calls_and_approvals_need_a_person(self, cast, token):
        call = calls.recorded(cast)
        digest = call.records.get().sha256

        started = token("post", "api_verification_calls", call.request_id, contact=str(call.contact_id))
        decided = token(
            "post",
            "api_verification_approval",
            call.request_id,
            decision="approve",
            reason=REASON,
            record_sha256=digest,
        )

        for answer in (started, decided):
            assert (answer.status_code, answer.json()["code"]) == (403, "person_required")
            assert "need a member's session" in answer.json()["fix"]
        call.request.refresh_from_db()
        assert call.request.state == VerificationRequest.State.RECORDED
        assert Verification.objects.count() == 1


class TestAPerson:
    def test_starts_and_approves_with_a_session(self, cast):
        about, contact = calls.request(cast), calls.contact_of(cast.alder.verifier)
        client = cast.birch.verifier.client()

        answer = client.post(
            reverse("api_verification_calls", args=[about.pk]), {"contact": str(contact.pk)}, "application/json"
        )

        assert answer.status_code == 201
        assert answer.json()["state"] == "in_progress"

    def test_needs_a_fresh_second_factor_to_approve(self, cast):
        call = calls.recorded(cast)
        body = {"decision": "approve", "reason": REASON, "record_sha256": call.records.get().sha256}
        address = reverse("api_verification_approval", args=[call.request_id])

        stale = cast.birch.officer.client(stepped_up=False).post(address, body, "application/json")
        fresh = cast.birch.officer.client().post(address, body, "application/json")

        assert (stale.status_code, stale.json()["code"]) == (403, "step_up_required")
        assert fresh.json()["state"] == "approved"
