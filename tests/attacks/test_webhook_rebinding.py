"""A name server that changes its mind, asked by the system's own resolver, in a network of the test's own (case 53)."""

import pytest

from tests.makers import own_network
from tests.makers.own_network import PUBLIC

pytestmark = pytest.mark.skipif(
    not own_network.is_possible(), reason="this machine gives nobody a network of their own"
)
HOST = "orders.alder.example"


def results(*posts, **names):
    return own_network.run({"names": {HOST: names["answers"]} | names.get("more", {}), "posts": posts})


def test_a_name_that_moves_inside_between_two_deliveries_is_blocked_and_nobody_is_dialed():
    first, second = results((HOST, 8443, False), (HOST, 8443, False), answers=[[PUBLIC], ["127.0.0.1"]])

    assert (first["outcome"], first["seen"]) == ("delivered", [{"dialed": PUBLIC, "client": ""}])
    assert (second["outcome"], second["seen"]) == ("blocked", [])


def test_a_name_is_asked_once_for_a_delivery_and_that_answer_is_dialed():
    """Asked a second time it would lead inside; A and AAAA are one question each."""
    [only] = results((HOST, 8443, False), answers=[[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])

    assert (only["outcome"], only["asked"]) == ("delivered", 2)
    assert only["seen"] == [{"dialed": PUBLIC, "client": ""}]


def test_an_answer_that_leads_inside_is_blocked():
    inside = {
        "loopback.alder.example": ["127.0.0.1"],
        "one-of-two.alder.example": [PUBLIC, "127.0.0.1"],
        "metadata.alder.example": ["169.254.169.254"],
        "mapped.alder.example": ["::ffff:127.0.0.1"],
        "nat64.alder.example": ["64:ff9b::7f00:1"],
        "private.alder.example": ["fd00::1"],
        "public-and-loopback-v6.alder.example": [PUBLIC, "::1"],
    }

    found = results(
        *((host, 8443, False) for host in inside),
        answers=[[PUBLIC]],
        more={host: [row] for host, row in inside.items()},
    )

    assert {host: (each["outcome"], each["seen"]) for host, each in zip(inside, found, strict=True)} == {
        host: ("blocked", []) for host in inside
    }


def test_the_certificate_is_held_against_the_name_and_not_the_pinned_address():
    other = {"other.alder.example": [[PUBLIC]]}
    right, wrong = results((HOST, 8443, False), ("other.alder.example", 8443, False), answers=[[PUBLIC]], more=other)

    assert right["outcome"] == "delivered"
    assert (wrong["outcome"], wrong["seen"]) == ("failed", [])
    assert "TLS certificate" in wrong["reason"]


def test_the_portal_shows_its_client_certificate_to_those_endpoints_only_that_ask_for_it_here():
    shown, hidden, unasked = results((HOST, 9443, True), (HOST, 9443, False), (HOST, 8443, True), answers=[[PUBLIC]])

    assert (shown["outcome"], shown["seen"]) == ("delivered", [{"dialed": PUBLIC, "client": "portal.alder.example"}])
    assert (hidden["outcome"], hidden["seen"]) == ("failed", [])
    assert unasked["outcome"] == "delivered"


def test_a_name_that_nobody_knows_is_a_failure_that_says_so():
    [only] = results(("nobody.alder.example", 8443, False), answers=[[PUBLIC]])

    assert only["outcome"] == "failed"
    assert "not found" in only["reason"]
