"""Against the agent on its own machine: links in its way, a disk that fills, and little that unpacks into much."""

import contextlib
import gzip
import io
import os
import resource
import signal
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from trustx import certificates, cli, gpgv, placing
from trustx.stops import Exit, Stop

from tests.attacks.test_pull_attacks import CURRENT, METADATA, unmoved, victim  # noqa: F401
from tests.client.conftest import agent, made, portal  # noqa: F401
from tests.makers import openpgp
from tests.makers import stores as make

pytestmark = pytest.mark.django_db
MB = 1024 * 1024


class TestLinks:
    """Somebody who may write into the output directory wants trustx, which runs as another user, to write elsewhere."""

    @pytest.mark.parametrize("step", ["os.open", "os.fchmod", "os.fsync", "os.replace"])
    def test_one_that_appears_at_any_step_of_writing_is_not_followed(self, victim, made, monkeypatch, step):  # noqa: F811
        secret = victim.folder / "secret"
        secret.write_text("keep me")
        secret.chmod(0o600)
        real = getattr(os, step.removeprefix("os."))

        def raced(*arguments, **more):
            # The last moment at which a thief can put a link in the place of the file.
            if victim.pem.exists() and not victim.pem.is_symlink():
                victim.pem.unlink()
                victim.pem.symlink_to(secret)
            return real(*arguments, **more)

        victim.serve(made.states["v2"])
        with monkeypatch.context() as patched:
            patched.setattr(placing.os, step.removeprefix("os."), raced)
            code = victim.pull(*victim.pinned)

        assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("keep me", 0o600)
        # Either the rename took the link's place, or the link was seen and refused; the next run says so again.
        assert code in (Exit.OK, Exit.NOT_WRITTEN)
        if code == Exit.OK:
            assert not victim.pem.is_symlink()
            assert victim.pem.read_bytes() == made.states["v2"][CURRENT]

    def test_a_hard_link_to_a_secret_is_replaced_and_not_written_through(self, victim, made):  # noqa: F811
        secret = victim.folder / "secret"
        secret.write_text("keep me")
        victim.pem.unlink()
        os.link(secret, victim.pem)
        victim.serve(made.states["v2"])

        assert victim.pull(*victim.pinned) == Exit.OK
        assert secret.read_text() == "keep me"

    def test_a_link_that_trustx_did_not_make_is_not_swapped(self, victim, made):  # noqa: F811
        target = victim.folder / "mine"
        target.mkdir()
        link = victim.folder / "etc" / "trust"
        link.mkdir()

        code = victim.pull("--directory", str(link), "--formats", "pem", *victim.pinned, output=False)

        assert code == Exit.NOT_WRITTEN
        assert link.is_dir()
        assert not list(target.iterdir())

    @pytest.mark.parametrize("whose", ["anybody", "another group", "another user"])
    def test_a_memory_that_others_can_write_is_refused(self, victim, made, whose):  # noqa: F811
        """Whoever can take the remembered version away can bring an old one back."""
        if whose == "anybody":
            victim.state.chmod(0o777)
        elif os.getuid() != 0:
            pytest.skip("only root can give a folder away")
        elif whose == "another group":
            os.chown(victim.state, -1, 65534)
            victim.state.chmod(0o770)
        else:
            os.chown(victim.state, 65534, -1)
        victim.serve(made.states["v2"])

        assert victim.pull(*victim.pinned) == Exit.USAGE
        assert "chmod go-w" in victim.said["fix"]
        assert unmoved(victim)


