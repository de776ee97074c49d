"""Every page around the call and of the directory, looked at by axe on a desk and on a phone."""

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.browser.test_shell import findings
from tests.browser.two_people import sit_down
from tests.makers import calls
from trust.verifications import services


@pytest.fixture
def places(cast, now):
    """One of each thing, and the addresses where it is seen, with who looks."""
    slug = cast.partnership.slug
    contact = calls.contact_of(cast.alder.verifier)
    calls.contact_of(cast.alder.second_officer, is_primary=False, is_backup=True, usable_from=now + timedelta(hours=2))
    about, waiting = calls.request(cast), calls.request(cast, label="OpenPGP key")
    recorded, mismatched = calls.recorded(cast, about), calls.mismatched(cast)
    booked = services.book_call(
        request=waiting,
        contact=contact,
        first_slot=now + timedelta(days=1),
        second_slot=now + timedelta(days=2),
        actor=cast.birch.verifier.actor,
        now=now,
    )
    reading_back = calls.typing(cast)
    calls.type_groups(cast, reading_back)
    paused = calls.typing(cast)
    services.pause(verification=paused, actor=cast.birch.verifier.actor, now=now)
    of_call = [
        (cast.birch.officer, "verification_record", [slug, recorded.number]),
        (cast.birch.officer, "verification_check", [slug, recorded.number]),
        (cast.birch.verifier, "verification_call", [slug, recorded.number]),
        (cast.birch.verifier, "verification_call", [slug, reading_back.number]),
        (cast.alder.verifier, "verification_call", [slug, reading_back.number]),
        (cast.birch.verifier, "verification_call", [slug, paused.number]),
        (cast.alder.verifier, "verification_call", [slug, paused.number]),
        (cast.birch.officer, "verification_record", [slug, mismatched.number]),
        (cast.birch.officer, "verification_call", [slug, mismatched.number]),
        (cast.birch.officer, "verification_unlock", [slug, mismatched.request_id]),
        (cast.alder.verifier, "verification_call", [slug, booked.number]),
    ]
    around = [
        (cast.birch.verifier, "verifications", [slug]),
        (cast.birch.verifier, "verification_start", [slug, waiting.pk]),
        (cast.birch.verifier, "verification_book", [slug, waiting.pk]),
        (cast.birch.verifier, "verification_rehearse", [slug]),
        (cast.birch.verifier, "partnership_contacts", [slug]),
        (cast.alder.admin, "contacts", []),
        (cast.alder.admin, "contact", [contact.pk]),
        (cast.alder.admin, "contact_new", []),
        (cast.alder.admin, "contact_number", [contact.pk]),
    ]
    return of_call + around


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(browser, live_server, places, width):
    seats, problems = {}, []
    for person, name, args in places:
        if person not in seats:
            seats[person] = sit_down(browser, person, live_server.url, width=width)
        page = seats[person].page
        answer = page.goto(reverse(name, args=args))
        problems += [f"{name}: {finding}" for finding in findings(page)]
        problems += [f"{name}: {answer.status}"] if answer.status != 200 else []
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            problems.append(f"{name} {args} scrolls sideways at {width}")
        problems += [f"{name}: {each}" for each in page.evaluate("violations")]
    for seat in seats.values():
        seat.page.context.close()

    assert problems == []
