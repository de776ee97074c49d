"""One signing key of a store after the other is stolen (case 64): what its thief can do, and what not (TUF 1.5.2, 6.1).

Each role has a key of its own. Up to the root key, a thief can hold news back and nothing else, until the keys are replaced. What
even the root key cannot do is to add an anchor where the partner's OpenPGP key is pinned.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from trustx.stops import Exit
from tuf.api.metadata import Metadata, MetaFile

from tests.attacks.test_pull_attacks import CURRENT, METADATA, unmoved, victim  # noqa: F401
from tests.client.conftest import agent, made, portal  # noqa: F401
from tests.client.world import Files, World
from trust.stores.tuf import signing

pytestmark = pytest.mark.django_db


def forge(files: Files, name: str, key: str, change: Callable, to: str | None = None) -> bytes:
    """Change a signed file, sign it with a stolen key, and serve it. Returns its bytes."""
    signed = Metadata.from_bytes(files[f"{METADATA}/{name}.json"]).signed
    change(signed)
    content = signing.sign(signed, [key])
    files[f"{METADATA}/{to or name}.json"] = content
    return content


def names(signed, content: bytes, version: int) -> None:
    """Have a timestamp name a snapshot, or a snapshot name targets."""
    meta = MetaFile(version, len(content), {"sha256": hashlib.sha256(content).hexdigest()})
    if hasattr(signed, "snapshot_meta"):
        signed.snapshot_meta = meta
    else:
        signed.meta["targets.json"] = meta
    signed.version += 10


@pytest.fixture
def advanced(victim, made: World):  # noqa: F811
    """The victim has v2 already."""
    victim.serve(made.states["v2"])
    assert victim.pull(*victim.pinned) == Exit.OK
    victim.before = victim.pem.read_bytes()
    return victim


class TestTimestampKey:
    def test_does_not_bring_an_old_snapshot_back(self, advanced, made):  # noqa: F811
        files = {**made.states["v2"], **made.states["v1"]}
        old = files[f"{METADATA}/1.snapshot.json"]
        forge(files, "timestamp", made.keys["timestamp"], lambda signed: names(signed, old, 1))
        advanced.serve(files)

        assert advanced.pull(*advanced.pinned) == Exit.REFUSED
        assert unmoved(advanced)

    def test_can_hold_news_back_until_the_keys_are_replaced(self, victim, made):  # noqa: F811
        """A timestamp far ahead, good for years: that is what its thief can do. Replacing the online keys heals it."""

        def far(signed) -> None:
            signed.version, signed.expires = 1_000_000, datetime.now(UTC) + timedelta(days=3650)

        files = dict(made.states["v1"])
        forge(files, "timestamp", made.keys["timestamp"], far)
        victim.serve(files)
        assert victim.pull(*victim.pinned) == Exit.OK
        assert unmoved(victim)

        victim.serve(made.states["v2"])
        victim.pull(*victim.pinned)
        assert unmoved(victim), "the thief's timestamp is newer"

        victim.serve(made.states["v2 rotated"])
        assert victim.pull(*victim.pinned) == Exit.OK
        assert victim.pem.read_bytes() == made.states["v2"][CURRENT]


class TestSnapshotKey:
    def test_case_64_alone_changes_nothing(self, victim, made):  # noqa: F811
        files = {**made.states["v1"], **made.states["v2"]}
        old = files[f"{METADATA}/1.targets.json"]

        def mix(signed) -> None:
            names(signed, old, 1)
            signed.version = 2

        forge(files, "2.snapshot", made.keys["snapshot"], mix)
        victim.serve(files)

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    def test_with_the_timestamp_key_does_not_bring_old_targets_back(self, advanced, made):  # noqa: F811
        files = {**made.states["v1"], **made.states["v2"]}
        old = files[f"{METADATA}/1.targets.json"]
        snapshot = forge(
            files, "2.snapshot", made.keys["snapshot"], lambda signed: names(signed, old, 1), to="12.snapshot"
        )
        forge(files, "timestamp", made.keys["timestamp"], lambda signed: names(signed, snapshot, 12))
        advanced.serve(files)

        assert advanced.pull(*advanced.pinned) == Exit.REFUSED
        assert unmoved(advanced)


class TestTargetsKey:
    def test_case_64_alone_changes_nothing(self, victim, made):  # noqa: F811
        files = dict(made.states["v2"])
        evil = made.states["other signer"]
        targets = Metadata.from_bytes(evil[f"{METADATA}/2.targets.json"]).signed
        files |= {path: content for path, content in evil.items() if "/tuf/targets/" in path}
        files[f"{METADATA}/2.targets.json"] = signing.sign(targets, [made.keys["targets"]])
        victim.serve(files)

        assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)


class TestRootKey:
    def taken_over(self, made: World, root_keys: list[str]) -> Files:  # noqa: F811
        """Return a repository with an anchor of Mallory's, all of it signed with keys that a new root names."""
        files = dict(made.states["other signer"])
        thief = {role: signing.new_key() for role in ("targets", "snapshot", "timestamp")}
        root = Metadata.from_bytes(files[f"{METADATA}/1.root.json"]).signed
        for role, key in thief.items():
            for old in list(root.roles[role].keyids):
                root.revoke_key(old, role)
            root.add_key(signing.public(key), role)
        root.version = 2
        files[f"{METADATA}/2.root.json"] = signing.sign(root, root_keys)
        targets = forge(files, "2.targets", thief["targets"], lambda signed: None)
        snapshot = forge(
            files, "2.snapshot", thief["snapshot"], lambda signed: names(signed, targets, 2), to="12.snapshot"
        )
        forge(files, "timestamp", thief["timestamp"], lambda signed: names(signed, snapshot, 12))
        return files

    def test_adds_no_anchor_where_the_partners_key_is_pinned(self, victim, made):  # noqa: F811
        victim.serve(self.taken_over(made, [made.keys["root"]]))

        assert victim.pull(*victim.pinned) == Exit.NOT_COVERED
        assert unmoved(victim)

    def test_and_takes_everything_over_where_it_is_not(self, victim, made):  # noqa: F811
        """What the pin is for."""
        victim.serve(self.taken_over(made, [made.keys["root"]]))

        assert victim.pull() == Exit.OK
        assert not unmoved(victim)

    @pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
    def test_cannot_be_replaced_by_another_roles(self, victim, made, role):  # noqa: F811
        victim.serve(self.taken_over(made, [made.keys[role]]))

        assert victim.pull() == Exit.REFUSED
        assert unmoved(victim)

    def test_cannot_be_replaced_by_a_key_of_the_thiefs_own(self, victim, made):  # noqa: F811
        files = self.taken_over(made, [])
        root = Metadata.from_bytes(files[f"{METADATA}/1.root.json"]).signed
        own = signing.new_key()
        for old in list(root.roles["root"].keyids):
            root.revoke_key(old, "root")
        root.add_key(signing.public(own), "root")
        root.version = 2
        files[f"{METADATA}/2.root.json"] = signing.sign(root, [own])
        victim.serve(files)

        assert victim.pull() == Exit.REFUSED
        assert unmoved(victim)
