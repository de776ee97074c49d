"""When a number in the directory may be called, and what the directory takes as a number. Plain Python."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import available_timezones

import phonenumbers

from portal import errors

# Whoever takes over an account in the directory must not be able to redirect the next call: the alert to all contacts has
# this long to be seen.
COOL_OFF = timedelta(hours=72)
REVIEW_EVERY = timedelta(days=91)
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")


class ContactState(StrEnum):
    """What the directory says about a contact at a moment."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    COOLING_OFF = "cooling_off"
    RETIRED = "retired"


STATE_LABELS = {
    ContactState.UNCONFIRMED: "Unconfirmed",
    ContactState.CONFIRMED: "Confirmed",
    ContactState.COOLING_OFF: "Cooling off",
    ContactState.RETIRED: "Retired",
}


@dataclass(frozen=True)
class NumberFacts:
    """What is known about a contact's number. ``usable_from`` is None for a number that never had to cool off."""

    changed_at: datetime
    usable_from: datetime | None
    called_at: datetime | None
    vouched_at: datetime | None
    reported_wrong_at: datetime | None
    retired_at: datetime | None


@dataclass(frozen=True)
class Obstacle:
    """Why a number may not be called: a stable code, a heading and a sentence."""

    code: str
    heading: str
    sentence: str


def state_at(number: NumberFacts, now: datetime) -> ContactState:
    """Return the contact's state. A number may be used from the very moment at which its 72 hours are over."""
    if number.retired_at is not None:
        return ContactState.RETIRED
    if number.usable_from is not None and now < number.usable_from:
        return ContactState.COOLING_OFF
    if number.called_at and number.vouched_at and not number.reported_wrong_at:
        return ContactState.CONFIRMED
    return ContactState.UNCONFIRMED


def obstacle(number: NumberFacts, now: datetime) -> Obstacle | None:
    """Return why the number may not be called for a verification, or None when it may."""
    match state_at(number, now):
        case ContactState.CONFIRMED:
            return None
        case ContactState.RETIRED:
            return Obstacle(
                "contact_retired", "This contact is retired.", "The directory no longer offers this number."
            )
        case ContactState.COOLING_OFF:
            assert number.usable_from is not None
            return Obstacle(
                "number_too_new",
                "This number is too new.",
                f"It was changed on {_day(number.changed_at)} and can be used from {_moment(number.usable_from)}.",
            )
    if number.reported_wrong_at:
        return Obstacle(
            "number_reported_wrong",
            "This number was reported as wrong.",
            f"It was reported on {_day(number.reported_wrong_at)} and must be confirmed again.",
        )
    missing = [
        words
        for words, at in (("by a call", number.called_at), ("by a second contact", number.vouched_at))
        if at is None
    ]
    return Obstacle(
        "number_unconfirmed",
        "This number is not confirmed.",
        f"It still has to be confirmed {' and '.join(missing)}.",
    )


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}, {moment:%H:%M} UTC"


def usable_from(changed_at: datetime, *, cools_off: bool) -> datetime | None:
    """Return when a number that was entered at ``changed_at`` may first be used; None when at once."""
    return changed_at + COOL_OFF if cools_off else None


def review_due_at(last_confirmed_at: datetime) -> datetime:
    """Return when somebody should be asked again whether the entry is still right."""
    return last_confirmed_at + REVIEW_EVERY


def parse_number(raw: str) -> str:
    """Return a phone number in E.164 form.

    Raises Invalid for anything but one possible international number: without its country code, nobody abroad can tell
    which number is meant.
    """
    fix = "Write it with its country code, as in +49 30 55501432."
    try:
        number = phonenumbers.parse(raw.strip(), None)
    except phonenumbers.NumberParseException:
        raise _bad_number("This is not a phone number in international format.", fix) from None
    if number.extension:
        raise _bad_number("An extension cannot be dialed in one go.", "Give a direct number.")
    if not phonenumbers.is_valid_number(number):
        raise _bad_number("No such phone number can exist in that country.", fix)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _bad_number(sentence: str, fix: str) -> errors.Invalid:
    return errors.Invalid(sentence, code="phone_number", fix=fix, fields={"phone": [f"{sentence} {fix}"]})


def spaced(e164: str) -> str:
    """Return a stored number as people read it: "+49 30 55501432"."""
    number = phonenumbers.parse(e164, None)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def masked(e164: str) -> str:
    """Return a number that shows only its country and its last four digits: "+49 … 1432"."""
    return f"+{phonenumbers.parse(e164, None).country_code} … {e164[-4:]}"


def parse_fingerprint(raw: str) -> str:
    """Return an OpenPGP fingerprint as lower-case hex; "" stays "". Raises Invalid for key IDs and anything else."""
    compact = re.sub(r"[\s:]", "", raw)
    if compact and not _FINGERPRINT.fullmatch(compact):
        sentence = "This is not a full OpenPGP fingerprint of 40 or 64 characters. A key ID is not enough."
        raise errors.Invalid(sentence, code="openpgp_fingerprint", fields={"openpgp_fingerprint": [sentence]})
    return compact.lower()


def parse_time_zone(raw: str) -> str:
    """Return the name of a time zone. Raises Invalid for one that the tz database does not have."""
    if raw not in available_timezones():
        sentence = f"There is no time zone {raw[:64]!r}. Use a name such as Europe/Berlin."
        raise errors.Invalid(sentence, code="time_zone", fields={"time_zone": [sentence]})
    return raw
