"""One partner, or a thief of its token, sends bundles without end (case 59): it is stopped, and others are not."""

import base64
import gzip
import resource
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from rest_framework.throttling import ScopedRateThrottle

from portal.audit.models import Event
from tests.makers import api_tokens, keys
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

        _, holder = keys.verified_key(cast.birch, cast.alder)
        answer = post(body(content, holder.sign_detached(content)), api_tokens.headers(cast.birch, "submit"))

        assert answer.status_code == 201
        assert answer.json()["state"] == "waiting_for_call"


@pytest.mark.django_db(transaction=True)
class TestFiftyBombsAtOnce:
    def test_case_59_are_all_refused_and_the_other_partners_upload_finishes_among_them(self, cast):
        """Each is well signed and unpacks to 64 MB. Ten are under way at any time, and Birch's bundle among them."""
        content = gzip.compress(bytes(64 * 1024 * 1024), 9)
        bomb = body(content, make.signer(cast).sign_detached(content))
        bombs = api_tokens.headers(cast.alder, "submit")
        _, holder = keys.verified_key(cast.birch, cast.alder)
        bundle = make.hierarchy("Birch").bundle
        good = body(bundle, holder.sign_detached(bundle))
        robot = api_tokens.headers(cast.birch, "submit")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        def send(sent: dict, headers: dict):
            try:
                return post(sent, headers)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(max_workers=10) as pool:
            first = [pool.submit(send, bomb, bombs) for _ in range(25)]
            middle = pool.submit(send, good, robot)
            rest = [pool.submit(send, bomb, bombs) for _ in range(25)]
            answers = [each.result() for each in (*first, *rest)]

        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert (middle.result().status_code, middle.result().json()["state"]) == (201, "waiting_for_call")
        assert {(each.status_code, each.json()["code"]) for each in answers} <= {
            (400, "not_fully_scanned"),
            (429, "too_many_requests"),
        }
        kept = Submission.objects.filter(owner=cast.alder.organization)
        assert {(each.state, bytes(each.content)) for each in kept} == {("refused", b"")}, "the fact, and nothing of it"
        assert Submission.objects.filter(owner=cast.birch.organization).count() == 1
        assert grown < 400 * 1024, "kB; ten times 64 MB would be more"
