"""A service of Birch takes Alder's certificates while Alder's CA is trusted, and no longer. nginx, agent and portal are real."""

import time
from datetime import timedelta

import pytest
from django.db import transaction
from trustx import cli
from trustx.stops import Exit

from portal.organizations import services as organizations
from tests.client import world
from tests.makers import certificates, openpgp, stores
from tests.makers import consumers as make_consumers
from tests.makers.nginx import Nginx, program
from trust.consumers.models import PullRecord
from trust.stores.models import TrustStore

pytestmark = pytest.mark.real_clock

OLD, NEW = stores.hierarchy("Alder"), stores.hierarchy("Alder Two")


def client_of(tiers: certificates.Hierarchy) -> certificates.Made:
    """Return a client certificate that Alder's service presents."""
    return certificates.leaf(tiers.issuing)


class Machine:
    """One machine of Birch: its nginx, and ``trustx pull`` as its timer calls it."""

    def __init__(self, folder, url: str, token: str, fingerprint: str, capsys) -> None:
        self.pem, self._capsys = folder / "alder-prod.pem", capsys
        (folder / "token").write_text(token)
        common = ["--portal", url, "--store", "alder-prod", "--token-file", str(folder / "token")]
        assert cli.main(["root", *common, "--out", str(folder / "root.json")]) == Exit.OK
        self._options = [*common, "--root", str(folder / "root.json"), "--state-dir", str(folder / "state"),
                         "--output", f"pem={self.pem}", "--partner-fingerprint", fingerprint]  # fmt: skip
        self.nginx = Nginx(folder, self.pem)

    def pull(self, *, reload: str | None = None, probe: bool = True, seconds: str = "60") -> int:
        probing = ["--probe", self.nginx.address, "--probe-timeout", seconds] if probe else []
        hook = self.nginx.reload if reload is None else reload
        return cli.main(["pull", *self._options, "--check", self.nginx.check, "--reload", hook, *probing])

    def first_pull(self) -> None:
        """Bring the file that nginx needs to start."""
        assert cli.main(["pull", *self._options]) == Exit.OK

    def becomes(self, status: int, tiers: certificates.Hierarchy, chain: tuple | None = None) -> bool:
        """Say whether nginx comes to answer Alder's service with this status: its old workers end in their own time."""
        sent = (tiers.issuing, tiers.policy) if chain is None else chain
        for _ in range(200):
            if self.nginx.answers(client_of(tiers), *sent) == status:
                return True
            time.sleep(0.05)
        return False


@pytest.fixture
def signer(cast, now):
    """Alder's key, behind a published store with both of its hierarchies."""
    holder = openpgp.make_holder("Alder")
    with transaction.atomic():
        world.publish(cast, holder, "both", *stores.whole("Alder"), *stores.whole("Alder Two"), now=now)
    return holder


@pytest.fixture
def machine(cast, signer, live_server, tmp_path, capsys):
    program()
    _, token = make_consumers.registered(cast)
    made = Machine(tmp_path, live_server.url, token, signer.fingerprint, capsys)
    made.first_pull()
    with made.nginx.running():
        yield made


def revoke_the_old_root(cast, signer, url: str, folder, now, monkeypatch) -> None:
    """Alder revokes its old root with one command."""
    _, token = organizations.create_api_token(
        name="Desk", scopes=["notices"], lifetime=timedelta(days=1), actor=cast.alder.admin.actor, now=now
    )
    (folder / "old-root.pem").write_bytes(OLD.root.pem)
    monkeypatch.setenv("TRUSTX_TOKEN", token)
    monkeypatch.setenv("GNUPGHOME", str(openpgp.home()))
    code = cli.main(
        [
            "notice",
            "sign",
            "--kind",
            "ca_revocation",
            "--issuer",
            "alder",
            "--partner",
            "birch",
            "--effective",
            "now",
            "--reason",
            "cACompromise",
            "--certificate",
            str(folder / "old-root.pem"),
            "--key",
            signer.fingerprint,
            "--out",
            str(folder / "notice.json"),
            "--send",
            "--portal",
            url,
        ]
    )
    assert code == Exit.OK


