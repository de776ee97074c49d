"""Two companies verify a fingerprint by phone, each in its own browser, through the pages alone."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from portal.partnerships.models import Contact
from tests.makers import calls
from trust.verifications import queries
from trust.verifications.models import Verification, VerificationRequest

pytestmark = pytest.mark.django_db


class Browser:
    """A member's browser that knows the call's addresses."""

    def __init__(self, cast, person):
        self.slug, self.client = cast.partnership.slug, person.client()

    def see(self, name, *args):
        answer = self.client.get(reverse(name, args=[self.slug, *args]))
        assert answer.status_code == 200
        return answer.content.decode()

    def send(self, name, *args, **data):
        answer = self.client.post(reverse(name, args=[self.slug, *args]), data)
        assert answer.status_code == 302, answer.content.decode()[:2000]
        return answer.headers["Location"]

    def act(self, number, act, **data):
        self.send("verification_act", number, act, **data)
        return self.see("verification_call", number)


@pytest.fixture
def people(cast):
    return Browser(cast, cast.birch.verifier), Browser(cast, cast.alder.verifier), Browser(cast, cast.birch.officer)


def join(reader, number):
    return re.search(r'codebig" dir="ltr">(\d{4})<', reader.act(number, "join"))[1]


def type_all(verifier, number, fingerprint):
    for index in range(1, len(fingerprint) // 4 + 1):
        typed = fingerprint[(index - 1) * 4 : index * 4]
        answer = verifier.client.post(
            reverse("verification_group", args=[verifier.slug, number]), {"index": index, "typed": typed}
        )
        assert answer.json()["verdict"] == "match"
    return answer.json()


def test_from_the_booking_to_the_approval(cast, people, now):
    verifier, reader, officer = people
    about = calls.request(cast)
    contact = calls.contact_of(cast.alder.verifier, time_zone="Asia/Tokyo")

    # Birch proposes two times, Alder confirms one and saves the calendar file.
    page = verifier.see("verification_book", about.pk)
    assert contact.name in page
    first, second = now + timedelta(days=1), now + timedelta(days=2)
    verifier.send(
        "verification_book",
        about.pk,
        contact=contact.pk,
        first_slot=f"{first:%Y-%m-%dT%H:%M}",
        second_slot=f"{second:%Y-%m-%dT%H:%M}",
    )
    booked = Verification.objects.get()
    assert "Proposed, not confirmed" in reader.see("verification_call", booked.number)
    assert booked.first_slot is not None
    assert "The call is booked" in reader.act(booked.number, "confirm", slot=booked.first_slot.isoformat())
    ics = verifier.client.get(reverse("verification_calendar", args=[verifier.slug, booked.number]))
    assert ics.headers["Content-Type"].startswith("text/calendar")

    # They called us: hang up and call back.
    answer = verifier.client.post(
        reverse("verification_start", args=[verifier.slug, about.pk]), {"contact": contact.pk, "they_called": "1"}
    )
    assert "Hang up and call back." in answer.content.decode()
    booked.refresh_from_db()
    assert booked.state == "booked"

    # The call.
    verifier.send("verification_start", about.pk, contact=contact.pk)
    code = join(reader, booked.number)
    assert "Which record will they read from?" in verifier.act(booked.number, "code", code=code)
    verifier.act(booked.number, "source", source="hsm_host", note="hsm-2")
    state = reader.client.get(reverse("verification_state", args=[reader.slug, booked.number])).json()
    assert (state["step"], state["group"], state["matched"]) == ("type", 1, 0)
    last = type_all(verifier, booked.number, about.fingerprint)
    assert last["go"].endswith(f"/verifications/{booked.number}/")
    assert "Listen and compare" in reader.see("verification_call", booked.number)
    verifier.act(booked.number, "read-back")
    assert "All 16 groups matched." in reader.act(booked.number, "read-back")

    # The verifier is told who can approve; the officer does.
    page = verifier.see("verification_record", booked.number)
    assert "A second security officer must approve." in page
    assert cast.birch.officer.user.name in page
    assert "Approve the verification" not in page
    page = officer.see("verification_record", booked.number)
    assert "HSM host: hsm-2" in page
    digest = re.search(r'name="record_sha256" value="([0-9a-f]{64})"', page)[1]
    officer.send(
        "verification_decide",
        booked.number,
        decision="approve",
        reason="Record read, source is the HSM host.",
        record_sha256=digest,
    )
    assert "Approved" in reader.see("verification_record", booked.number)
    assert queries.is_verified(cast.birch.organization, "certificate", about.fingerprint, now + timedelta(days=1))


def test_both_directions_in_one_phone_call(cast, people, now):
    verifier, reader, _ = people
    calls.contact_of(cast.alder.verifier)
    calls.contact_of(cast.birch.verifier, phone="+493055507777")
    first, second = calls.request(cast, label="OpenPGP key"), calls.request(cast, label="Root CA G2")
    ours = calls.request(
        cast,
        owner=cast.birch.organization,
        relying=cast.alder.organization,
        uploaded_by=cast.birch.officer.user,
        label="Birch Root",
    )
    call = calls.recorded(cast, first)

    page = verifier.see("verification_call", call.number)
    assert "Next fingerprint" in page
    assert "Swap: I type" in reader.see("verification_call", call.number)
    verifier.send("verification_start", second.pk, contact=call.contact.pk, continues=call.number)
    number = Verification.objects.get(request=second).number
    assert "Which record will they read from?" in verifier.see("verification_call", number)

    swapped = Contact.objects.get(membership=cast.birch.verifier.membership)
    reader.send("verification_start", ours.pk, contact=swapped.pk, continues=call.number)
    number = Verification.objects.get(request=ours).number
    code = join(verifier, number)
    assert "Which record will they read from?" in reader.act(number, "code", code=code)


def test_a_mismatch_is_looked_into_by_both_sides_and_unlocked(cast, people, now):
    verifier, _, officer = people
    call = calls.mismatched(cast)
    backup = calls.contact_of(cast.alder.second_officer, is_primary=False, is_backup=True, phone="+493055501433")
    alder_officer = Browser(cast, cast.alder.officer)

    for side in (officer, alder_officer):
        home = side.client.get(reverse("home")).content.decode()
        assert "Mismatch: Submission 118 is quarantined" in home
        side.send("verification_statement", call.number, text="The laptop of our PKI team was stolen.")
        assert "Mismatch: Submission 118 is quarantined" not in side.client.get(reverse("home")).content.decode()

    assert "Unlock needs a new upload and a different contact." in officer.see("verification_unlock", call.request.pk)
    calls.request(cast, fingerprint=call.request.fingerprint, now=now + timedelta(minutes=1))
    officer.send(
        "verification_unlock", call.request.pk, contact=backup.pk, reason="Their CISO came to our office with the key."
    )
    call.request.refresh_from_db()
    assert call.request.state == VerificationRequest.State.WAITING
    page = verifier.see("verification_start", call.request.pk)
    assert f"I am calling {backup.name} now" in page
    assert f"I am calling {call.contact.name} now" not in page


def test_a_rehearsal_marks_every_page(cast, people, now):
    verifier, reader, _ = people
    contact = calls.contact_of(cast.alder.verifier)

    verifier.send("verification_rehearse", contact=contact.pk)
    call = Verification.objects.get()
    code = join(reader, call.number)
    verifier.act(call.number, "code", code=code)
    page = verifier.act(call.number, "source", source="printed")
    assert "REHEARSAL" in re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]
    sheet = re.search(r'class="mono" dir="ltr">([0-9A-F ]+)<', reader.see("verification_call", call.number))[1].replace(
        " ", ""
    )
    assert sheet.lower() == call.rehearsal_sheet
    for index in range(1, 17):
        typed = sheet[(index - 1) * 4 : index * 4]
        answer = verifier.client.post(
            reverse("verification_group", args=[verifier.slug, call.number]), {"index": index, "typed": typed}
        ).json()
        if answer["verdict"] != "match":
            break
    assert f"Group {index} does not match." in answer["note"]
    assert "the wrong group was noticed" in verifier.act(call.number, "stop", reason="values_differ")
    assert "Noticed" in reader.see("verification_rehearse")


def test_a_wrong_code_ends_with_the_backup(cast, people, now):
    verifier, reader, _ = people
    calls.contact_of(cast.alder.second_officer, is_primary=False, is_backup=True, phone="+493055501433")
    call = calls.started(cast)
    code = join(reader, call.number)
    wrong = f"{(int(code) + 5) % 10000:04d}"

    page = verifier.act(call.number, "code", code=wrong)
    assert "You have 2 more tries" in page
    verifier.act(call.number, "code", code=wrong)
    page = verifier.act(call.number, "code", code=wrong)

    assert "The person on the phone is not the person signed in." in page
    assert cast.alder.second_officer.user.name in page


def test_too_few_people_is_said_in_words(cast, people, now):
    verifier, *_ = people
    for person in (cast.birch.officer, cast.birch.second_officer):
        person.membership.role = "member"
        person.membership.save()
    call = calls.recorded(cast)

    assert "Your organization needs another security officer." in verifier.see("verification_record", call.number)
