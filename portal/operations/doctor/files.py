"""Folders, files and disks."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage

from portal.operations.doctor.rules import Finding, open_to_others, space, well, wrong

# One that every page needs.
_STYLE = "css/portal.css"


def check() -> Iterator[Finding]:
    """Yield what is found about the data folder, secrets in files, static files and disks."""
    yield _data_folder(Path(settings.DATA_DIR))
    yield from _secrets(Path(settings.DATA_DIR) / "secrets")
    yield static_files()
    places = {"disk": Path(settings.DATA_DIR), "disk of temporary files": Path(tempfile.gettempdir())}
    for name, path in places.items():
        if path.exists():
            usage = shutil.disk_usage(path)
            yield space(name, str(path), free=usage.free, total=usage.total)


def _data_folder(folder: Path) -> Finding:
    name = "data folder"
    if not folder.is_dir():
        return wrong(name, f"{folder} is no folder.", "Make it, owned by the portal's user, or set EXCHANGE_DATA_DIR.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return wrong(
            name, f"{folder} cannot be written.", f"Give it to the user that runs the portal: chown … {folder}"
        )
    if open_to_others(stat.S_IMODE(folder.stat().st_mode)):
        return wrong(name, f"{folder} is open to every user of this machine.", f"Run: chmod 700 {folder}")
    return well(name, f"{folder} can be written, and others cannot look in.")


def _secrets(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        return
    opened = [each for each in (folder, *sorted(folder.iterdir())) if open_to_others(stat.S_IMODE(each.stat().st_mode))]
    if opened:
        names = " ".join(str(each) for each in opened)
        yield wrong("secrets", f"Every user of this machine can read {names}.", f"Run: chmod go= {names}")
    else:
        yield well("secrets", f"Only their owner reads the files in {folder}.")


def static_files() -> Finding:
    """Return whether the files that pages need were collected since the portal's version changed."""
    name, fix = "static files", "Run: manage.py collectstatic --no-input"
    listed = getattr(staticfiles_storage, "hashed_files", None)
    if listed is None:
        return well(name, "They are served from where they were written.")
    if not listed:
        return wrong(name, f"They were not collected in {settings.STATIC_ROOT}, so that every page fails.", fix)
    missing = [each for finder in get_finders() for each, _ in finder.list([]) if each not in listed]
    if missing:
        return wrong(name, f"{len(missing)} of them were not collected, {missing[0]} first, so that pages fail.", fix)
    path = Path(staticfiles_storage.path(listed[_STYLE]))
    if not path.exists():
        return wrong(name, f"{path.name} is listed and not there.", fix)
    return well(name, f"They are in {settings.STATIC_ROOT}.")