@pytest.mark.django_db(transaction=True)
class TestRevocation:
    def test_goes_from_the_partners_gpg_to_the_services_refusal(
        self, cast, signer, machine, live_server, tmp_path, now, monkeypatch
    ):
        assert machine.nginx.answers(None) == 400
        for tiers in (OLD, NEW):
            assert machine.nginx.answers(client_of(tiers), tiers.issuing, tiers.policy) == 200

        revoke_the_old_root(cast, signer, live_server.url, tmp_path, now, monkeypatch)
        assert TrustStore.objects.get().current_number == 2
        assert machine.nginx.answers(client_of(OLD), OLD.issuing, OLD.policy) == 200, "not pulled yet"

        assert machine.pull() == Exit.OK
        assert machine.becomes(400, OLD)
        assert machine.nginx.answers(client_of(NEW), NEW.issuing, NEW.policy) == 200
        record = PullRecord.objects.get()
        assert (record.reported_stage, record.reported_number) == ("loaded", 2)
        assert "names the 1 anchors of v2 and none that left" in record.reported_proof

    def test_of_an_intermediate_alone_is_not_seen_by_a_service_without_crls(self, cast, machine, now):
        """Why docs/pulling-a-store.md asks for ssl_crl: its root is still trusted, and Alder's service brings it along."""
        world.withdraw(cast, [OLD.issuing.sha256], now)

        assert machine.pull() == Exit.OK
        assert machine.becomes(400, OLD, chain=())
        assert machine.nginx.answers(client_of(OLD), OLD.issuing, OLD.policy) == 200


@pytest.mark.django_db(transaction=True)
class TestRollback:
    @pytest.fixture
    def published(self, cast, machine, now):
        world.withdraw(cast, [OLD.root.sha256], now)
        machine.before = machine.pem.read_bytes()

    def unmoved(self, machine) -> bool:
        """Say whether file and service are as they were, and the portal was told."""
        record = PullRecord.objects.get()
        assert (record.reported_stage, record.reported_number) == ("fetched", 2)
        return machine.pem.read_bytes() == machine.before and machine.becomes(200, OLD)

    def test_when_the_reload_fails_after_it_happened(self, machine, published, tmp_path):
        hook = tmp_path / "hook"
        hook.write_text(f"#!/bin/sh\n{machine.nginx.reload}\ntest $(grep -c BEGIN {machine.pem}) = 6\n")
        hook.chmod(0o755)

        assert machine.pull(reload=str(hook), probe=False) == Exit.RELOAD_FAILED
        assert self.unmoved(machine)

    def test_when_the_hook_says_yes_and_the_service_did_nothing(self, machine, published):
        assert machine.pull(reload="true", seconds="0.5") == Exit.RELOAD_FAILED
        assert self.unmoved(machine)

    def test_when_nginx_itself_would_not_start_with_the_new_store(self, cast, machine, published, now):
        """A store that was withdrawn as a whole is an empty file, which nginx refuses: somebody has to switch it off."""
        world.withdraw(cast, [each.sha256 for each in NEW.cas], now, empty=True)

        assert machine.pull() == Exit.CHECK_FAILED
        assert machine.pem.read_bytes() == machine.before
        assert PullRecord.objects.get().reported_proof.startswith("verified, but the check refused it")


@pytest.mark.django_db(transaction=True)
class TestProbe:
    def settings(self, machine, tmp_path, **options):
        return ["pull", *machine._options, "--reload", machine.nginx.reload, "--probe", machine.nginx.address,
                *[part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]]  # fmt: skip

    def test_with_a_client_certificate_shows_that_a_chain_is_taken(self, cast, machine, now, tmp_path):
        chained = client_of(NEW)
        (tmp_path / "probe.pem").write_bytes(chained.pem + NEW.issuing.pem + NEW.policy.pem)
        (tmp_path / "probe.key").write_bytes(chained.key_pem())
        world.withdraw(cast, [OLD.root.sha256], now)
        options = {
            "probe_shows": "client", "probe_certificate": tmp_path / "probe.pem", "probe_key": tmp_path / "probe.key",
        }  # fmt: skip

        assert cli.main(self.settings(machine, tmp_path, **options)) == Exit.OK
        assert "took a client certificate under v2 and answered 200" in PullRecord.objects.get().reported_proof

    def test_with_a_certificate_that_is_not_taken_brings_the_old_store_back(self, cast, machine, now, tmp_path):
        stranger = stores.hierarchy("Mallory")
        (tmp_path / "probe.pem").write_bytes(client_of(stranger).pem + stranger.issuing.pem)
        (tmp_path / "probe.key").write_bytes(client_of(stranger).key_pem())
        before = machine.pem.read_bytes()
        world.withdraw(cast, [OLD.root.sha256], now)
        options = {
            "probe_shows": "client", "probe_certificate": tmp_path / "probe.pem", "probe_key": tmp_path / "probe.key",
            "probe_timeout": 0.2,
        }  # fmt: skip

        assert cli.main(self.settings(machine, tmp_path, **options)) == Exit.RELOAD_FAILED
        assert machine.pem.read_bytes() == before
        assert machine.becomes(200, OLD)

    def test_of_an_address_where_nobody_answers_fails(self, cast, machine, now, tmp_path):
        world.withdraw(cast, [OLD.root.sha256], now)
        before = machine.pem.read_bytes()

        code = cli.main(self.settings(machine, tmp_path, probe="https://127.0.0.1:1", probe_timeout=0.2))

        assert code == Exit.RELOAD_FAILED
        assert machine.pem.read_bytes() == before
