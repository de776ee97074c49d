"""One partnership at a glance: both directions, what runs out, releases, consumers, people; and nothing for strangers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal import words
from portal.dashboard import dates, overview
from tests.cast import make_contact
from tests.makers import consumers, many, stores
from tests.moments import EVERYTHING_VALID as NOW


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


class TestOverview:
    @pytest.mark.parametrize("address", ["/p/alder-birch/", "/p/alder-birch/activity/"])
    def test_is_not_there_for_strangers(self, cast, address):
        stranger = cast.cedar.officer.client().get(address)
        nothing = cast.cedar.officer.client().get(address.replace("birch", "nobody"))

        assert stranger.status_code == nothing.status_code == 404

    def test_shows_both_directions(self, cast):
        stores.published(cast, *stores.whole())

        page = text_of(cast.birch.officer.client().get("/p/alder-birch/"))

        assert "What you trust from <bdi>Alder</bdi>" in page
        assert "What <bdi>Alder</bdi> trusts from you" in page
        assert "alder-prod</bdi> v1" in page
        assert "Waiting for <bdi>Alder</bdi> to publish" in page

    def test_says_what_each_picture_waits_for_while_there_is_nothing(self, cast):
        page = text_of(cast.alder.officer.client().get("/p/alder-birch/"))

        assert "Nothing with an end yet" in page
        assert "Nobody to call yet" in page

    def test_names_who_is_late_and_links_only_numbers_that_may_be_called(self, cast):
        stores.published(cast, *stores.whole())
        consumers.registered(cast, "recon-batch")
        make_contact(cast.alder.officer, name="Mei Tanaka")
        make_contact(
            cast.alder.admin,
            name="Jonas Weber",
            phone="+493055501477",
            number_changed_at=NOW,
            usable_from=NOW + timedelta(hours=72),
            is_primary=False,
        )

        page = text_of(cast.birch.officer.client().get("/p/alder-birch/"))

        assert "1 service never pulled" in page
        assert "recon-batch" in page
        assert 'href="tel:+493055501432"' in page
        assert 'href="tel:+493055501477"' not in page
        assert "Cooling off" in page

    def test_is_red_on_top_when_suspended(self, cast):
        cast.partnership.state, cast.partnership.state_reason = "suspended", "Key ceremony under review."
        cast.partnership.save()

        page = text_of(cast.alder.viewer.client().get("/p/alder-birch/"))

        assert page.index("This partnership is suspended") < page.index("Needs you")
        assert "Key ceremony under review." in page

    def test_begins_with_the_checklist_while_it_is_being_worked_on(self, cast):
        cast.partnership.state = "onboarding"
        cast.partnership.save()

        page = text_of(cast.alder.officer.client().get("/p/alder-birch/"))

        assert page.index('id="onboarding"') < page.index("What you trust from")
        assert "Onboarding with Birch:" in page

    def test_takes_a_bounded_number_of_queries(self, cast):
        client = cast.birch.officer.client()
        stores.published(cast, *stores.whole())
        consumers.registered(cast, "service")
        client.get("/p/alder-birch/")
        with CaptureQueriesContext(
            connection,
        ) as few:
            client.get("/p/alder-birch/")
        for number in range(5):
            consumers.registered(cast, f"service-{number}")

        with CaptureQueriesContext(connection) as many:
            client.get("/p/alder-birch/")

        assert len(many) <= len(few) + 6
        assert len(many) < 75


class TestExpiry:
    def test_has_a_table_with_the_same_rows_as_the_picture(self, cast):
        stores.published(cast, *stores.whole())
        endings = dates.of_partnership(cast.partnership)

        picture = text_of(cast.birch.officer.client().get("/p/alder-birch/"))
        table = text_of(cast.birch.officer.client().get("/p/alder-birch/?expiry=table"))

        assert len(endings) >= 2
        for ending in endings:
            assert ending.label in picture
            assert f"<bdi>{ending.label}</bdi>" in table
        assert [each.end for each in endings] == sorted(each.end for each in endings)

    def test_marks_what_is_not_trusted_yet(self, cast):
        stores.submission(cast, *stores.whole(), state="waiting_for_call", verify=False)

        assert {each.state for each in dates.of_partnership(cast.partnership)} == {"pending"}

    @pytest.mark.parametrize(
        ("subject", "name"),
        [
            ("CN=Root CA G2,O=Halden Freight", "Root CA G2"),
            ("O=Halden Freight,CN=Root", "Root"),
            (r"CN=Root\, the first,O=H", r"Root\, the first"),
            ("O=Halden Freight", "O=Halden Freight"),
        ],
    )
    def test_calls_a_certificate_by_its_common_name(self, subject, name):
        assert words.common_name(subject) == name


class TestGlance:
    def test_puts_what_needs_work_first(self, cast):
        from tests.cast import make_partnership

        make_partnership(cast.alder, cast.cedar, state="onboarding")

        rows = overview.glance(cast.alder.organization, NOW)

        assert [row.partner.name for row in rows] == ["Cedar", "Birch"]

    def test_of_many_comes_in_pages_and_home_shows_the_first(self, cast):
        many.partners(cast, range(1, 61), certificates=0)
        client = cast.birch.officer.client()

        first, second = (text_of(client.get(f"/partnerships/?page={number}")) for number in (1, 2))

        assert "1 to 50 of 61 partnerships" in first
        assert "51 to 61 of 61 partnerships" in second
        assert "All 61 partnerships" in text_of(client.get("/"))

    def test_can_be_filtered_by_state(self, cast):
        page = text_of(cast.alder.officer.client().get("/partnerships/?state=ended"))

        assert "None in this state" in page


class TestActivity:
    def test_tells_what_happened_in_sentences_by_day(self, cast):
        stores.published(cast, *stores.whole())

        page = text_of(cast.birch.viewer.client().get("/p/alder-birch/activity/"))

        assert "{" not in page.split("<main")[1].split("</main>")[0]
        assert f"{NOW.day} {NOW:%b %Y}" in page

    def test_shows_the_partner_only_what_both_may_see(self, cast):
        from portal.audit.models import Audience
        from tests.makers.events import record

        record(cast.birch.organization, NOW, partnership_id=cast.partnership.pk, audience=Audience.ORGANIZATION)

        own = cast.birch.viewer.client().get("/p/alder-birch/activity/").content
        other = cast.alder.viewer.client().get("/p/alder-birch/activity/").content

        assert b"1 to 1 of 1 events" in own
        assert b"Nothing yet" in other
