"""Putting files in their place so that a reader, and a machine that loses power, sees the old one or the new one, whole."""

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from trustx.stops import Exit, Stop

_NEW_MODE = 0o644


def write(path: Path, content: bytes, *, mode: int = _NEW_MODE, like: Path | None = None) -> None:
    """Replace a file by ``content``: written beside it, synced, renamed. Keeps owner and mode of the file that was there.

    Where there was none, it gets those of the file ``like``, if that is there, or ``mode``.
    A link in the place of the file is refused and never followed. Raises Stop.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
    try:
        before = _before(path) or (_before(like) if like else None)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                _dress(file.fileno(), before, mode)
                os.fsync(file.fileno())
            os.replace(aside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise
        sync_folder(path.parent)
    except FileNotFoundError as error:
        raise Stop(
            Exit.NOT_WRITTEN, f"{path} cannot be written: there is no folder {path.parent}.", f"mkdir -p {path.parent}"
        ) from error
    except OSError as error:
        raise Stop(
            Exit.NOT_WRITTEN,
            f"{path} cannot be written: {error.strerror or error}.",
            "The file that was there is unchanged.",
        ) from error


def _before(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{path} is not a plain file")
    return found


def _take_away(path: Path) -> None:
    try:
        _before(path)
        path.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise Stop(Exit.NOT_WRITTEN, f"{path} cannot be taken away: {error}", "It is unchanged.") from error


def _dress(descriptor: int, before: os.stat_result | None, mode: int) -> None:
    if before is None:
        os.fchmod(descriptor, mode)
        return
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _dress_folder(folder: Path, before: Path | None) -> None:
    if before is None or not before.is_dir():
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _dress(descriptor, before.stat(), 0)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tidy(path: Path) -> None:
    """Remove what a run that was killed left beside a file or link of ours: nothing but names that ``write`` or a swap makes."""
    left = re.compile(rf"\.{re.escape(path.name)}\.([0-9]+\.)?[0-9a-f]{{8}}\.new")
    with contextlib.suppress(OSError):
        for each in path.parent.iterdir():
            if left.fullmatch(each.name):
                each.unlink()


def read(path: Path) -> bytes | None:
    """Return a file's content, or None when there is none. Raises Stop."""
    try:
        # Without waiting for the other end of a pipe that lies in the place of a file.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("it is not a plain file")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Stop(
            Exit.NOT_WRITTEN, f"{path} cannot be read: {error}", "Let the user that trustx runs as read it."
        ) from error


class Place(Protocol):
    """Where the formats of one store lie."""

    def paths(self) -> Mapping[str, Path]: ...

    def put(self, files: Mapping[str, bytes], version: int) -> None: ...

    def remember(self, folder: Path) -> dict[str, Any]: ...

    def restore(self, memory: Mapping[str, Any]) -> None: ...

    def tidy(self) -> None: ...

    def remove(self) -> None: ...


