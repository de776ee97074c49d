"""Home says what needs me, what waits for others, and what runs out; a part that fails hides nothing else."""

from datetime import timedelta

import pytest

from portal.dashboard import counts, dates, needs, waiting
from portal.partnerships.models import PartnershipInvitation
from tests.makers import stores
from tests.makers.calls import request as call_request
from tests.moments import EVERYTHING_VALID as NOW


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def lock(person):
    """Leave the company with one security officer, which it is warned of."""
    person.membership.state = "locked"
    person.membership.save()


class TestHome:
    def test_is_quiet_when_nothing_is_to_do(self, cast):
        page = text_of(cast.cedar.officer.client().get("/"))

        assert "<h1>All is quiet</h1>" in page
        assert "Nothing needs you." in page
        assert "No partners yet" in page

    def test_says_the_next_date_when_nothing_is_to_do(self, cast):
        stores.published(cast, *stores.whole())
        ending = dates.next_of(cast.birch.organization, NOW)

        page = text_of(cast.birch.viewer.client().get("/"))

        assert f"Next date: <bdi>{ending.label}</bdi> of <bdi>Alder</bdi> expires on" in page

    def test_names_the_part_that_could_not_be_read_and_shows_the_rest(self, cast, monkeypatch):
        def storms_and_floods(desk):
            raise ConnectionError

        monkeypatch.setattr(needs, "PROVIDERS", [storms_and_floods, *needs.PROVIDERS])

        page = text_of(cast.cedar.officer.client().get("/"))

        assert "Could not be read just now: storms and floods." in page
        assert "Nothing needs you." in page

    def test_sends_an_operator_nowhere_near_a_tenants_data(self, cast, client):
        client.force_login(cast.olga)

        answer = client.get("/")

        assert b"Alder" not in answer.content

    @pytest.mark.parametrize("address", ["/", "/partnerships/", "/p/alder-birch/", "/p/alder-birch/activity/"])
    def test_and_its_neighbors_change_nothing_and_take_no_post(self, cast, address):
        assert cast.alder.officer.client().post(address).status_code == 405


class TestWaitingForOthers:
    def test_tells_the_owner_that_a_call_is_still_to_be_made(self, cast):
        about = call_request(cast)

        (told,) = waiting.of(about.owner, NOW)

        assert about.label in told.title
        assert told.who == about.relying.name
        assert waiting.of(about.relying, NOW) == []

    def test_lists_invitations_that_nobody_opened_until_they_run_out(self, cast):
        PartnershipInvitation.objects.create(
            organization=cast.alder.organization,
            invited_name="Elm Works",
            email="eve@elm.example",
            contact_name="Eve",
            digest="0" * 64,
            invited_by=cast.alder.officer.user,
            created_at=NOW,
            expires_at=NOW + timedelta(days=14),
        )

        assert [each.who for each in waiting.of(cast.alder.organization, NOW)] == ["Elm Works"]
        assert waiting.of(cast.alder.organization, NOW + timedelta(days=15)) == []
        assert waiting.of(cast.birch.organization, NOW) == []


class TestCounts:
    def test_agree_with_home_at_once_and_with_the_world_soon(self, cast):
        officer = cast.birch.officer
        before = counts.of(officer.actor, NOW).all
        lock(cast.birch.second_officer)

        assert counts.of(officer.actor, NOW).all == before
        officer.client().get("/")
        assert counts.of(officer.actor, NOW).all == before + 1

    def test_are_split_by_where_the_work_is_done(self):
        counted = counts.Counts(("/notices/1/", "/notices/2/", "/p/alder-birch/"))

        assert (counted.below("/"), counted.below("/notices/"), counted.below("/webhooks/")) == (3, 2, 0)

    def test_are_those_of_one_member_in_one_organization(self, cast):
        lock(cast.birch.second_officer)

        assert counts.of(cast.birch.officer.actor, NOW).all > counts.of(cast.cedar.officer.actor, NOW).all
