"""The one outbound client, against receivers with bad manners."""

import ipaddress
import time

import pytest

from notifications.webhooks import client, places
from notifications.webhooks.client import Post
from notifications.webhooks.rules import Outcome
from portal.outbound.guard import Guard
from tests.makers import listener as listeners

LOOPBACK = Guard(allowed=(ipaddress.ip_network("127.0.0.1/32"),))


@pytest.fixture
def listener():
    with listeners.running() as running:
        yield running


def made(listener, path: str, *, key=1, endpoint="e") -> Post:
    return Post(key=key, endpoint=endpoint, url=listener.url(path), body=b'{"a":1}', headers={"webhook-id": "m"})


def post(listener, path: str, **options) -> client.Answer:
    [(_, answer)] = [
        each for group in client.post_all([made(listener, path)], guard=LOOPBACK, **options) for each in group
    ]
    return answer


CASES = {
    "good": ("/ok", Outcome.DELIVERED, 200),
    "no content": ("/status/204", Outcome.DELIVERED, 204),
    "server error": ("/status/500", Outcome.FAILED, 500),
    "gone": ("/status/410", Outcome.GONE, 410),
    "gateway": ("/status/503", Outcome.CONGESTED, 503),
    "garbage": ("/garbage", Outcome.FAILED, None),
    "closes early": ("/close", Outcome.FAILED, None),
}


@pytest.mark.parametrize(("path", "outcome", "status"), CASES.values(), ids=CASES)
def test_an_answer_is_what_it_means(listener, path, outcome, status):
    answer = post(listener, path)

    assert (answer.outcome, answer.status) == (outcome, status)


def test_a_receiver_that_hangs_is_given_up(listener):
    began = time.monotonic()

    answer = post(listener, "/hang", total_seconds=0.3)

    assert answer.outcome is Outcome.CONGESTED
    assert time.monotonic() - began < 2


def test_an_endless_answer_is_cut_and_its_status_counts(listener):
    answer = post(listener, "/endless")

    assert (answer.outcome, answer.truncated, len(answer.body)) == (Outcome.DELIVERED, True, 2000)


def test_an_answer_that_breaks_off_still_says_that_it_arrived(listener):
    answer = post(listener, "/half")

    assert (answer.outcome, answer.truncated, answer.body) == (Outcome.DELIVERED, True, "half")


def test_retry_after_is_read(listener):
    assert post(listener, "/retry-after/120").retry_after == 120


def test_retry_after_as_a_date_counts_from_the_receivers_own_clock(listener):
    assert post(listener, "/retry-at").retry_after == 120


@pytest.mark.parametrize("header", ["", "soon", "-5", "9999999", "1e3", "Fri, 99 Nov 2025 12:02:00 GMT", "²"])
def test_a_retry_after_that_cannot_be_read_is_none(header):
    assert client._seconds(header, "Fri, 28 Nov 2025 12:00:00 GMT") is None


def test_the_body_arrives_byte_for_byte(listener):
    post(listener, "/ok")

    assert listener.received[0].body == b'{"a":1}'


def test_a_hanging_endpoint_does_not_hold_up_the_others(listener):
    slow = [made(listener, "/hang", key=("slow", n), endpoint="slow") for n in range(60)]
    quick = [made(listener, "/ok", key=("quick", n), endpoint=f"q{n}") for n in range(60)]
    began, arrived, answers = time.monotonic(), [], {}

    for group in client.post_all([*slow, *quick], guard=LOOPBACK, total_seconds=0.9):
        for each, answer in group:
            answers[each.key] = answer
            if each.key[0] == "quick":
                arrived.append(time.monotonic() - began)

    assert max(arrived) < 0.9  # all the others were answered before the first of the slow ones timed out
    assert time.monotonic() - began < 3  # and the slow ones did not queue behind each other's timeouts
    tried = [answers[each.key].tried for each in slow]
    assert tried.count(True) == places.UNKNOWN
    assert len(answers) == 120


def test_many_hanging_endpoints_leave_the_places_to_the_others(listener, monkeypatch):
    """Each of the four places is taken by one that hangs, and six more hang: all move to the room, and the others are answered."""
    monkeypatch.setattr(client, "SLOW_AFTER", 0.2)
    hang = [made(listener, "/hang", key=("hang", n), endpoint=f"hang-{n}") for n in range(10)]
    quick = [made(listener, "/ok", key=("ok", n), endpoint=f"ok-{n % 3}") for n in range(30)]
    paces: dict[str, bool] = {}
    order = []

    for group in client.post_all([*hang, *quick], guard=LOOPBACK, in_flight=4, total_seconds=5, paces=paces):
        order += [each.key[0] for each, _ in group]

    assert order == ["ok"] * 30 + ["hang"] * 10
    assert {each for each, soon in paces.items() if not soon} == {f"hang-{n}" for n in range(10)}