def pull_with_files_up_to(victim, limit: int) -> int:  # noqa: F811
    """Pull in a process whose writes fail beyond ``limit`` bytes a file, and return its exit code."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then write() fails with EFBIG, as it does with ENOSPC
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            code = cli.main(victim.arguments("pull", "--no-report", *victim.pinned))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


class TestFullDisk:
    @pytest.mark.timeout(300)
    def test_at_any_length_leaves_the_old_file_or_the_new_one_whole(self, victim, made):  # noqa: F811
        old, new = made.states["v1"][CURRENT], made.states["v2"][CURRENT]
        victim.serve(made.states["v2"])
        codes = []

        for limit in (0, 1, 64, 300, len(new) - 1, len(new), 4096, 8192):
            codes.append(pull_with_files_up_to(victim, limit))
            assert victim.pem.read_bytes() in (old, new), limit
            assert [each.name for each in victim.pem.parent.iterdir()] == ["alder.pem"], limit

        assert codes[0] not in (Exit.OK, 99)
        assert 99 not in codes
        assert victim.pull(*victim.pinned) == Exit.OK
        assert victim.pem.read_bytes() == new

    def test_a_real_one_says_so_and_heals_when_there_is_room(self, victim, made, tmp_path):  # noqa: F811
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
        if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a small file system cannot be mounted here: a really full disk is NOT tried")
        try:
            victim.pem = disk / "alder.pem"
            (disk / "ballast").write_bytes(bytes(12 * 1024))

            assert victim.pull(*victim.pinned) == Exit.OK
            before = victim.pem.read_bytes()
            victim.serve(made.states["v2 more"])
            assert victim.pull(*victim.pinned) == Exit.NOT_WRITTEN
            assert "No space left" in victim.said["said"]
            assert victim.pem.read_bytes() == before
            assert sorted(each.name for each in disk.iterdir()) == ["alder.pem", "ballast"]

            (disk / "ballast").unlink()
            assert victim.pull(*victim.pinned) == Exit.OK
            assert victim.pem.read_bytes() == made.states["v2 more"][CURRENT]
        finally:
            subprocess.run(["umount", str(disk)], check=True)


@contextlib.contextmanager
def at_most(bytes_of_memory: int) -> Iterator[None]:
    """Demand that Python allocates no more at any moment."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
        assert peak < bytes_of_memory
    finally:
        tracemalloc.stop()


class TestDecompression:
    def test_of_an_answer_is_never_done(self, victim, made):  # noqa: F811
        """A proxy in the middle packs a gigabyte into an answer; trustx did not ask for that and takes it for what it is."""
        packed = gzip.compress(bytes(64 * MB), 9)
        victim.serve(dict.fromkeys(made.states["v2"], packed))
        victim.portal.encoding = "gzip"

        with at_most(16 * MB):
            assert victim.pull(*victim.pinned) == Exit.REFUSED
        assert unmoved(victim)

    def test_of_a_signed_message_is_bounded_before_it_is_known_who_signed(self):
        """gpgv unpacks first and judges at the end, so a portal that was broken into could fill the disk of its consumers."""
        mallory = openpgp.make_holder("Mallory")
        small = mallory.sign_inline(b"text")
        bomb = mallory.sign_inline(bytes(64 * MB))
        asked = {"signature": None, "keys": mallory.public_block(), "pinned": {mallory.fingerprint}}
        assert len(bomb) < MB

        assert gpgv.signed(content=small, **asked).content == b"text"
        with pytest.raises(Stop) as stop:
            gpgv.signed(content=bomb, **asked)
        assert stop.value.code is Exit.NOT_COVERED
        assert "too large" in stop.value.sentence

    @pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
    def test_of_an_archive_is_bounded(self, packing):
        made_here = io.BytesIO()
        with tarfile.open(fileobj=made_here, mode=f"w:{packing}") as archive:
            for name, content in (("root.pem", make.hierarchy().root.pem), ("zeros", bytes(64 * MB))):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        content = made_here.getvalue()

        with at_most(90 * MB):
            assert certificates.of_original(content) == frozenset()

    def test_of_a_header_without_end_is_bounded(self):
        """A pax header of any length is read into memory by tarfile, before a single member is seen."""
        header = tarfile.TarInfo("././@PaxHeader")
        header.type, header.size = tarfile.XHDTYPE, 512 * MB
        packed = gzip.compress(header.tobuf() + bytes(64 * MB), 9)

        with at_most(90 * MB):
            assert certificates.of_original(packed) == frozenset()


def test_makes_no_file_that_others_can_write(victim):  # noqa: F811
    """Whatever the umask: the store is for all to read, what trustx remembers for nobody else."""
    before = os.umask(0)
    try:
        victim.state.rename(victim.state.with_name("old"))
        victim.pem.unlink()
        assert victim.pull(*victim.pinned) == Exit.OK
    finally:
        os.umask(before)

    modes = {path: path.stat().st_mode & 0o777 for path in [victim.pem, victim.state, *Path(victim.state).iterdir()]}
    assert not {path: oct(mode) for path, mode in modes.items() if mode & 0o022}
    assert modes[victim.state] == 0o700
