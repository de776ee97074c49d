"""``trustx`` against the portal itself, over a real socket, with a consumer's token."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from trustx import cli, update, watching
from trustx.commands import stores
from trustx.settings import load
from trustx.stops import Exit

from tests.client import world
from tests.makers import consumers as make_consumers
from tests.makers import openpgp
from tests.makers import stores as make
from trust.consumers import services as consumer_services
from trust.consumers.models import PullRecord
from trust.stores.models import Artifact, TrustStore
from trust.stores.serve import pulls
from trust.stores.tuf import services as tuf
from trust.stores.tuf.models import TufMetadata


class Machine:
    """Calls ``trustx`` with what its machine was set up with."""

    def __init__(self, folder, url, consumer, fingerprint, capsys) -> None:
        self.consumer, self.pem, self._capsys = consumer, folder / "alder.pem", capsys
        self._common = ["--portal", url, "--store", "alder-prod", "--token-file", str(folder / "token")]
        self.options = [
            "--root", str(folder / "root.json"), "--state-dir", str(folder / "state"),
            "--output", f"pem={self.pem}", "--partner-fingerprint", fingerprint,
        ]  # fmt: skip

    def __call__(self, command: str, *options: str) -> tuple[int, dict]:
        code = cli.main([command, *self._common, *options])
        lines = self._capsys.readouterr().out.splitlines()
        return code, json.loads(lines[-1]) if lines else {}


@pytest.fixture
def machine(cast, now, live_server, tmp_path, capsys):
    """A consumer of Birch with its token in a file, and ``trustx`` as it calls it."""
    holder = openpgp.make_holder("Alder")
    with transaction.atomic():
        world.publish(cast, holder, "first", *make.whole(), now=now)
    consumer, token = make_consumers.registered(cast)
    (tmp_path / "token").write_text(token)

    return Machine(tmp_path, live_server.url, consumer, holder.fingerprint, capsys)


@pytest.mark.django_db(transaction=True)
class TestThePortal:
    def test_gives_the_root_then_the_store_then_the_next_version_after_a_rotation(self, cast, now, machine, tmp_path):
        first = bytes(TufMetadata.objects.get(role="root").content)
        digest = hashlib.sha256(first).hexdigest()
        assert machine("root", "--out", str(tmp_path / "root.json"), "--sha256", "0" * 64)[0] == Exit.REFUSED
        assert machine("root", "--out", str(tmp_path / "root.json"), "--sha256", digest)[0] == Exit.OK

        code, said = machine("pull", *machine.options, "--reload", "true")
        assert (code, said["version"], said["end_to_end"]) == (Exit.OK, 1, True)
        assert machine.pem.read_bytes() == bytes(Artifact.objects.get(format="pem").content)

        tuf.replace_online_keys(store=TrustStore.objects.get(), now=now)
        world.withdraw(cast, [make.hierarchy().issuing.sha256], now)
        code, said = machine("pull", *machine.options, "--reload", "true")
        assert (code, said["version"], said["outcome"]) == (Exit.OK, 2, "loaded")
        assert make.hierarchy().issuing.pem not in machine.pem.read_bytes()
        record = PullRecord.objects.get()
        assert (record.reported_stage, record.reported_number, record.runs) == ("loaded", 2, 2)

    def test_knows_that_an_agent_on_a_timer_is_there_and_runs_what_it_took(self, cast, now, machine, tmp_path):
        """Such an agent asks the signed metadata alone, and reports only what is new."""
        machine("root", "--out", str(tmp_path / "root.json"))
        long_ago = timezone.now() - timedelta(days=3)

        def pull() -> PullRecord:
            assert machine("pull", *machine.options, "--no-report")[0] == Exit.OK
            pulls.recorder.flush()
            return PullRecord.objects.get()

        first = pull()
        assert (first.runs, first.pull_count) == (1, 1)
        PullRecord.objects.update(pulled_at=long_ago)
        again = pull()
        assert (again.runs, again.pull_count) == (1, 2)
        assert again.pulled_at > long_ago + timedelta(days=2)
        world.withdraw(cast, [make.hierarchy().issuing.sha256], now)
        assert pull().runs == 2

    def test_ends_with_no_access_once_the_token_is_revoked(self, cast, now, machine, tmp_path):
        machine("root", "--out", str(tmp_path / "root.json"))
        assert machine("pull", *machine.options)[0] == Exit.OK
        before = machine.pem.read_bytes()
        held = machine.consumer.tokens.get()
        consumer_services.revoke_token(
            consumer=machine.consumer, token_id=held.pk, actor=cast.birch.admin.actor, now=now
        )

        assert machine("pull", *machine.options)[0] == Exit.NO_ACCESS
        assert machine.pem.read_bytes() == before


@pytest.mark.django_db
class TestWatch:
    def settings(self, agent, **more):
        return load(
            None,
            {
                "portal": agent.portal.address, "store": world.STORE, "token_file": agent.folder / "token",
                "root": agent.folder / "root.json", "state_dir": agent.state, "outputs": {"pem": agent.pem}, **more,
            },
        )  # fmt: skip

    def test_costs_one_304_while_nothing_is_new(self, agent):
        agent.pull()
        agent.portal.asked.clear()

        assert watching.is_unchanged(self.settings(agent))
        assert agent.portal.asked == [(f"{world.BASE}/current.pem", 304)]

    @pytest.mark.parametrize("what", ["new version", "changed file", "no file", "killed", "never pulled"])
    def test_looks_closer_when_anything_is_not_as_it_was(self, agent, made, what):
        if what != "never pulled":
            agent.pull()
        match what:
            case "new version":
                agent.serve(made.states["v2"])
            case "changed file":
                agent.pem.write_bytes(b"tampered")
            case "no file":
                agent.pem.unlink()
            case "killed":
                (agent.state / "journal.json").write_text("{}")

        assert not watching.is_unchanged(self.settings(agent))

    @pytest.mark.parametrize(
        ("said", "asks"), [(300, 300), (60, 60), (1, 10), (10**9, 3600), ("often", 300), (None, 300)]
    )
    def test_asks_as_often_as_the_portal_signed_within_reason(self, agent, made, said, asks):
        assert watching.interval(self.settings(agent)) == 300  # before the first pull
        agent.pull()
        memory = json.loads((agent.state / "state.json").read_text())
        assert memory["refresh_hint"] == 300

        (agent.state / "state.json").write_text(json.dumps(memory | {"refresh_hint": update._hint(said)}))

        assert watching.interval(self.settings(agent)) == asks
        assert watching.interval(self.settings(agent, interval=7.0)) == 7

    def test_pulls_a_new_version_and_ends_when_told(self, agent, made):
        ended, runs = watching.Ending(), []
        settings = self.settings(agent, interval=0.02)

        def run() -> bool:
            runs.append(agent.pull())
            if len(runs) == 1:
                agent.serve(made.states["v2"])
            else:
                ended.set()
            return True

        watching.watch(settings, run, ended)

        assert runs == [Exit.OK, Exit.OK]
        assert agent.pem.read_bytes() == made.states["v2"][f"{world.BASE}/current.pem"]

    def test_asks_at_once_after_a_run_where_the_portal_may_hold_the_question_back(self, agent, made):
        """What is published while it runs is news right after; a doubt that stays does not make it run every second."""

        class Impatient(watching.Ending):
            pauses: list[float] = []

            def wait(self, timeout=None):
                self.pauses.append(timeout)
                if len(self.pauses) == 3:
                    self.set()
                return self.is_set()

        runs = []

        def run() -> bool:
            runs.append(agent.pull())
            agent.serve(made.states["v2"])
            return True

        watching.watch(self.settings(agent, interval=1000.0, wait=1), run, Impatient())

        assert runs == [Exit.OK, Exit.OK]
        assert [each < 2 for each in Impatient.pauses] == [True, False, False]

    def test_waits_unless_told_otherwise(self, agent):
        for options, seconds in (([], watching.WAIT), (["--wait", "0"], 0)):
            asked = cli.parser().parse_args(agent.arguments("watch", *options))
            assert stores.settings_of(asked).wait == seconds
        assert stores.settings_of(cli.parser().parse_args(agent.arguments("pull"))).wait == 0

    def test_goes_on_when_the_status_cannot_be_written(self, agent):
        """A disk that is full for a minute must not end the agent."""
        lost = agent.folder / "gone" / "status.json"

        assert agent.pull("--status-file", str(lost)) == Exit.NOT_WRITTEN
        assert (agent.said["said"], agent.said["fix"]) == (
            f"{lost} cannot be written: there is no folder {lost.parent}.",
            f"mkdir -p {lost.parent}",
        )
        assert agent.pem.exists()
        agent.portal.token = "another"
        assert agent.pull("--status-file", str(lost)) == Exit.NO_ACCESS

    def test_ends_at_once_while_the_portal_holds_its_question_back(self, agent):
        """A pod that is stopped has 30 seconds, and a question may be held back for longer."""
        agent.pull()
        agent.portal.holding = "current.pem"
        command = [sys.executable, "-m", "trustx", *agent.arguments("watch", "--wait", "300", "--interval", "0.1")]
        environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parent.parent)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as watching_one:
            assert agent.portal.held.wait(60)
            watching_one.send_signal(signal.SIGTERM)

            assert watching_one.wait(60) == Exit.OK
            assert not agent.portal.let_go.is_set()
