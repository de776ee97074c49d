"""A second TUF client, by other people in another language: tuf-js, with which npm and sigstore update their roots.

It is installed outside of the repository, and ``TUF_JS`` says where: ``npm ci`` in a copy of ``tests/client/tuf_js``, whose lock
pins versions and hashes. CI does that. tuf-js has no option for a header; the token goes in through the fetcher that it lets its
callers bring (``update.cjs``). Everything else is its own.
"""

import base64
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import transaction

from tests.client import world
from tests.makers import consumers as make_consumers
from tests.makers import openpgp
from tests.makers import stores as make
from trust.consumers import services as consumer_services
from trust.stores.models import Artifact, TrustStore
from trust.stores.tuf import services as tuf
from trust.stores.tuf.models import TufMetadata
from trust.submissions.models import Submission

SCRIPT = Path(__file__).parent / "tuf_js" / "update.cjs"
INSTALLED = os.environ.get("TUF_JS", "")
pytestmark = [
    pytest.mark.skipif(
        not INSTALLED or shutil.which("node") is None,
        reason="TUF_JS names no folder with tuf-js, or there is no node: the second TUF client is NOT tried",
    )
]


class Reader:
    """tuf-js with a memory of its own."""

    def __init__(self, folder: Path, address: str, token: str, root: bytes) -> None:
        folder.mkdir()
        (folder / "root.json").write_bytes(root)
        self.folder, self.token, self._address = folder, token, address

    def update(self, *want: str) -> dict:
        """Return what it says: the targets that it found by path, or an error."""
        base = f"{self._address}{world.BASE}/tuf"
        asked = {"folder": str(self.folder), "metadata": f"{base}/metadata", "targets": f"{base}/targets",
                 "token": self.token, "want": want}  # fmt: skip
        done = subprocess.run(
            ["node", str(SCRIPT), json.dumps(asked)],
            capture_output=True, timeout=60, check=False, env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )  # fmt: skip
        assert done.stdout, done.stderr.decode()
        return json.loads(done.stdout.splitlines()[-1])

    def pem(self) -> bytes:
        """Return the store as it verified it."""
        said = self.update("alder-prod.pem")
        assert "found" in said, said
        return base64.b64decode(said["found"]["alder-prod.pem"]["base64"])


@pytest.mark.django_db(transaction=True)
class TestTheServedRepository:
    @pytest.fixture
    def reader(self, cast, now, live_server, tmp_path):
        with transaction.atomic():
            world.publish(cast, openpgp.make_holder("Alder"), "first", *make.whole(), now=now)
        self.consumer, token = make_consumers.registered(cast)
        root = bytes(TufMetadata.objects.get(role="root").content)
        return Reader(tmp_path / "tuf", live_server.url, token, root)

    def test_is_read_with_its_originals_and_followed_through_a_rotation(self, cast, now, reader):
        digest = Submission.objects.get().content_sha256
        original, signature = f"originals/{digest}", f"originals/{digest}.sig"

        said = reader.update("alder-prod.pem", "alder-prod.json", original, signature)

        found = {name: base64.b64decode(each["base64"]) for name, each in said["found"].items()}
        for artifact in Artifact.objects.filter(format__in=("pem", "json")):
            assert found[f"alder-prod.{artifact.format}"] == bytes(artifact.content)
        submission = Submission.objects.get()
        assert (found[original], found[signature]) == (bytes(submission.content), bytes(submission.signature))
        assert said["found"]["alder-prod.pem"]["custom"]["version"] == 1

        tuf.replace_online_keys(store=TrustStore.objects.get(), now=now)
        world.withdraw(cast, [make.hierarchy().issuing.sha256], now)
        assert make.hierarchy().issuing.pem not in reader.pem()

    def test_is_closed_without_a_token_and_after_its_revocation(self, cast, now, reader):
        token, reader.token = reader.token, ""
        assert reader.update("alder-prod.pem")["said"] == "answered 401"
        reader.token = token
        assert reader.pem()
        consumer_services.revoke_token(
            consumer=self.consumer, token_id=self.consumer.tokens.get().pk, actor=cast.birch.admin.actor, now=now
        )

        assert reader.update("alder-prod.pem")["said"] == "answered 401"


@pytest.mark.django_db
class TestAttacks:
    """What trustx must survive, another client must see as well: then it lies in the repository and not in our reading."""

    @pytest.fixture
    def reader(self, portal, made, tmp_path):
        return Reader(tmp_path / "tuf", portal.address, world.TOKEN, made.root)

    def test_rollback_is_refused(self, reader, portal, made):
        portal.files = dict(made.states["v2"])
        new = reader.pem()
        portal.files = dict(made.states["v1"])

        assert reader.update("alder-prod.pem").get("error")
        portal.files = dict(made.states["v2"])
        assert reader.pem() == new

    def test_mix_and_match_is_refused(self, reader, portal, made):
        portal.files = dict(made.states["v2"])
        metadata = f"{world.BASE}/tuf/metadata"
        portal.files[f"{metadata}/2.targets.json"] = made.states["v1"][f"{metadata}/1.targets.json"]

        assert reader.update("alder-prod.pem").get("error")

    def test_other_bytes_are_refused(self, reader, portal, made):
        for path in portal.files:
            if path.endswith(".alder-prod.pem"):
                portal.files[path] = made.states["other signer"][f"{world.BASE}/current.pem"]

        assert reader.update("alder-prod.pem").get("error")

    def test_freeze_is_noticed(self, reader, portal, made):
        """Its clock is the machine's, so the portal signs in the past instead."""
        with time_machine.travel(datetime.now(UTC) - timedelta(hours=25)):
            old = world.build()
        frozen = Reader(reader.folder.with_name("frozen"), portal.address, world.TOKEN, old.root)
        portal.files = dict(old.states["v1"])

        assert frozen.update("alder-prod.pem")["error"] == "ExpiredMetadataError"
