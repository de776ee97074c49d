"""Who may do what: uploader, verifier, reader and approver are different people."""

import pytest

from trust.verifications import people
from trust.verifications.people import Roles

ROLES = Roles(uploaders={"uploader", "earlier uploader"}, verifier="verifier", reader="reader")


@pytest.mark.parametrize(
    ("question", "person", "code"),
    [
        (people.why_not_verify, "anybody", None),
        (people.why_not_verify, "uploader", "uploader_cannot_verify"),
        (people.why_not_verify, "earlier uploader", "uploader_cannot_verify"),
        (people.why_not_verify, "reader", "reader_cannot_verify"),
        (people.why_not_read, "anybody", None),
        (people.why_not_read, "uploader", "uploader_cannot_read"),
        (people.why_not_read, "earlier uploader", "uploader_cannot_read"),
        (people.why_not_read, "verifier", "verifier_cannot_read"),
        (people.why_not_approve, "anybody", None),
        (people.why_not_approve, "uploader", "uploader_cannot_approve"),
        (people.why_not_approve, "earlier uploader", "uploader_cannot_approve"),
        (people.why_not_approve, "verifier", "verifier_cannot_approve"),
        (people.why_not_approve, "reader", "reader_cannot_approve"),
    ],
)
def test_four_people_are_four_people(question, person, code):
    missing = question(person, ROLES)

    assert (missing.code if missing else None) == code


def test_what_is_missing_is_said_with_who_can():
    missing = people.why_not_approve("verifier", ROLES, others=["Ana Ribeiro", "Inês Duarte"])

    assert missing is not None
    assert missing.sentence == "You made the call, so you cannot approve it."
    assert missing.fix == "Ana Ribeiro and Inês Duarte can."


def test_nobody_left_is_said_too():
    missing = people.why_not_approve("verifier", ROLES)

    assert missing is not None
    assert missing.fix == "Your organization needs another security officer."
