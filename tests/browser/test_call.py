"""The verification call in two real browsers at once: keyboard, steps, and what the verifier's browser never gets."""

import re

import pytest
from django.urls import reverse

from tests.browser.test_shell import findings
from tests.browser.two_people import keep_answers, sit_down
from tests.makers import calls
from trust.verifications.models import Verification, VerificationRequest

FINGERPRINT = "1640f54b141d6e618bd022173857c0dedeadbeef00112233445566778899aabb"
GROUPS = [FINGERPRINT[start : start + 4].upper() for start in range(0, 64, 4)]


@pytest.fixture
def seats(browser, live_server, cast):
    """The verifier of Birch and the contact of Alder, a fingerprint that waits, and the address to start at."""
    about = calls.request(cast, fingerprint=FINGERPRINT)
    calls.contact_of(cast.alder.verifier)
    verifier = sit_down(browser, cast.birch.verifier, live_server.url)
    reader = sit_down(browser, cast.alder.verifier, live_server.url)
    verifier.page.goto(reverse("verification_start", args=[cast.partnership.slug, about.pk]))
    yield verifier, reader
    verifier.page.context.close()
    reader.page.context.close()


def to_typing(verifier, reader, cast):
    """Go from the start to group 1, as two people would."""
    verifier.press("Enter")  # "I am calling … now" has the focus
    verifier.sees("Match the call code")
    call = Verification.objects.get()
    reader.page.goto(reverse("verification_call", args=[cast.partnership.slug, call.number]))
    reader.press("Enter")  # "I am on the call" has the focus
    code = reader.page.locator(".codebig").inner_text()
    verifier.sees("is signed in and on the call.")
    verifier.type(code)
    verifier.sees("Which record will they read from?")
    verifier.press("Space")
    verifier.press("Enter")
    verifier.sees("Type what you hear")
    return call


def test_a_clean_call_is_made_with_the_keyboard_alone(seats, cast, monkeypatch):
    verifier, reader = seats
    answers = keep_answers(monkeypatch)
    call = to_typing(verifier, reader, cast)
    reader.sees("Where they are")

    for number, group in enumerate(GROUPS[:15], start=1):
        verifier.type(group)
        verifier.page.locator(f"[data-box='{number}'].m").wait_for()
    reader.page.locator("[data-group]", has_text="16").wait_for()
    # The last group, and with it the whole value, has never been in the verifier's browser.
    sent = "".join(answers[cast.birch.verifier.user.email]).lower()
    assert sent.count("group 15 matches, group 16 next") == 1
    assert FINGERPRINT not in sent.replace(" ", "")
    # Alone it would stand between other signs; identifiers and tokens are random and may hold any four characters.
    assert not re.search(rf"(?<![0-9a-z-]){GROUPS[15].lower()}(?![0-9a-z-])", sent)
    verifier.type(GROUPS[15])
    verifier.sees("Read it back")
    reader.sees("Listen and compare")
    verifier.press("Enter")
    verifier.sees("You are done. Waiting for")
    reader.press("Enter")
    reader.sees("All 16 groups matched.")
    verifier.sees("All 16 groups matched.")

    call.refresh_from_db()
    assert call.state == Verification.State.RECORDED
    assert verifier.clicks == reader.clicks == 0
    assert verifier.page.evaluate("violations") == reader.page.evaluate("violations") == []


def test_a_slip_is_said_and_mended(seats, cast):
    verifier, reader = seats
    to_typing(verifier, reader, cast)

    verifier.type("164F")
    verifier.sees("Group 1 does not match.")
    verifier.sees("You have 2 more tries for this group.")
    assert verifier.page.evaluate("document.activeElement.name") == "g1"
    assert findings(verifier.page) == []
    verifier.type("1640")  # the wrong text is selected, so typing replaces it
    verifier.page.locator("[data-box='1'].m").wait_for()

    assert verifier.page.evaluate("document.activeElement.name") == "g2"
    assert verifier.page.locator("[data-mismatches]").inner_text() == "1"


def test_a_mismatch_ends_the_call_in_both_browsers(seats, cast):
    verifier, reader = seats
    call = to_typing(verifier, reader, cast)

    for tries_left in (2, 1, 0):
        verifier.type("FFFF")
        if tries_left:
            verifier.sees(f"You have {tries_left} more")
    verifier.sees("These fingerprints are different.")
    reader.sees("These fingerprints are different.")

    call.refresh_from_db()
    assert call.state == Verification.State.MISMATCH
    assert VerificationRequest.objects.get().state == VerificationRequest.State.QUARANTINED
    assert verifier.page.title().startswith("Mismatch: Submission 118 is quarantined")
    assert findings(verifier.page) == []


def test_a_session_that_ended_leads_to_the_sign_in_and_a_silent_portal_is_said(seats, cast):
    verifier, reader = seats
    to_typing(verifier, reader, cast)
    here = verifier.page.url

    verifier.page.context.set_offline(True)
    verifier.type(GROUPS[0])
    verifier.page.get_by_text("The portal did not answer. Press Enter to send the group again.").last.wait_for()
    verifier.page.context.set_offline(False)
    verifier.press("Enter")
    verifier.page.locator("[data-box='1'].m").wait_for()
    verifier.page.context.clear_cookies()
    verifier.type(GROUPS[1])
    verifier.page.wait_for_url("**/account/login/**")

    assert here.split("/", 3)[3] in verifier.page.url


def test_a_paste_is_taken_and_kept_on_record(seats, cast):
    verifier, reader = seats
    call = to_typing(verifier, reader, cast)

    verifier.page.evaluate(
        """() => { const data = new DataTransfer(); data.setData("text", "1640");
        const field = document.activeElement;
        field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        field.value = "1640"; field.dispatchEvent(new InputEvent("input", { bubbles: true })); }"""
    )
    verifier.page.locator("[data-box='1'].m").wait_for()

    assert call.groups.get(index=1).pasted


def test_it_works_row_by_row_without_scripts(browser, live_server, cast):
    call = calls.typing(cast, calls.request(cast, fingerprint=FINGERPRINT))
    seat = sit_down(browser, cast.birch.verifier, live_server.url, scripts=False)
    seat.page.goto(reverse("verification_call", args=[cast.partnership.slug, call.number]))

    for row in range(4):
        for place in range(4):
            seat.page.locator(f"#g{row * 4 + place + 1}").fill(GROUPS[row * 4 + place])
        seat.click("Check row")
    seat.sees("Read it back")

    assert call.groups.filter(matched_at__isnull=False).count() == 16
    seat.page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_on_either_side(browser, live_server, cast, width):
    call, _ = calls.joined(cast, calls.started(cast, calls.request(cast, fingerprint=FINGERPRINT)))
    address = reverse("verification_call", args=[cast.partnership.slug, call.number])
    for person in (cast.birch.verifier, cast.alder.verifier):
        seat = sit_down(browser, person, live_server.url, width=width)
        seat.page.goto(address)
        assert findings(seat.page) == []
        assert seat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        seat.page.context.close()
