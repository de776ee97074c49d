"""CRLs and the deny list beside a store: held against the store that came through TUF, and never going backwards."""

import json
from datetime import timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from trustx import lists, watching
from trustx.fetching import Portal
from trustx.settings import load
from trustx.stops import Exit

from tests.client.world import BASE, STORE
from tests.makers import certificates
from tests.makers import stores as make
from tests.moments import EVERYTHING_VALID
from trust.stores.formats import deny_list
from trust.stores.formats.deny_list import Denied, DenyList

pytestmark = pytest.mark.django_db
CRLS, DENIED = f"{BASE}/crl-set.pem", f"{BASE}/deny-list.json"


@cache
def below() -> tuple[bytes, ...]:
    """Return the CRLs of the CAs below the root."""
    return tuple(certificates.crl(each, number=3) for each in (make.hierarchy().policy, make.hierarchy().issuing))


def crl_set(*ders: bytes, whole: bool = True) -> bytes:
    """Return a CRL set with the lines above the blocks that the portal writes; when ``whole``, with those below the root."""
    listed = ders + (below() if whole else ())
    blocks = b"".join(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in listed)
    return b"# CRLs for trust store alder-prod v1\n# complete: yes\n" + blocks


def denying(*serials: str, store: str = STORE) -> bytes:
    """Return the portal's deny list with these serial numbers of one CA."""
    entries = tuple(
        Denied(
            "CN=Issuing",
            "ab" * 32,
            "cd" * 32,
            "",
            serial,
            "",
            "keyCompromise",
            "N-1",
            "ef" * 32,
            "0" * 40,
            EVERYTHING_VALID,
        )
        for serial in serials
    )
    return deny_list.document(DenyList(store, "Alder", entries))


@pytest.fixture
def files(agent):
    return {"crl-set.pem": agent.folder / "etc" / "crls.pem", "deny-list.json": agent.folder / "etc" / "denied.json"}


@pytest.fixture
def pull(agent, files):
    chosen = [word for name, path in files.items() for word in ("--list", f"{name}={path}")]
    return lambda *options: agent.pull(*chosen, *options)


@pytest.fixture
def serve(agent, made):
    def served(crls: bytes | None = None, denied: bytes | None = None) -> None:
        first = crl_set(certificates.crl(make.hierarchy().root, number=7))
        agent.serve(made.states["v1"] | {CRLS: first if crls is None else crls, DENIED: denied or denying("0a")})

    served()
    return served


class TestLists:
    def test_are_written_like_the_store_and_said_in_the_status(self, agent, files, pull, serve):
        assert pull() == Exit.OK

        assert files["crl-set.pem"].read_bytes() == agent.portal.files[CRLS]
        assert files["deny-list.json"].read_bytes() == agent.portal.files[DENIED]
        status = json.loads((agent.state / "status.json").read_text())
        assert set(status["outputs"]) == {str(agent.pem), *(str(path) for path in files.values())}

    def test_cost_a_304_while_nothing_changed_and_stay_untouched(self, agent, files, pull, serve):
        pull()
        before, agent.portal.asked = files["crl-set.pem"].stat(), []

        assert pull() == Exit.OK
        assert [status for path, status in agent.portal.asked if path in (CRLS, DENIED)] == [304, 304]
        assert files["crl-set.pem"].stat().st_ino == before.st_ino

    def test_follow_what_is_new_and_have_the_service_load_it(self, agent, files, pull, serve):
        hook = agent.script("reload", f"echo loaded >> {agent.folder}/hook.log")
        pull("--reload", str(hook))
        serve(crl_set(certificates.crl(make.hierarchy().root, number=8)), denying("0a", "0b"))

        assert pull("--reload", str(hook)) == Exit.OK
        assert files["deny-list.json"].read_bytes() == denying("0a", "0b")
        assert (agent.folder / "hook.log").read_text().count("loaded") == 3  # the store, its lists, and what was new

    def test_are_put_back_when_the_service_does_not_load_them(self, agent, files, pull, serve):
        pull()
        before = files["deny-list.json"].read_bytes()
        serve(denied=denying("0a", "0b"))

        assert pull("--reload", str(agent.script("reload", "exit 3"))) == Exit.RELOAD_FAILED
        assert files["deny-list.json"].read_bytes() == before
        assert pull() == Exit.OK
        assert files["deny-list.json"].read_bytes() == denying("0a", "0b")

    def test_put_back_what_somebody_changed_on_disk(self, files, pull, serve):
        pull()
        files["deny-list.json"].write_text("{}")

        assert pull() == Exit.OK
        assert files["deny-list.json"].read_bytes() == denying("0a")

    def test_wake_the_agent_that_watches(self, agent, files, pull, serve):
        pull()
        chosen = {
            "portal": agent.portal.address, "store": STORE, "token_file": agent.folder / "token", "lists": files,
            "root": agent.folder / "root.json", "state_dir": agent.state, "outputs": {"pem": agent.pem},
        }  # fmt: skip
        settings = load(None, chosen)
        assert watching.is_unchanged(settings)

        serve(denied=denying("0a", "0b"))

        assert not lists.is_unchanged(settings, Portal(settings))
        assert not watching.is_unchanged(settings)


