"""One partner, or a thief of its token, sends bundles without end (case 59): it is stopped, and others are not."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.throttling import ScopedRateThrottle

from portal.audit.models import Event
from tests.makers import api_tokens
from tests.makers import submissions as make
from trust.submissions import rules
from trust.submissions.models import Submission

ADDRESS = "/api/v1/submissions"


def body(
    content: bytes, signature: bytes = b"-----BEGIN PGP SIGNATURE-----\n\nnot one\n-----END PGP SIGNATURE-----\n"
) -> dict:
    return {
        "partnership": "alder-birch",
        "file_name": "bundle.pem",
        "content": base64.b64encode(content).decode(),
        "signature": base64.b64encode(signature).decode(),
    }


def post(sent: dict, robot: dict):
    return Client().post(ADDRESS, sent, content_type="application/json", headers=robot)


def sent_within_the_hour(cast, now, count: int) -> None:
    Submission.objects.bulk_create(
        Submission(
            partnership=cast.partnership,
            number=1000 + number,
            owner=cast.alder.organization,
            relying=cast.birch.organization,
            received_at=now - timedelta(minutes=5),
            state="refused",
            content=b"",
            signature=b"",
        )
        for number in range(count)
    )


@pytest.mark.django_db
class TestAFlood:
    def test_of_ten_thousand_ends_at_the_rate_and_keeps_nothing_more(self, cast, monkeypatch):
        """What is over the rate is refused before anything is read; so the ten-thousandth costs as little as the third."""
        monkeypatch.setattr(ScopedRateThrottle, "get_rate", lambda throttle: "2/min")
        robot = api_tokens.headers(cast.alder, "submit")

        answers = [post(body(b"junk %d" % number), robot) for number in range(30)]

        kept = Submission.objects.count()
        assert {each.status_code for each in answers[2:]} == {429}
        assert all(int(each["Retry-After"]) > 0 for each in answers[2:])
        assert kept <= 2

    def test_ends_at_the_quota_of_the_hour_whatever_the_rate(self, cast, now):
        sent_within_the_hour(cast, now, rules.UPLOADS_AN_HOUR)
        before = (Submission.objects.count(), Event.objects.count())

        answer = post(body(make.hierarchy().bundle), api_tokens.headers(cast.alder, "submit"))

        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_uploads")
        assert int(answer["Retry-After"]) > 0
        assert (Submission.objects.count(), Event.objects.count()) == before

    def test_of_one_partner_leaves_the_other_its_uploads(self, cast, now):
        sent_within_the_hour(cast, now, rules.UPLOADS_AN_HOUR)
        content = make.hierarchy("Birch").bundle

        from tests.makers import keys

        _, holder = keys.verified_key(cast.birch, cast.alder)
        answer = post(body(content, holder.sign_detached(content)), api_tokens.headers(cast.birch, "submit"))

        assert answer.status_code == 201
        assert answer.json()["state"] == "waiting_for_call"
