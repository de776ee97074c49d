"""A pull: what lies on disk afterwards, what the exit code says, and that nothing is worse than before."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from trustx.stops import Exit

from tests.client.world import BASE, STORE

CURRENT = f"{BASE}/current.pem"
# The repositories come from a database that pytest-django makes only for tests that say so.
pytestmark = pytest.mark.django_db


class TestPull:
    def test_writes_what_was_published(self, agent, made):
        assert agent.pull(*agent.pinned) == Exit.OK

        assert agent.pem.read_bytes() == made.states["v1"][CURRENT]
        assert (agent.said["version"], agent.said["outcome"], agent.said["end_to_end"]) == (1, "written", True)

    def test_takes_the_next_version(self, agent, made):
        agent.pull(*agent.pinned)
        agent.serve(made.states["v2"])

        assert agent.pull(*agent.pinned) == Exit.OK
        assert agent.pem.read_bytes() == made.states["v2"][CURRENT]
        assert agent.said["version"] == 2

    def test_leaves_the_file_alone_while_nothing_changed(self, agent):
        agent.pull()
        before = agent.pem.stat()

        assert agent.pull() == Exit.OK
        assert agent.said["outcome"] == "current"
        assert (agent.pem.stat().st_ino, agent.pem.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_puts_back_what_somebody_changed_on_disk(self, agent, made):
        agent.pull()
        agent.pem.write_bytes(b"tampered")

        assert agent.pull() == Exit.OK
        assert agent.pem.read_bytes() == made.states["v1"][CURRENT]

    def test_keeps_mode_and_owner(self, agent):
        agent.pem.write_text("old")
        agent.pem.chmod(0o640)

        agent.pull()

        found = agent.pem.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o640, os.getuid())
        assert sorted(each.name for each in agent.pem.parent.iterdir()) == ["alder.pem"]

    def test_covers_a_clearsigned_submission(self, agent, made):
        agent.serve(made.states["clearsigned"])
        (agent.folder / "root.json").write_bytes(made.states["clearsigned"][f"{BASE}/tuf/metadata/1.root.json"])

        assert agent.pull(*agent.pinned) == Exit.OK

    def test_uses_the_partners_key_from_a_file(self, agent, made):
        (agent.folder / "alder.asc").write_bytes(made.holder.public_block())
        for path in [path for path in agent.portal.files if "/keys/" in path]:
            del agent.portal.files[path]

        assert agent.pull(*agent.pinned, "--partner-keys", str(agent.folder / "alder.asc")) == Exit.OK

    def test_empties_the_store_when_it_was_withdrawn_on_purpose(self, agent, made):
        agent.pull(*agent.pinned)
        agent.serve(made.states["withdrawn"])

        assert agent.pull(*agent.pinned) == Exit.OK
        assert agent.said["withdrawn"] is True
        assert b"BEGIN" not in agent.pem.read_bytes()

    @pytest.mark.parametrize("way", ["files", "directory"])
    def test_takes_away_a_format_that_cannot_say_that_the_store_was_withdrawn(self, agent, made, way):
        bundle = agent.folder / "etc" / "bundle.json"
        folder = agent.folder / "stores"
        where = {
            "files": ["--output", f"pem={agent.pem}", "--output", f"clustertrustbundle.json={bundle}"],
            "directory": ["--directory", str(folder), "--formats", "pem,clustertrustbundle.json"],
        }[way]
        paths = {"files": (agent.pem, bundle)}.get(
            way, (folder / f"{STORE}.pem", folder / f"{STORE}.clustertrustbundle.json")
        )
        assert agent.pull(*where, output=False) == Exit.OK
        assert all(path.exists() for path in paths)
        agent.serve(made.states["withdrawn"])

        # A hook that fails brings both back, and the next run takes both.
        assert agent.pull(*where, "--reload", "false", output=False) == Exit.RELOAD_FAILED
        assert all(b"BEGIN" in path.read_bytes() for path in paths)

        for outcome in ("written", "current"):
            assert agent.pull(*where, output=False) == Exit.OK
            assert (agent.said["outcome"], agent.said["withdrawn"]) == (outcome, True)
            assert str(paths[1]) in agent.said["said"]
        assert b"BEGIN" not in paths[0].read_bytes()
        assert not paths[1].exists()
        assert agent.run("verify", *where, output=False) == Exit.OK

    def test_does_not_take_away_what_somebody_put_in_the_place_of_a_file(self, agent, made):
        """A file that cannot be taken away still trusts somebody, so the run says so and puts the rest back."""
        bundle, elsewhere = agent.folder / "etc" / "bundle.json", agent.folder / "elsewhere.json"
        where = ["--output", f"pem={agent.pem}", "--output", f"clustertrustbundle.json={bundle}"]
        assert agent.pull(*where, output=False) == Exit.OK
        bundle.rename(elsewhere)
        bundle.symlink_to(elsewhere)
        agent.serve(made.states["withdrawn"])

        assert agent.pull(*where, output=False) == Exit.NOT_WRITTEN
        assert str(bundle) in agent.said["said"]
        assert all(b"BEGIN" in path.read_bytes() for path in (agent.pem, elsewhere))

    def test_swaps_several_formats_at_once(self, agent, made):
        link = agent.folder / "etc" / "trust"
        options = ("--directory", str(link), "--formats", "pem,json", *agent.pinned)
        agent.pull(*options, output=False)
        first = os.readlink(link)
        agent.serve(made.states["v2"])

        assert agent.pull(*options, output=False) == Exit.OK
        assert os.readlink(link) != first
        for extension in ("pem", "json"):
            assert (link / f"alder-prod.{extension}").read_bytes() == made.states["v2"][f"{BASE}/current.{extension}"]

    def test_keeps_mode_and_owner_of_a_directory_and_its_files(self, agent, made):
        link = agent.folder / "etc" / "trust"
        where = ("--directory", str(link), "--formats", "pem,json")
        agent.pull(*where, output=False)
        link.chmod(0o750)
        (link / "alder-prod.pem").chmod(0o640)
        if os.getuid() == 0:
            os.chown(link, 0, 12345)
            os.chown(link / "alder-prod.pem", 54321, 12345)
        before = [path.stat() for path in (link, link / "alder-prod.pem", link / "alder-prod.json")]
        agent.serve(made.states["v2"])

        assert agent.pull(*where, output=False) == Exit.OK
        after = [path.stat() for path in (link, link / "alder-prod.pem", link / "alder-prod.json")]
        assert [(each.st_mode, each.st_uid, each.st_gid) for each in after] == [
            (each.st_mode, each.st_uid, each.st_gid) for each in before
        ]
        assert [each.st_ino for each in after] != [each.st_ino for each in before]

    def test_reports_what_runs_here(self, agent):
        agent.pull("--reload", "true")

        (report,) = map(json.loads, agent.portal.reports)
        assert report == {"version": 1, "stage": "loaded", "proof": "reload hook ended with 0"}

    def test_reports_as_fetched_what_the_pinned_key_does_not_cover_unless_it_is_in_use(self, agent, made):
        agent.pull()
        agent.serve(made.states["v2"])
        del agent.portal.reports[:]

        assert agent.pull("--partner-fingerprint", "AA" * 20) == Exit.NOT_COVERED
        (report,) = map(json.loads, agent.portal.reports)
        assert (report["version"], report["stage"]) == (2, "fetched")
        agent.pull()
        assert agent.pull("--partner-fingerprint", "AA" * 20) == Exit.NOT_COVERED
        assert [json.loads(each)["stage"] for each in agent.portal.reports] == ["fetched", "written"]

    def test_of_which_only_the_signatures_are_verified_is_not_said_to_run(self, agent, made):
        agent.pull()
        agent.serve(made.states["v2"])
        del agent.portal.reports[:]

        assert agent.run("verify") == Exit.DIFFERS
        (report,) = map(json.loads, agent.portal.reports)
        assert (report["version"], report["stage"]) == (2, "fetched")

    def test_writes_status_and_metrics(self, agent):
        metrics = agent.folder / "trustx.prom"
        agent.pull("--metrics-file", str(metrics))
        agent.portal.token = "another"

        assert agent.pull("--metrics-file", str(metrics)) == Exit.NO_ACCESS
        status = json.loads((agent.state / "status.json").read_text())
        assert (status["exit"], status["version"]) == (Exit.NO_ACCESS, 1)
        assert 'trustx_store_version{store="alder-prod"} 1' in metrics.read_text()
        assert 'trustx_last_exit_code{store="alder-prod"} 11' in metrics.read_text()


class TestChecksAndHooks:
    def test_runs_the_check_on_the_new_file_before_it_is_in_place(self, agent, made):
        check = agent.script("check", f'test ! -e {agent.pem} && grep -c BEGIN "$1"')

        assert agent.pull("--check", f"{check} {{file}}") == Exit.OK

    @pytest.mark.parametrize("form", ["{file}", ""])
    def test_keeps_the_old_store_when_the_check_refuses(self, agent, made, form):
        agent.pull()
        agent.serve(made.states["v2"])

        assert agent.pull("--check", f"false {form}") == Exit.CHECK_FAILED
        assert agent.pem.read_bytes() == made.states["v1"][CURRENT]

    def test_brings_the_old_store_back_when_the_service_does_not_load_the_new(self, agent, made):
        log = agent.folder / "log"
        hook = agent.script("hook", f"grep -c BEGIN {agent.pem} >> {log}; test $(grep -c BEGIN {agent.pem}) = 3")
        agent.pull("--reload", str(hook))
        agent.serve(made.states["v2"])

        assert agent.pull("--reload", str(hook)) == Exit.RELOAD_FAILED
        assert agent.pem.read_bytes() == made.states["v1"][CURRENT]
        assert log.read_text().split() == ["3", "2", "3"]
        assert agent.said["fix"] == "What was there before is in place."

    def test_says_how_a_service_that_waits_for_its_first_store_gets_it(self, agent):
        assert agent.pull("--reload", "false") == Exit.RELOAD_FAILED
        assert not agent.pem.exists()
        assert "Nothing was there before" in agent.said["fix"]
        assert "pull once with --reload ''" in agent.said["fix"]

        assert agent.pull("--reload", "") == Exit.OK
        assert agent.pem.exists()

    def test_gives_the_hook_a_limit(self, agent):
        hook = agent.script("hook", "exec sleep 30")

        assert agent.pull("--reload", str(hook), "--reload-timeout", "0.2") == Exit.RELOAD_FAILED
        assert not agent.pem.exists()

    def test_ends_a_hook_that_hangs_with_all_that_it_started(self, agent):
        """What goes on after the old files are back would load the new ones late, or nothing."""
        child, late = agent.folder / "child", agent.folder / "late"
        os.mkfifo(child)
        hook = agent.script("hook", f"(read x < {child}; touch {late}) & wait")

        assert agent.pull("--reload", str(hook), "--reload-timeout", "0.5") == Exit.RELOAD_FAILED
        with pytest.raises(OSError, match="No such device"):  # nobody reads any more
            os.open(child, os.O_WRONLY | os.O_NONBLOCK)
        assert not late.exists()

    def test_does_not_wait_for_a_service_that_the_hook_leaves_running(self, agent, made):
        """A daemon that was started again keeps its starter's standard output."""
        gate = agent.folder / "gate"
        os.mkfifo(gate)
        hook = agent.script("hook", f"(read x < {gate}) & exit 0")
        try:
            assert agent.pull("--reload", str(hook), "--reload-timeout", "20") == Exit.OK
            assert agent.pem.read_bytes() == made.states["v1"][CURRENT]
        finally:
            gate.write_text("\n")  # ends it; without anybody there, this would wait for ever

    @pytest.mark.parametrize("hook", ["false", "sleep 30"])
    def test_leaves_the_old_directory_however_often_a_version_is_refused(self, agent, made, hook):
        """An agent tries every few minutes, and what it must keep is what the link points at, not what it wrote last."""
        link = agent.folder / "etc" / "trust"
        where = ("--directory", str(link), "--formats", "pem,json")
        assert agent.pull(*where, output=False) == Exit.OK
        first = os.readlink(link)
        agent.serve(made.states["v2"])

        for _ in range(3):
            assert agent.pull(*where, "--reload", hook, "--reload-timeout", "0.1", output=False) == Exit.RELOAD_FAILED
            assert os.readlink(link) == first
            assert (link / "alder-prod.pem").read_bytes() == made.states["v1"][CURRENT]

        assert agent.pull(*where, output=False) == Exit.OK
        assert len(list((agent.folder / "etc" / ".trust.versions").iterdir())) == 2

    def test_asks_no_shell(self, agent):
        agent.pull("--check", f"true ; touch {agent.folder}/owned")

        assert not (agent.folder / "owned").exists()


