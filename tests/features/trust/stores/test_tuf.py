"""Each store as a TUF repository: what is signed, with which keys, and who may fetch it. Read with python-tuf's own client."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from portal.audit.models import Event
from portal.operations import queries as operations
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.consumers.models import PullRecord
from trust.stores import formats
from trust.stores import services as stores
from trust.stores.models import Artifact
from trust.stores.serve import pulls
from trust.stores.tuf import queries, roots, rules, services
from trust.stores.tuf.models import TufMetadata, TufRepository

BASE = "/api/v1/trust-stores/alder-prod/tuf/"
TIMESTAMP = f"{BASE}metadata/timestamp.json"


class ThroughDjango(FetcherInterface):
    """python-tuf's way to the network, replaced by the test client and a consumer's token."""

    def __init__(self, client, token):
        self.client, self.token = client, token

    def _fetch(self, url):
        answer = self.client.get(url.removeprefix("http://portal"), headers={"Authorization": f"Bearer {self.token}"})
        if answer.status_code != 200:
            raise DownloadHTTPError(f"{answer.status_code}", answer.status_code)
        return iter([answer.content])


@pytest.fixture
def agent(cast, client, tmp_path):
    """An ngclient that starts from root 1 and keeps its state between updates."""
    make.published(cast)
    token = make_consumers.registered(cast)[1]
    first = bytes(TufMetadata.objects.get(role="root", version=1).content)

    def update() -> Updater:
        return agent_of(client, token, first, tmp_path)

    update.token = token  # type: ignore[attr-defined]
    return update


def agent_of(client, token: str, first: bytes, folder: Path) -> Updater:
    """Return an ngclient that pinned a root, after an update."""
    (folder / "targets").mkdir(exist_ok=True)
    updater = Updater(
        metadata_dir=str(folder),
        metadata_base_url=f"http://portal{BASE}metadata/",
        target_dir=str(folder / "targets"),
        target_base_url=f"http://portal{BASE}targets/",
        fetcher=ThroughDjango(client, token),
        bootstrap=first,
    )
    updater.refresh()
    return updater


def fetched(updater: Updater, path: str) -> bytes:
    target = updater.get_targetinfo(path)
    assert target is not None
    with open(updater.download_target(target), "rb") as file:
        return file.read()


def withdraw_issuing(cast, now):
    return stores.withdraw_certificates(
        store=make_consumers.store_of(cast),
        certificates=[make.hierarchy().issuing.sha256],
        actor=cast.birch.officer.actor,
        now=now,
        reason="Compromised.",
    )


class TestRepository:
    def test_is_read_by_the_reference_client_with_a_token(self, agent):
        updater = agent()

        for extension in ("pem", "json"):
            assert fetched(updater, f"alder-prod.{extension}") == bytes(Artifact.objects.get(format=extension).content)

    def test_says_of_each_file_what_its_format_cannot_carry(self, agent):
        targets = agent()._trusted_set.targets.targets

        said = {each.custom["format"]: each.custom["loses"] for each in targets.values() if "format" in each.custom}

        assert said == {form.extension: list(form.loses) for form in formats.FORMATS if form.extension in said}
        assert {"constraints", "purpose"} <= set(said["pem"])
        assert said["json"] == []

    def test_offers_what_the_partner_signed(self, agent):
        updater = agent()
        store = updater._trusted_set.targets.unrecognized_fields["x-trust-store"]
        entry = store["certificates"][0]

        original = fetched(updater, f"originals/{entry['submission_sha256']}")

        assert make.hierarchy().root.pem in original
        assert fetched(updater, f"originals/{entry['submission_sha256']}.sig") == b"signature"
        assert entry["signer_fingerprint"] == make.SIGNER
        assert entry["verification"]

    def test_follows_the_next_version(self, cast, now, agent):
        agent()
        withdraw_issuing(cast, now)

        updater = agent()

        assert updater._trusted_set.targets.unrecognized_fields["x-trust-store"]["version"] == 2
        assert make.hierarchy().issuing.der not in fetched(updater, "alder-prod.pem")

    def test_hands_over_from_root_to_root(self, cast, now, agent):
        agent()
        services.renew_root(store=make_consumers.store_of(cast), now=now)
        services.replace_online_keys(store=make_consumers.store_of(cast), now=now)

        updater = agent()

        assert updater._trusted_set.root.version == 3
        assert fetched(updater, "alder-prod.pem")

    def test_has_keys_of_its_own_for_each_store_and_role(self, cast, agent):
        root = Metadata[Root].from_bytes(bytes(TufMetadata.objects.get(role="root").content)).signed
        keys = [root.roles[role].keyids[0] for role in ("root", *rules.ONLINE_ROLES)]

        assert len(set(keys)) == 4
        assert "PRIVATE" not in TufRepository.objects.get().sealed_keys

    @pytest.mark.parametrize(
        "path",
        [
            "metadata/root.json",
            "metadata/2.root.json",
            "metadata/0.root.json",
            "metadata/9999999999.targets.json",
            "metadata/..%2F1.root.json",
            "targets/alder-prod.pem",
            f"targets/{'0' * 64}.alder-prod.pem",
            f"targets/originals/{'0' * 64}.{'0' * 64}",
            "targets/../metadata/1.root.json",
        ],
    )
    def test_has_nothing_else(self, client, agent, path):
        answer = client.get(BASE + path, headers={"Authorization": f"Bearer {agent.token}"})

        assert answer.status_code == 404

    def test_is_closed_to_strangers(self, cast, client, agent):
        make.empty_store(cast)
        other = make_consumers.registered(cast, "other", store="other-prod")[1]

        assert client.get(TIMESTAMP).status_code == 401
        assert client.get(TIMESTAMP, headers={"Authorization": f"Bearer {other}"}).status_code == 404
        assert cast.alder.officer.client().get(TIMESTAMP).status_code == 404
        assert cast.cedar.officer.client().get(TIMESTAMP).status_code == 404
        assert cast.birch.viewer.client().get(TIMESTAMP).status_code == 200

    def test_is_as_old_as_its_publication_when_that_fails(self, cast, now, agent, monkeypatch):
        from trust.stores import publishing

        before = TufMetadata.objects.count()
        monkeypatch.setattr(publishing, "_tell", lambda *_, **__: 1 / 0)

        with pytest.raises(ZeroDivisionError):
            withdraw_issuing(cast, now)

        assert TufMetadata.objects.count() == before

    def test_knows_who_asks_though_nothing_is_new_and_what_was_taken(self, agent):
        fetched(agent(), "alder-prod.pem")
        pulls.recorder.flush()
        long_ago = timezone.now() - timedelta(days=3)
        PullRecord.objects.update(pulled_at=long_ago)

        agent()  # asks, and has everything
        pulls.recorder.flush()

        record = PullRecord.objects.get()
        assert (record.version_number, record.pull_count) == (1, 2)
        assert record.pulled_at > long_ago + timedelta(days=2)

    @pytest.mark.parametrize("accept", ["application/json", "application/octet-stream", "image/png", "*/*"])
    def test_answers_whatever_the_client_accepts(self, client, agent, accept):
        headers = {"Authorization": f"Bearer {agent.token}", "Accept": accept}
        listed = json.loads(bytes(TufMetadata.objects.get(role="targets", version=1).content))["signed"]["targets"]
        path = "alder-prod.pem"
        name = f"{listed[path]['hashes']['sha256']}.{path}"

        assert client.get(TIMESTAMP, headers=headers).status_code == 200
        assert client.get(f"{BASE}targets/{name}", headers=headers).status_code == 200
        assert client.get(f"{BASE}metadata/7.root.json", headers=headers).status_code == 404

    def test_answers_304_to_who_has_the_timestamp(self, client, agent):
        headers = {"Authorization": f"Bearer {agent.token}"}
        tag = client.get(TIMESTAMP, headers=headers)["ETag"]

        assert client.get(TIMESTAMP, headers={**headers, "If-None-Match": tag}).status_code == 304


class TestSigningAgain:
    def refreshed(self, now):
        return [services.refresh(repository_id=each, now=now) for each in queries.due(now)]

    def test_renews_the_timestamp_every_hour_and_nothing_else(self, agent, now):
        assert self.refreshed(now + timedelta(minutes=50)) == []
        assert self.refreshed(now + timedelta(minutes=70)) == [True]

        repository = TufRepository.objects.get()
        assert (repository.timestamp_version, repository.snapshot_version, repository.targets_version) == (2, 1, 1)
        assert TufMetadata.objects.filter(role="timestamp").count() == 1
        agent()

    def test_renews_the_rest_at_half_of_its_life(self, agent, now):
        self.refreshed(now + timedelta(days=46))

        repository = TufRepository.objects.get()
        assert (repository.snapshot_version, repository.targets_version) == (2, 2)
        first, second = (
            Metadata[Targets].from_bytes(bytes(row.content)).signed
            for row in TufMetadata.objects.filter(role="targets").order_by("version")
        )
        assert second.targets == first.targets
        agent()

    def test_renews_a_root_whose_keys_are_here(self, agent, now):
        self.refreshed(now + timedelta(days=200))

        assert TufRepository.objects.get().root_version == 2
        agent()

    def test_alarms_once_when_a_root_has_a_third_of_its_life_left(self, agent, now, settings):
        settings.EMBEDDED = False
        for days in (240, 245, 250):
            self.refreshed(now + timedelta(days=days))

        assert Event.objects.filter(kind="store.root_expires_soon").count() == 1

    def test_makes_the_portal_not_ready_when_nobody_signs(self, agent, now):
        def signed(at):
            return next(check for check in operations.readiness(at) if check.name == "signed stores")

        assert signed(now + timedelta(hours=15)).passed
        late = signed(now + timedelta(hours=17))
        assert (late.passed, "timestamp" in late.said) == (False, True)


class TestOfflineRoot:
    """Two of three keys, on another machine."""

    @pytest.fixture
    def keys(self, cast, settings, tmp_path):
        settings.EMBEDDED = False
        make.published(cast)
        call_command("tuf_root", "init", "--out", str(tmp_path / "usb"), verbosity=0)
        return tmp_path / "usb"

    def exported(self, folder):
        call_command("tuf_root", "export", "--out", str(folder))
        (file,) = folder.glob("*.root.json")
        return file

    def test_is_in_force_once_two_different_keys_signed(self, keys, client, cast, tmp_path):
        token = make_consumers.registered(cast)[1]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get(TIMESTAMP, headers=headers).json()["code"] == "root_not_signed"
        call_command("tuf_root", "use", str(keys / "root-keys.json"))
        file = self.exported(tmp_path / "roots")

        for _ in range(2):  # one key twice is one key
            call_command("tuf_root", "sign", str(file), "--key", str(keys / "root-1.pem"))
            call_command("tuf_root", "import", str(file))
        assert client.get(TIMESTAMP, headers=headers).status_code == 404
        call_command("tuf_root", "sign", str(file), "--key", str(keys / "root-3.pem"))
        call_command("tuf_root", "import", str(file))

        assert client.get(TIMESTAMP, headers=headers).status_code == 200
        assert {path.stat().st_mode & 0o777 for path in keys.glob("*.pem")} == {0o600}

    def test_needs_the_old_keys_and_the_new_to_rotate(self, keys, tmp_path):
        call_command("tuf_root", "use", str(keys / "root-keys.json"))
        file = self.exported(tmp_path / "roots")
        for number in (1, 2):
            call_command("tuf_root", "sign", str(file), "--key", str(keys / f"root-{number}.pem"))
        call_command("tuf_root", "import", str(file))
        new = tmp_path / "new"
        call_command("tuf_root", "init", "--out", str(new), "--keys", "1", "--threshold", "1")
        call_command("tuf_root", "use", str(new / "root-keys.json"))

        second = self.exported(tmp_path / "second")
        call_command("tuf_root", "sign", str(second), "--key", str(new / "root-1.pem"))
        call_command("tuf_root", "import", str(second))
        assert TufRepository.objects.get().root_version == 1
        for number in (1, 2):
            call_command("tuf_root", "sign", str(second), "--key", str(keys / f"root-{number}.pem"))
        call_command("tuf_root", "import", str(second))

        assert TufRepository.objects.get().root_version == 2

    def test_is_followed_over_several_roots_with_other_keys_and_thresholds(self, keys, cast, client, tmp_path):
        """The agent pinned root 1 and slept through two: 2 of 3 keys, then 1 of 1, then 2 of 2, all of them others."""
        folders = [keys]
        for count in (1, 2):
            folders.append(tmp_path / f"usb-{count}")
            call_command("tuf_root", "init", "--out", str(folders[-1]), "--keys", str(count), "--threshold", str(count))
        for number, folder in enumerate(folders):
            call_command("tuf_root", "use", str(folder / "root-keys.json"))
            file = self.exported(tmp_path / f"roots-{number}")
            for key in [
                each for one in folders[max(0, number - 1) : number + 1] for each in sorted(one.glob("root-*.pem"))
            ]:
                call_command("tuf_root", "sign", str(file), "--key", str(key))
            call_command("tuf_root", "import", str(file))
        first = TufMetadata.objects.get(role="root", version=1)

        updated = agent_of(client, make_consumers.registered(cast)[1], bytes(first.content), tmp_path)

        root = updated._trusted_set.root
        assert (root.version, root.roles["root"].threshold, len(root.roles["root"].keyids)) == (3, 2, 2)
        assert fetched(updated, "alder-prod.pem")

    def test_is_not_taken_when_it_is_another_root(self, keys, tmp_path):
        call_command("tuf_root", "use", str(keys / "root-keys.json"))
        file = self.exported(tmp_path / "roots")
        root = json.loads(file.read_bytes())
        root["signed"]["expires"] = "2099-01-01T00:00:00Z"
        file.write_text(json.dumps(root))

        with pytest.raises(CommandError, match="not the root 1"):
            call_command("tuf_root", "import", str(file))

    def test_never_writes_over_a_key(self, keys):
        before = (keys / "root-1.pem").read_bytes()

        with pytest.raises(CommandError, match="exists already"):
            call_command("tuf_root", "init", "--out", str(keys))

        assert (keys / "root-1.pem").read_bytes() == before

    def test_waits_without_holding_up_a_publication(self, keys, cast, now):
        assert withdraw_issuing(cast, now).number == 2
        assert queries.unsigned_roots() == ["alder-prod"]
        assert roots.waiting() == []
        assert next(check for check in operations.readiness(timezone.now()) if check.name == "signed stores").passed
