"""The whole exchange in two browsers, one a company: from the operator's link through the gate to Active.

One company's browser runs scripts and the other's does not, so that neither way stops anybody.

The story is that of the demonstration; everything that its people do is clicked and typed in Chromium.
"""

import json

import pytest

from portal.operations.demo.story import Story
from portal.operations.demo.teams import HALDEN, MERIDIAN
from tests.browser.chromium_person import ChromiumPerson
from tests.makers.running import RunningPortal, database

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]


@pytest.fixture
def portal(tmp_path):
    with database() as url:
        portal = RunningPortal(tmp_path, database_url=url)
        portal.environment["BASE_URL"] = f"http://127.0.0.1:{portal.port}"
        # Scripts run only if they are served, whatever was collected beside the sources before.
        portal.environment["STATIC_ROOT"] = str(tmp_path / "static")
        portal.manage("collectstatic", "--no-input", "--verbosity", "0")
        portal.manage("migrate", "--run-syncdb", "--verbosity", "0")
        portal.start()
        yield portal
        portal.kill_group()


@pytest.fixture
def second_browser(browser_type, browser_type_launch_args):
    """A Chromium of its own for the second company."""
    launched = browser_type.launch(**browser_type_launch_args)
    yield launched
    launched.close()


class Watched(Story):
    """The story, looking at the gate on the way: what both sides are told before they verified each other's roots."""

    gates: list[str]

    def root_is_verified_and_published(self, team, partner):
        officer = team.approver
        officer.open(f"/p/{self.slug}/onboarding/")
        self.gates.append(officer.text())
        assert officer.page.select_one('form[action$="/go-live/"]') is None
        super().root_is_verified_and_published(team, partner)


def test_two_companies_go_from_invitation_to_active(portal, browser, second_browser, tmp_path):
    base = portal.environment["BASE_URL"]
    first = json.loads(
        portal.manage(
            *("create_organization", "Meridian Pay", "--json"),
            *("--admin-email", "sam@meridian.example", "--admin-name", "Sam Okafor"),
        )
    )
    of_company = {MERIDIAN.domain: browser, HALDEN.domain: second_browser}

    class PersonAtTheirCompany(ChromiumPerson):
        def __init__(self, base_url, *, name, email, password):
            domain = email.partition("@")[2]
            self.chromium, self.scripts = of_company[domain], domain == MERIDIAN.domain
            super().__init__(base_url, name=name, email=email, password=password)

    steps: list[str] = []
    story = Watched(
        base_url=base,
        folder=tmp_path / "companies",
        first_link=first["link"],
        say=lambda what, proves: steps.append(what),
        make_person=PersonAtTheirCompany,
    )
    story.gates = []

    story.play()

    # The gate was shut as long as something was missing, and said so to both; then both sides opened it.
    assert [("Not ready to go live" in each) for each in story.gates] == [True, True]
    for team, partner in story.both:
        team.admin.open("/partnerships/")
        assert partner.company.name in team.admin.text()
        assert "Active" in team.admin.text()
    assert any("publishes halden-freight-prod v1" in step for step in steps)
    assert any("pulls meridian-pay-prod v1" in step for step in steps)
    assert "The chain holds" in portal.manage("verify_log")
