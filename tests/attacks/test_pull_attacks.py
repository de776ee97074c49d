"""Whoever sits between the portal and a consumer, or in the portal, tries to change what the consumer trusts.

After each attack the file is what it was, byte for byte, and the exit code says why (TUF specification 1.5.2).
"""

import pytest
from trustx.stops import Exit

# pytest finds fixtures by their names; the linter takes them for unused, and each argument (F811) for another of that name.
from tests.client.conftest import agent, made, portal  # noqa: F401
from tests.client.world import BASE

pytestmark = pytest.mark.django_db
METADATA = f"{BASE}/tuf/metadata"
CURRENT = f"{BASE}/current.pem"


@pytest.fixture
def victim(agent):  # noqa: F811
    """An agent that holds v1 and pins the partner's key."""
    assert agent.pull(*agent.pinned) == Exit.OK
    agent.before = agent.pem.read_bytes()
    return agent


def unmoved(victim) -> bool:
    """Say whether the store is what it was, and the next honest pull still works."""
    same = victim.pem.read_bytes() == victim.before
    return same and sorted(each.name for each in victim.pem.parent.iterdir()) == ["alder.pem"]


class TestOnTheWay:
    def test_rollback_to_an_older_version(self, victim, made):  # noqa: F811
        victim.serve(made.states["v2"])
        victim.pull(*victim.pinned)
        victim.before = victim.pem.read_bytes()
        victim.serve(made.states["v1"])

        # An older timestamp is passed over, so the agent stays where it is or refuses; it never goes back.
        assert victim.pull(*victim.pinned) in (Exit.OK, Exit.REFUSED)
        assert unmoved(victim)
        assert victim.said.get("version", 2) == 2

    def test_rollback_after_the_memory_of_metadata_was_lost(self, victim, made):  # noqa: F811
        victim.serve(made.states["v2"])
        victim.pull(*victim.pinned)
        victim.before = victim.pem.read_bytes()
        for file in ("timestamp.json", "snapshot.json", "targets.json"):
            (victim.state / "metadata" / file).unlink()
        victim.serve(made.states["v1"])

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    def test_mix_and_match_of_two_versions(self, victim, made):  # noqa: F811
        first, second = made.states["v1"], made.states["v2"]
        mixed = dict(second)
        mixed[f"{METADATA}/2.targets.json"] = first[f"{METADATA}/1.targets.json"]
        victim.serve(mixed)

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    def test_other_bytes_under_the_name_of_the_new_version(self, victim, made):  # noqa: F811
        forged = dict(made.states["v2"])
        for path in forged:
            if path.endswith(".alder-prod.pem"):
                forged[path] = made.states["other signer"][CURRENT]
        victim.serve(forged)

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    @pytest.mark.parametrize("role", ["timestamp", "2.snapshot", "2.targets"])
    def test_one_flipped_bit(self, victim, made, role):  # noqa: F811
        forged = dict(made.states["v2"])
        path = f"{METADATA}/{role}.json"
        forged[path] = forged[path].replace(b'"version":2', b'"version":3', 1)
        assert forged[path] != made.states["v2"][path]
        victim.serve(forged)

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    def test_another_installations_repository(self, victim, made):  # noqa: F811
        victim.serve(made.states["clearsigned"])  # the same names, made with other root and online keys

        assert victim.pull(*victim.pinned) in (Exit.OK, Exit.REFUSED)
        assert unmoved(victim)
        (victim.folder / "state2").mkdir()
        victim.state = victim.folder / "state2"
        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    @pytest.mark.parametrize("end", ["timestamp.json", "2.root.json", "2.targets.json", "alder-prod.pem"])
    def test_endless_data(self, victim, made, end):  # noqa: F811
        victim.serve(made.states["v2"])
        victim.portal.endless = end
        if end == "2.root.json":
            victim.portal.files[f"{METADATA}/2.root.json"] = b""

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    def test_slow_retrieval(self, victim, made):  # noqa: F811
        victim.serve(made.states["v2"])
        victim.portal.dripping = "alder-prod.pem"
        config = victim.folder / "quick.toml"
        config.write_text("download_timeout = 0.5\n")

        assert victim.pull(*victim.pinned, "--config", str(config)) == Exit.UNREACHABLE
        assert unmoved(victim)

    def test_slow_retrieval_of_a_header(self, victim, made):  # noqa: F811
        """Each byte of it comes in time, and the pull would hold its lock for days."""
        victim.serve(made.states["v2"])
        victim.portal.stalling = "timestamp.json"
        config = victim.folder / "quick.toml"
        config.write_text("download_timeout = 0.3\n")

        assert victim.pull(*victim.pinned, "--config", str(config)) == Exit.UNREACHABLE
        assert "The headers of an answer took more than 0.3 s" in victim.said["said"]
        assert unmoved(victim)

    def test_an_answer_that_is_cut_off(self, victim, made):  # noqa: F811
        victim.serve(made.states["v2"])
        for victim.portal.cutting in ("timestamp.json", "alder-prod.pem"):
            assert victim.pull(*victim.pinned) == Exit.UNREACHABLE
            assert "more expected" in victim.said["said"]
            assert unmoved(victim)

    def test_endless_data_in_the_answer_to_a_report(self, victim, made):  # noqa: F811
        victim.serve(made.states["v2"])
        victim.portal.endless = "/adoption/report"

        assert victim.pull(*victim.pinned) == Exit.OK
        assert 0 < victim.portal.sent < 32 * 1024 * 1024

    def test_a_redirect_that_would_carry_the_token_away(self, victim):
        from tests.client.world import Portal

        with Portal().running() as thief:
            victim.portal.redirect = f"{thief.address}/take"

            assert victim.pull(*victim.pinned) != Exit.OK
            assert thief.asked == []
        assert unmoved(victim)

    @pytest.mark.parametrize("body", [b"", b"<html>Sign in to the network</html>", b"[]", b"{}", b"[" * 100_000])
    def test_a_page_of_somebody_else(self, victim, body):
        victim.serve(dict.fromkeys(victim.portal.files, body))

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)