class Files:
    """Each format in a file of its own, replaced one after the other; each is whole at any moment."""

    def __init__(self, outputs: Mapping[str, Path]) -> None:
        self._outputs = dict(outputs)

    def paths(self) -> Mapping[str, Path]:
        """Return the file of each format."""
        return self._outputs

    def put(self, files: Mapping[str, bytes], version: int) -> None:
        """Replace every file that differs, and take away those of formats that have no way to say what is true now."""
        for extension, path in self._outputs.items():
            content, held = files.get(extension), read(path)
            if content is None and held is not None:
                _take_away(path)
            elif content is not None and held != content:
                write(path, content)

    def remember(self, folder: Path) -> dict[str, Any]:
        """Copy what is there into ``folder``, and return what ``restore`` needs."""
        folder.mkdir(mode=0o700, exist_ok=True)
        kept: dict[str, str | None] = {}
        for number, path in enumerate(self._outputs.values()):
            content, copy = read(path), folder / str(number)
            if content is not None:
                write(copy, content, mode=0o600)
            kept[os.path.abspath(path)] = os.path.abspath(copy) if content is not None else None
        return {"files": kept}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Put back what was remembered."""
        for name, copy in memory["files"].items():
            path = Path(name)
            if copy is None:
                path.unlink(missing_ok=True)
                continue
            content = read(Path(copy))
            if content is not None and content != read(path):
                write(path, content)

    def tidy(self) -> None:
        """Remove what a run that was killed left behind."""
        for path in self._outputs.values():
            tidy(path)

    def remove(self) -> None:
        """Take the files away, for a policy that rather has no store than an old one; they are kept beside. Raises Stop.

        One that cannot be taken away does not keep the others.
        """
        stay = []
        for path in self._outputs.values():
            try:
                os.replace(path, path.with_name(f"{path.name}.expired"))
            except FileNotFoundError:
                continue
            except OSError as error:
                stay.append(f"{path}: {error.strerror or error}")
        if stay:
            raise Stop(
                Exit.NOT_WRITTEN,
                f"What has expired cannot be taken away, and may still be trusted: {'; '.join(stay)}.",
                "Take it away by hand, and reload the service.",
            )


class Directory:
    """All formats below one link; a new version is a new folder, and the link is swapped to it at once."""

    def __init__(self, link: Path, store: str, formats: tuple[str, ...]) -> None:
        self._link, self._store, self._formats = link, store, formats
        self._versions = link.with_name(f".{link.name}.versions")

    def paths(self) -> Mapping[str, Path]:
        """Return the file of each format."""
        return {extension: self._link / f"{self._store}.{extension}" for extension in self._formats}

    def put(self, files: Mapping[str, bytes], version: int) -> None:
        """Write a new folder and swap the link to it."""
        try:
            if self._link.exists() and not self._link.is_symlink():
                raise OSError(f"{self._link} is not a link made by trustx")
            before = self._link.resolve() if self._link.is_symlink() else None
            folder = self._versions / f"v{version}-{os.urandom(4).hex()}"
            folder.mkdir(mode=0o755, parents=True)
            for extension, content in files.items():
                name = f"{self._store}.{extension}"
                write(folder / name, content, like=before / name if before else None)
            _dress_folder(folder, before)
            sync_folder(self._versions)
            self._point_at(str(folder.relative_to(self._link.parent)))
            self._prune(folder, before)
        except OSError as error:
            raise Stop(
                Exit.NOT_WRITTEN,
                f"{self._link} cannot be swapped: {error}",
                "Let the user that trustx runs as write there.",
            ) from error

    def _point_at(self, target: str) -> None:
        aside = self._link.with_name(f".{self._link.name}.{os.urandom(4).hex()}.new")
        os.symlink(target, aside)
        os.replace(aside, self._link)
        sync_folder(self._link.parent)

    def _prune(self, current: Path, before: Path | None) -> None:
        """Keep the new folder and the one that the link pointed at: nobody knows yet whether the service takes the new one.

        Which one that is, only the link says. What was written last may be a version that was refused.
        """
        for each in self._versions.iterdir():
            if each != current and each.resolve() != before:
                shutil.rmtree(each, ignore_errors=True)

    def remember(self, folder: Path) -> dict[str, Any]:
        """Return where the link points."""
        target = os.readlink(self._link) if self._link.is_symlink() else None
        return {"target": target, "link": os.path.abspath(self._link)}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Point the link back."""
        target = memory["target"]
        if target is None:
            if self._link.is_symlink():
                self._link.unlink(missing_ok=True)
        elif not self._link.is_symlink() or os.readlink(self._link) != target:
            self._point_at(target)

    def tidy(self) -> None:
        """Remove what a run that was killed left behind; folders go with the next version."""
        tidy(self._link)

    def remove(self) -> None:
        """Take the link away; the folders stay."""
        if self._link.is_symlink():
            self._link.unlink(missing_ok=True)
