"""Search finds what a member may see, goes straight to what was named in full, and gives nothing away before a call."""

import pytest

from portal.dashboard import search
from tests.makers import consumers, stores
from tests.makers.calls import request as call_request


def titles(organization, text):
    return [hit.title for hit in search.find(organization, text)]


@pytest.fixture
def exchange(cast):
    """Alder's hierarchy, accepted and published by Birch."""
    stores.published(cast, *stores.whole())
    consumers.registered(cast, "recon-batch")
    return cast


class TestFind:
    @pytest.mark.parametrize("shape", ["plain", "upper", "groups", "colons", "labelled"])
    def test_takes_a_fingerprint_in_any_spacing(self, exchange, shape):
        sha256 = stores.whole()[0].sha256
        text = {
            "plain": sha256,
            "upper": sha256.upper(),
            "groups": " ".join(sha256[at : at + 4] for at in range(0, 64, 4)),
            "colons": ":".join(sha256[at : at + 2] for at in range(0, 64, 2)),
            "labelled": f"SHA256:{sha256}",
        }[shape]

        (hit,) = search.find(exchange.birch.organization, text)

        assert hit.exact
        assert hit.url == f"/certificates/{sha256}/"

    def test_finds_a_serial_number_with_its_leading_zeros(self, exchange):
        serial = f"{stores.whole()[0].certificate.serial_number:040X}"

        assert [hit.exact for hit in search.find(exchange.birch.organization, serial)] == [True]

    @pytest.mark.parametrize(
        ("text", "kind"),
        [("alder root", "Certificate"), ("Alder", "Partnership"), ("recon-batch", "Consumer"), ("birch off", "Member")],
    )
    def test_finds_names(self, exchange, text, kind):
        assert kind in {hit.kind for hit in search.find(exchange.birch.organization, text)}

    def test_finds_nothing_for_nothing(self, exchange):
        assert search.find(exchange.birch.organization, "   ") == []


class TestScope:
    @pytest.mark.parametrize("text", ["Alder", "recon-batch", "alder-prod", "submission 1", "1", "Birch Officer"])
    def test_is_ones_own_organization_and_partnerships(self, exchange, text):
        assert search.find(exchange.cedar.organization, text) == []

    def test_hides_a_fingerprint_from_strangers(self, exchange):
        assert search.find(exchange.cedar.organization, stores.whole()[0].sha256) == []


class TestBeforeTheCall:
    def test_the_beginning_of_a_fingerprint_finds_nothing(self, exchange):
        sha256 = stores.whole()[0].sha256

        for length in (4, 8, 16, 60, 63):
            assert search.find(exchange.birch.organization, sha256[:length]) == []

    def test_a_certificate_that_waits_is_not_found_by_whoever_is_to_verify_it(self, cast):
        made = stores.whole()
        stores.submission(cast, *made, state="waiting_for_call", verify=False)
        call_request(cast, fingerprint=made[0].sha256)

        assert search.find(cast.birch.organization, made[0].sha256) == []
        assert len(search.find(cast.alder.organization, made[0].sha256)) == 1


class TestPage:
    def test_goes_straight_to_what_was_named_in_full(self, exchange):
        sha256 = stores.whole()[0].sha256

        answer = exchange.birch.viewer.client().get("/search/", {"q": sha256})

        assert (answer.status_code, answer["Location"]) == (302, f"/certificates/{sha256}/")

    def test_shows_the_list_when_asked_or_when_there_is_a_choice(self, exchange):
        client = exchange.birch.viewer.client()

        assert client.get("/search/", {"q": "alder", "all": "1"}).status_code == 200
        assert b"Exact" in client.get("/search/", {"q": "alder", "all": "1"}).content

    def test_escapes_what_was_typed_and_says_what_to_try(self, exchange):
        page = exchange.birch.viewer.client().get("/search/", {"q": "<script>alert(1)</script>"}).content

        assert b"<script>alert" not in page
        assert b"found whole, not by their beginning" in page