class TestInThePortal:
    """The attacker holds the database and every online key."""

    @pytest.mark.parametrize("state", ["other signer", "lies about origin"])
    def test_adds_an_anchor_that_the_partner_never_signed(self, victim, made, state):  # noqa: F811
        victim.serve(made.states[state])

        assert victim.pull(*victim.pinned) == Exit.NOT_COVERED
        assert unmoved(victim)

    def test_and_without_a_pinned_key_nobody_notices(self, victim, made):  # noqa: F811
        """What the pin is for: the same state is taken by an agent without one."""
        victim.serve(made.states["other signer"])

        assert victim.pull() == Exit.OK
        assert not unmoved(victim)

    def test_brings_another_signature_for_the_original(self, victim, made):  # noqa: F811
        forged = dict(made.states["v2"])
        for path in forged:
            if path.endswith(".sig"):
                forged[path] = b"nonsense"
        victim.serve(forged)

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    def test_uses_a_stolen_key_that_expired(self, victim, made):  # noqa: F811
        state = dict(made.states["expired key"])
        fingerprint = state.pop("fingerprint").decode()
        victim.serve(state)

        assert victim.pull(*victim.pinned, "--partner-fingerprint", fingerprint) == Exit.NOT_COVERED
        assert "expired" in victim.said["said"]
        assert unmoved(victim)

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            ("empty list", Exit.EMPTY_OR_UNREADABLE),
            ("empty file", Exit.REFUSED),
            ("cut off", Exit.EMPTY_OR_UNREADABLE),
            ("wrong store", Exit.REFUSED),
            ("lower version", Exit.REFUSED),
        ],
    )
    def test_signs_a_store_that_is_none(self, victim, made, state, code):  # noqa: F811
        victim.serve(made.states[state])

        assert victim.pull(*victim.pinned) == code
        assert unmoved(victim)

    def test_offers_more_than_fits(self, victim, made):  # noqa: F811
        victim.serve(made.states["v2 more"])
        size = len(made.states["v2 more"][CURRENT])

        assert victim.pull(*victim.pinned, "--max-bytes", str(size - 1)) == Exit.REFUSED
        assert "max_bytes" in victim.said["said"]
        assert unmoved(victim)


class TestOnTheMachine:
    def test_a_link_in_the_place_of_the_file_is_not_followed(self, victim, made):  # noqa: F811
        secret = victim.folder / "secret"
        secret.write_text("keep me")
        victim.pem.unlink()
        victim.pem.symlink_to(secret)
        victim.serve(made.states["v2"])

        assert victim.pull(*victim.pinned) == Exit.NOT_WRITTEN
        assert secret.read_text() == "keep me"

    def test_two_agents_at_once_do_not_mix(self, victim, made):  # noqa: F811
        import fcntl

        with (victim.state / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            victim.serve(made.states["v2"])

            assert victim.pull(*victim.pinned) == Exit.BUSY
        assert unmoved(victim)

    def test_a_full_disk(self, victim, made, monkeypatch):  # noqa: F811
        import errno
        import os

        real = os.fsync

        def full(descriptor):
            if "alder.pem" in os.readlink(f"/proc/self/fd/{descriptor}"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        victim.serve(made.states["v2"])

        assert victim.pull(*victim.pinned) == Exit.NOT_WRITTEN
        assert unmoved(victim)
