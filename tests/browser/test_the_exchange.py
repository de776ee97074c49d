"""The whole exchange in Chromium: the story of the demonstration, clicked and typed with scripts off."""

import json

import pytest

from portal.operations.demo.story import Story
from tests.browser.chromium_person import ChromiumPerson
from tests.makers.running import RunningPortal, database

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]


@pytest.fixture
def portal(tmp_path):
    with database() as url:
        portal = RunningPortal(tmp_path, database_url=url)
        portal.environment["BASE_URL"] = f"http://127.0.0.1:{portal.port}"
        portal.manage("migrate", "--run-syncdb", "--verbosity", "0")
        portal.start()
        yield portal
        portal.kill_group()


def test_two_companies_exchange_trust_in_chromium(portal, browser, tmp_path):
    base = portal.environment["BASE_URL"]
    first = json.loads(
        portal.manage(
            *("create_organization", "Meridian Pay", "--json"),
            *("--admin-email", "sam@meridian.example", "--admin-name", "Sam Okafor"),
        )
    )
    steps: list[str] = []
    people = type("PersonInThisChromium", (ChromiumPerson,), {"chromium": browser})
    story = Story(
        base_url=base,
        folder=tmp_path / "companies",
        first_link=first["link"],
        say=lambda what, proves: steps.append(what),
        make_person=people,
    )

    story.play()

    assert any("publishes halden-freight-prod v1" in step for step in steps)
    assert any("pulls meridian-pay-prod v1" in step for step in steps)
    assert "The chain holds" in portal.manage("verify_log")