class TestExpired:
    def test_keeps_the_last_good_store_and_says_so(self, agent, made):
        agent.pull()

        with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
            assert agent.pull() == Exit.EXPIRED
        assert agent.pem.read_bytes() == made.states["v1"][CURRENT]

    def test_takes_the_store_away_where_that_is_the_policy_and_brings_it_back(self, agent, made):
        agent.pull("--when-expired", "fail-closed")
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
            assert agent.pull("--when-expired", "fail-closed") == Exit.EXPIRED
        assert not agent.pem.exists()

        assert agent.pull("--when-expired", "fail-closed") == Exit.OK
        assert agent.pem.read_bytes() == made.states["v1"][CURRENT]

    def test_takes_away_what_it_can_of_an_expired_store_and_names_the_rest(self, agent):
        stays = agent.folder / "etc" / "bundle.json"
        where = [f"--output=pem={agent.pem}", f"--output=json={stays}", "--when-expired", "fail-closed"]
        assert agent.pull(*where, output=False) == Exit.OK
        (stays.with_name("bundle.json.expired") / "in the way").mkdir(parents=True)

        with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
            assert agent.pull(*where, output=False) == Exit.NOT_WRITTEN

        assert not agent.pem.exists()
        assert str(stays) in agent.said["said"]

    @pytest.mark.parametrize("answer", ["404", "401", "nonsense", "no token"])
    def test_takes_it_away_whatever_keeps_the_news_away(self, agent, answer):
        """Who is on the way can say "not found" as well as nothing, and an old store must not stay for that."""
        agent.pull("--when-expired", "fail-closed")
        match answer:
            case "404":
                agent.serve({})
            case "401":
                agent.portal.token = "another"
            case "nonsense":
                agent.serve(dict.fromkeys(agent.portal.files, b"<html>"))
            case "no token":
                (agent.folder / "token").unlink()

        assert agent.pull("--when-expired", "fail-closed") not in (Exit.OK, Exit.EXPIRED)
        assert agent.pem.exists()
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
            assert agent.pull() not in (Exit.OK, Exit.EXPIRED)
            assert agent.pem.exists()
            assert agent.pull("--when-expired", "fail-closed") == Exit.EXPIRED
        assert not agent.pem.exists()
        assert "expired" in agent.said["said"]

    def test_tells_an_outage_from_an_expiry(self, agent, made):
        agent.pull()
        agent.portal.server.shutdown()
        agent.portal.server.server_close()

        assert agent.pull() == Exit.UNREACHABLE
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
            assert agent.pull() == Exit.EXPIRED
        assert agent.pem.read_bytes() == made.states["v1"][CURRENT]
        # For the fixture, which shuts the server down once more.
        agent.portal.server.shutdown = lambda: None


