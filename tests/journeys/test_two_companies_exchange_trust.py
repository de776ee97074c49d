"""The whole exchange over HTTP, as ``make run`` plays it: from the operator's link to a service that trusts its partner."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.makers.running import ROOT, RunningPortal, database

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    with database() as url:
        portal = RunningPortal(tmp_path_factory.mktemp("exchange"), database_url=url)
        portal.environment["BASE_URL"] = f"http://127.0.0.1:{portal.port}"
        portal.manage("migrate", "--run-syncdb", "--verbosity", "0")
        portal.start()
        yield portal
        portal.kill_group()


@pytest.fixture(scope="module")
def made(portal):
    """Play the exchange once and return what it made."""
    base = portal.environment["BASE_URL"]
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--base-url", base, "--json"],
        cwd=ROOT,
        env=portal.environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def pull(made, slug: str, **headers) -> requests.Response:
    """Pull the store of an organization with its consumer's token."""
    side = made["organizations"][slug]
    return requests.get(
        f"{made['base_url']}/api/v1/trust-stores/{side['store']}/current.pem",
        headers={"Authorization": f"Bearer {side['consumer_token']}", **headers},
        timeout=30,
    )


class TestTheExchange:
    def test_ends_with_a_store_on_each_side_that_verifies_the_partners_service(self, made, tmp_path):
        for slug, partner in (("meridian-pay", "halden-freight"), ("halden-freight", "meridian-pay")):
            store = tmp_path / f"{slug}.pem"
            store.write_bytes(pull(made, slug).content)
            folders = {name: Path(side["folder"]) for name, side in made["organizations"].items()}

            def verify(leaf: Path, anchors: Path = store) -> int:
                return subprocess.run(
                    ["openssl", "verify", "-CAfile", str(anchors), str(leaf)], capture_output=True, check=False
                ).returncode

            assert verify(folders[partner] / "service-cert.pem") == 0
            assert verify(folders[slug] / "service-cert.pem") != 0

    def test_serves_nothing_new_as_304_and_nothing_to_the_other_sides_token(self, made):
        first = pull(made, "meridian-pay")
        other = made["organizations"]["halden-freight"]["consumer_token"]

        assert pull(made, "meridian-pay", **{"If-None-Match": first.headers["ETag"]}).status_code == 304
        assert pull(made, "meridian-pay", Authorization=f"Bearer {other}").status_code == 404
        assert pull(made, "meridian-pay", Authorization="Bearer txc_unknown").status_code == 401

    def test_leaves_a_log_that_holds(self, portal, made):
        assert "The chain holds" in portal.manage("verify_log")

    def test_is_played_once_and_told_again(self, portal, made):
        again = json.loads(portal.manage("demo", "--json"))

        assert again["organizations"] == made["organizations"]

    def test_tells_scripts_everything_that_they_need(self, made):
        side = made["organizations"]["meridian-pay"]

        answer = requests.get(
            f"{made['base_url']}/api/v1/partnerships",
            headers={"Authorization": f"Bearer {side['api_token']['token']}"},
            timeout=30,
        )

        assert [each["partner"] for each in answer.json()["results"]] == ["Halden Freight"]
        assert {"email", "password", "totp_secret", "role"} <= set(side["members"]["Ana Ribeiro"])
        assert (Path(side["gnupg_home"]) / "pubring.kbx").exists()
        assert (Path(side["folder"]) / "bundle.pem.asc").exists()

    def test_kept_no_private_key(self, portal, made):
        database_file = portal.environment["DATABASE_URL"].removeprefix("sqlite:///")
        if not database_file.startswith("/"):
            pytest.skip("looked for in the SQLite file")
        kept = Path(database_file).read_bytes() + portal.log.read_bytes()

        assert b"PRIVATE KEY" not in kept