SPOILED = {
    "a CRL with a lower number": (
        lambda: crl_set(certificates.crl(make.hierarchy().root, number=6)),
        None,
        Exit.REFUSED,
    ),
    "a CRL of a stranger": (
        lambda: crl_set(certificates.crl(make.hierarchy("Other").root, number=9)),
        None,
        Exit.REFUSED,
    ),
    "a CRL signed with another key": (
        lambda: crl_set(certificates.crl(make.hierarchy().root, number=9, signing_key=make.hierarchy().policy.key)),
        None,
        Exit.REFUSED,
    ),
    "a certificate among the CRLs": (lambda: crl_set() + make.hierarchy().root.pem, None, Exit.EMPTY_OR_UNREADABLE),
    "a CRL that is cut off": (
        lambda: crl_set(certificates.crl(make.hierarchy().root, number=9))[:-40],
        None,
        Exit.EMPTY_OR_UNREADABLE,
    ),
    "a CRL that ended": (
        lambda: crl_set(
            certificates.crl(make.hierarchy().root, number=9, next_update=EVERYTHING_VALID - timedelta(minutes=1))
        ),
        None,
        Exit.EXPIRED,
    ),
    "a deny list without an entry that it had": (None, lambda: denying("0b"), Exit.REFUSED),
    "an empty deny list": (None, lambda: denying(), Exit.REFUSED),
    "the deny list of another store": (None, lambda: denying("0a", store="cedar-prod"), Exit.REFUSED),
    "a deny list with another count": (None, lambda: denying("0a").replace(b'"count": 1', b'"count": 2'), Exit.REFUSED),
    "a deny list that is none": (None, lambda: b"[]", Exit.REFUSED),
}


class TestALieAboutLists:
    @pytest.mark.parametrize("what", SPOILED)
    def test_keeps_the_last_good_list_and_has_an_exit_code(self, agent, files, pull, serve, what):
        crls, denied, code = SPOILED[what]
        pull()
        held = {name: path.read_bytes() for name, path in files.items()}
        serve(crls and crls(), denied and denied())

        assert pull() == code
        assert agent.said["exit"] == code
        if code is not Exit.EXPIRED:
            assert {name: path.read_bytes() for name, path in files.items()} == held
        assert agent.pem.read_bytes() == agent.portal.files[f"{BASE}/current.pem"]

    def test_of_any_length_is_bounded(self, agent, files, pull, serve):
        pull()
        agent.portal.endless = "deny-list.json"
        serve(denied=denying("0a", "0b"))

        assert pull("--max-bytes", "100000") == Exit.REFUSED
        assert files["deny-list.json"].read_bytes() == denying("0a")

    def test_is_known_even_after_the_file_was_removed(self, files, pull, serve):
        pull()
        files["deny-list.json"].unlink()
        serve(denied=denying("0b"))

        assert pull() == Exit.REFUSED
        assert not files["deny-list.json"].exists()


