"""Java is asked in the background, and only once."""

import pytest

from tests.makers.submissions import submit
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki import keytool
from trust.submissions import services

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(keytool.version() is None, reason="Java's keytool is not installed"),
]


def java(made) -> list[dict]:
    made.refresh_from_db()
    return [each for each in made.forecast if each["validator"].startswith("Java keytool")]


def test_the_answer_to_an_upload_does_not_wait_for_java(cast):
    assert java(submit(cast)) == []


def test_what_java_says_is_on_the_report_afterwards(cast):
    made = submit(cast)

    assert services.ask_java(now=NOW) == 1
    assert services.ask_java(now=NOW) == 0

    (said,) = java(made)
    assert (said["accepts"], said["how"]) == (True, "run")
    page = cast.birch.viewer.client().get(f"/p/alder-birch/submissions/{made.number}/").content.decode()
    assert "It imports the anchor; its trust store has 1 entry then." in page


def test_a_refused_submission_is_not_tried(cast):
    submit(cast, b"nothing")

    assert services.ask_java(now=NOW) == 0
