"""The running deployment that scripts/test-production names, with the exchange of the demonstration played on it once."""

import json
import os
from pathlib import Path

import pytest

from portal.operations.demo.story import Story
from portal.operations.demo.teams import MERIDIAN
from tests.production.deployment import Deployment

FOLDER = os.environ.get("PRODUCTION_FOLDER", "")


def pytest_collection_modifyitems(items):
    """Mark everything in this folder, and skip it loudly without a deployment."""
    for item in items:
        if "tests/production/" in str(item.path):
            item.add_marker(pytest.mark.production)
            item.add_marker(pytest.mark.timeout(600))
            if not FOLDER:
                item.add_marker(pytest.mark.skip(reason="no deployment runs; scripts/test-production starts one"))


@pytest.fixture(scope="session")
def deployment():
    """Return the running deployment, whose own certificate everything in this process believes."""
    running = Deployment(Path(FOLDER))
    os.environ["REQUESTS_CA_BUNDLE"] = str(running.folder / "tls.pem")
    yield running
    del os.environ["REQUESTS_CA_BUNDLE"]


@pytest.fixture(scope="session")
def story(deployment) -> Story:
    """Return the whole exchange, played through nginx from the operator's link to two services that pull."""
    first = deployment.manage(
        *("create_organization", MERIDIAN.name, "--json"),
        *("--admin-name", MERIDIAN.admin, "--admin-email", f"sam@{MERIDIAN.domain}"),
    )
    played = Story(
        base_url=deployment.base_url,
        folder=deployment.folder / "companies",
        first_link=json.loads(first)["link"],
        say=lambda what, proves: print(what),
    )
    played.play()
    for team, _ in played.both:
        team.api_token = played.api_token(team)
    return played