class TestASetThatIsNotWhole:
    """nginx' ssl_crl rejects every client below a CA without a current CRL, so such a set is not taken, whatever its lines say."""

    @pytest.fixture
    def gap(self):
        return crl_set(certificates.crl(make.hierarchy().root, number=8), below()[0], whole=False)

    def test_leaves_the_last_whole_one_and_takes_the_other_list_all_the_same(self, agent, files, pull, serve, gap):
        pull()
        held = files["crl-set.pem"].read_bytes()
        serve(gap, denying("0a", "0b"))

        assert pull() == Exit.EMPTY_OR_UNREADABLE
        assert "Issuing CA" in agent.said["said"]
        assert (files["crl-set.pem"].read_bytes(), files["deny-list.json"].read_bytes()) == (held, denying("0a", "0b"))

        serve(crl_set(certificates.crl(make.hierarchy().root, number=9)), denying("0a", "0b"))
        assert pull() == Exit.OK
        assert files["crl-set.pem"].read_bytes() == agent.portal.files[CRLS]

    def test_is_not_the_first_one_either(self, agent, files, pull, serve, gap):
        serve(gap)

        assert pull() == Exit.EMPTY_OR_UNREADABLE
        assert not files["crl-set.pem"].exists()
        assert files["deny-list.json"].exists()

    def test_is_taken_where_somebody_said_that_the_service_can_do_without(self, agent, files, pull, serve, gap):
        serve(gap)

        assert pull("--take-incomplete-crls") == Exit.OK
        assert files["crl-set.pem"].read_bytes() == gap


class TestVerify:
    """``trustx verify`` holds the lists on disk against the store and the portal, and changes nothing."""

    @pytest.fixture
    def verify(self, agent, files):
        chosen = [word for name, path in files.items() for word in ("--list", f"{name}={path}")]
        return lambda: agent.run("verify", *chosen)

    def everything(self, agent, files):
        paths = [*files.values(), agent.pem, agent.state / "lists.json"]
        return {path: path.read_bytes() if path.exists() else None for path in paths}

    def test_names_the_lists_that_are_as_they_are_served(self, agent, files, pull, serve, verify):
        pull()

        assert verify() == Exit.OK
        assert {str(path) for path in files.values()} < set(agent.said["outputs"])

    @pytest.mark.parametrize("name", ["crl-set.pem", "deny-list.json"])
    @pytest.mark.parametrize("how", ["changed", "removed", "behind"])
    def test_finds_a_list_that_is_another_and_leaves_it(self, agent, files, pull, serve, verify, name, how):
        pull()
        match how:
            case "changed":
                files[name].write_bytes(files[name].read_bytes() + b"\n")
            case "removed":
                files[name].unlink()
            case "behind":
                newer = crl_set(certificates.crl(make.hierarchy().root, number=8)), denying("0a", "0b")
                agent.portal.files |= {CRLS: newer[0]} if name == "crl-set.pem" else {DENIED: newer[1]}
        before = self.everything(agent, files)

        assert verify() == Exit.DIFFERS
        assert str(files[name]) in agent.said["said"]
        assert self.everything(agent, files) == before

    @pytest.mark.parametrize("what", SPOILED)
    def test_is_told_a_lie_as_a_pull_is(self, agent, files, pull, serve, verify, what):
        crls, denied, code = SPOILED[what]
        pull()
        serve(crls and crls(), denied and denied())
        if code is Exit.EXPIRED:
            pull()  # which takes it and tells
        before = self.everything(agent, files)

        assert verify() == code
        assert self.everything(agent, files) == before


class TestSettings:
    def test_name_a_list_that_there_is(self, agent):
        assert agent.pull("--list", "crls.pem=x") == Exit.USAGE
        assert agent.pull("--list", "deny-list.json") == Exit.USAGE

    def test_need_the_certificates_that_sign_the_crls(self, agent, files):
        chosen = f"crl-set.pem={files['crl-set.pem']}"
        code = agent.pull("--output", f"anchors.pem={agent.pem}", "--list", chosen, output=False)

        assert code == Exit.USAGE