class TestVerify:
    def test_holds_when_the_disk_is_what_was_signed(self, agent):
        agent.pull(*agent.pinned)

        assert agent.run("verify", *agent.pinned) == Exit.OK

    def test_notices_a_changed_file_and_changes_nothing(self, agent):
        agent.pull()
        agent.pem.write_bytes(b"tampered")

        assert agent.run("verify") == Exit.DIFFERS
        assert agent.pem.read_bytes() == b"tampered"


class TestUsage:
    @pytest.mark.parametrize(
        "options",
        [
            ["--portal", "http://portal.example"],
            ["--portal", "ftp://portal.example"],
            ["--portal", "https://ana:secret@portal.example"],
            ["--portal", "https://portal.example/?a=b"],
            ["--portal", "https://portal.example/#store"],
            ["--portal", "https://portal example"],
            ["--store", "../other"],
            ["--partner-fingerprint", "abcd"],
            ["--output", "pem"],
        ],
    )
    def test_is_refused_when_it_is_not_safe(self, agent, options):
        assert agent.pull(*options) == Exit.USAGE

    def test_reads_a_file_and_lets_options_win(self, agent):
        config = agent.folder / "trustx.toml"
        config.write_text(f'store = "other"\n[outputs]\npem = "{agent.folder}/etc/other.pem"\n')

        assert agent.pull("--config", str(config)) == Exit.OK
        assert agent.pem.exists()

    def test_refuses_a_setting_that_it_does_not_know(self, agent):
        config = agent.folder / "trustx.toml"
        config.write_text('realod = "nginx -s reload"\n')

        assert agent.pull("--config", str(config)) == Exit.USAGE
        assert "realod" in agent.said["said"]

    @pytest.mark.parametrize(
        ("line", "named"),
        [
            ('formats = "pem"', "formats is not what it must be: a list"),
            ('outputs = "pem"', "outputs is not what it must be: a table"),
            ('partner_fingerprints = "0123"', "partner_fingerprints is not what it must be: a list"),
            # Each of these would be taken for true.
            ('take_incomplete_crls = "false"', "take_incomplete_crls is not what it must be: true or false"),
            ('report = "no"', "report is not what it must be: true or false"),
            # And these would be found out in the middle of an installation.
            ('check_timeout = "30"', "check_timeout is not what it must be: a number of seconds"),
            ("reload_timeout = -1", "reload_timeout is not what it must be: a number of seconds"),
            ("probe_timeout = nan", "probe_timeout is not what it must be: a number of seconds"),
            ('max_bytes = "10"', "max_bytes is not what it must be: a whole number"),
            ("wait = -1", "wait is not what it must be: a whole number"),
            ('check = ["nginx", "-t"]', "check is not what it must be: a text"),
            ("ca_file = 7", "ca_file is not what it must be: the path"),
        ],
    )
    def test_says_what_a_setting_must_be(self, agent, line, named):
        config = agent.folder / "trustx.toml"
        config.write_text(f"{line}\n")

        assert agent.pull("--config", str(config), output="outputs" not in line) == Exit.USAGE
        assert named in agent.said["said"]
        assert not agent.pem.exists()

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--output", "json={pem}"], "outputs.pem and outputs.json are both"),
            (["--status-file", "{pem}"], "outputs.pem and status_file are both"),
            (["--metrics-file", "{folder}/etc/../etc/alder.pem"], "outputs.pem and metrics_file are both"),
            (["--list", "deny-list.json={pem}"], "outputs.pem and lists.deny-list.json are both"),
            (["--output", "json={folder}/token"], "token_file and outputs.json are both"),
            (["--output", "json={folder}/root.json"], "root and outputs.json are both"),
            (["--output", "json={folder}/state"], "state_dir and outputs.json are both"),
            (["--output", "json={folder}/state/state.json"], "state.json in state_dir and outputs.json are both"),
            (["--output", "json={folder}/state/status.json"], "status.json in state_dir and outputs.json are both"),
            (["--output", "json=/"], "outputs.json is /, which is no place for it"),
            (["--output", "json=."], "outputs.json is ., which is no place for it"),
        ],
    )
    def test_never_writes_one_thing_over_another(self, agent, options, says):
        """Else a service would find a status where its store was, and the next run would find its token gone."""
        agent.pull()
        before = {each: each.read_bytes() for each in agent.folder.rglob("*") if each.is_file()}

        assert agent.pull(*(each.format(pem=agent.pem, folder=agent.folder) for each in options)) == Exit.USAGE
        assert agent.said["said"].startswith(says)
        assert {each: each.read_bytes() for each in agent.folder.rglob("*") if each.is_file()} == before

    def test_may_read_several_things_from_one_file(self, agent, made):
        both = agent.folder / "both.pem"
        both.write_bytes(b"certificate and key")

        assert agent.pull("--probe-certificate", str(both), "--probe-key", str(both)) == Exit.OK

    def test_takes_formats_with_spaces_between(self, agent):
        link = agent.folder / "etc" / "alder"

        assert agent.pull("--directory", str(link), "--formats", "pem, json", output=False) == Exit.OK
        assert (link / f"{STORE}.json").exists()

    def test_refuses_a_pipe_in_the_place_of_a_file_and_waits_for_nobody(self, agent):
        os.mkfifo(agent.pem)

        assert agent.pull() == Exit.NOT_WRITTEN
        assert agent.said["said"] == f"{agent.pem} cannot be read: it is not a plain file"
        assert stat.S_ISFIFO(agent.pem.stat().st_mode)

    @pytest.mark.parametrize("option", ["--config", "--token-file", "--root", "--partner-keys"])
    def test_reads_no_file_without_an_end(self, agent, made, option):
        if option == "--partner-keys":
            agent.pull()
            agent.serve(made.states["v2"])

        assert agent.pull(*agent.pinned, option, "/dev/zero") == Exit.USAGE
        assert "it has more than" in agent.said["said"]

    @pytest.mark.parametrize(
        "content", ['{"version": null}', '{"version": "7"}', '{"checked": 1}', "[" * 100_000, "[]x"]
    )
    def test_says_which_memory_is_damaged(self, agent, content):
        agent.pull()
        (agent.state / "state.json").write_text(content)

        assert agent.pull() == Exit.NOT_WRITTEN
        assert agent.said["said"] == f"{agent.state / 'state.json'} is damaged."

    @pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), (b"{}", "is not the root of a store")])
    def test_blames_the_pinned_root_and_not_the_portal(self, agent, content, says):
        root = agent.folder / "root.json"
        root.unlink()
        if content is not None:
            root.write_bytes(content)

        assert agent.pull() == Exit.USAGE
        assert agent.said["said"].startswith(f"{root} {says}")
        assert "trustx root" in agent.said["fix"]

    @pytest.mark.parametrize("content", [None, "two tokens"])
    def test_says_where_a_token_comes_from(self, agent, content):
        token = agent.folder / "token"
        token.unlink()
        if content is not None:
            token.write_text(content)

        assert agent.pull() == Exit.USAGE
        assert "that the consumer's page showed once" in agent.said["fix"]
