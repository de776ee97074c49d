"""The contact is retired, reported or gets another number in mid-call."""

import pytest

from portal import errors
from portal.audit.models import Event
from portal.partnerships import contact_services
from tests.makers import calls
from trust.verifications import services
from trust.verifications.models import Verification

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("what", ["retired", "number changed", "reported wrong"])
def test_the_call_ends_with_a_record(cast, now, what):
    call = calls.typing(cast)
    calls.type_groups(cast, call, range(1, 4))
    admin = cast.alder.admin.actor

    match what:
        case "retired":
            contact_services.retire_contact(contact=call.contact, actor=admin, now=now)
        case "number changed":
            contact_services.change_number(contact=call.contact, phone="+49 30 5550 9999", actor=admin, now=now)
        case _:
            contact_services.report_wrong(
                contact=call.contact, reason="Somebody else answered", actor=cast.birch.officer.actor, now=now
            )

    call.refresh_from_db()
    assert (call.state, call.ended_because) == (Verification.State.STOPPED, "contact_unusable")
    assert call.records.get().document["totals"]["matched"] == 3
    assert Event.objects.filter(kind="verification.stopped").count() == 1
    with pytest.raises(errors.Conflict):
        services.enter_group(verification=call, index=4, typed="0000", actor=cast.birch.verifier.actor, now=now)


def test_a_request_withdrawn_in_mid_call_ends_it(cast, now):
    call = calls.typing(cast)

    services.withdraw_request(request=call.request, actor=cast.alder.officer.actor, now=now)

    call.refresh_from_db()
    call.request.refresh_from_db()
    assert (call.state, call.request.state) == ("stopped", "withdrawn")


def test_a_contact_without_a_login_cannot_take_a_call(cast, now):
    contact = calls.contact_of(cast.alder.verifier)
    contact.membership = None
    contact.save()

    with pytest.raises(errors.Conflict) as refusal:
        services.start_call(request=calls.request(cast), contact=contact, actor=cast.birch.verifier.actor, now=now)

    assert refusal.value.code == "contact_without_login"


def test_a_contact_of_another_company_cannot_be_called(cast, now):
    for person in (cast.cedar.verifier, cast.birch.second_officer):
        with pytest.raises(errors.NotFound):
            services.start_call(
                request=calls.request(cast),
                contact=calls.contact_of(person),
                actor=cast.birch.verifier.actor,
                now=now,
            )

    assert not Verification.objects.exists()
