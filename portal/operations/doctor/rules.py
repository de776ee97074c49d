"""What a finding is, how versions and ages are judged, and what the doctor's exit status means. Plain Python."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """How bad a finding is."""

    WELL = "well"
    WARNING = "warning"
    WRONG = "wrong"


# As monitoring plugins say it: 0 well, 1 warnings, 2 something is wrong.
EXIT = {State.WELL: 0, State.WARNING: 1, State.WRONG: 2}
_WORST_FIRST = (State.WRONG, State.WARNING, State.WELL)


@dataclass(frozen=True)
class Finding:
    """What one check found: its name, how bad it is, one sentence, and how to mend it (empty when well). Holds no secret."""

    name: str
    state: State
    said: str
    fix: str = ""


def well(name: str, said: str) -> Finding:
    """Return a finding that there is nothing to do."""
    return Finding(name, State.WELL, said)


def warning(name: str, said: str, fix: str) -> Finding:
    """Return a finding to look at, with which the portal still works."""
    return Finding(name, State.WARNING, said, fix)


def wrong(name: str, said: str, fix: str) -> Finding:
    """Return a finding that stops the portal or a part of it, or endangers it."""
    return Finding(name, State.WRONG, said, fix)


def worst(findings: Iterable[Finding]) -> State:
    """Return the worst state of all findings."""
    return min((each.state for each in findings), key=_WORST_FIRST.index, default=State.WELL)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of the first version in a text: "gpg (GnuPG) 2.2.40" gives (2, 2, 40); empty if there is none."""
    found = re.search(r"\d+(?:\.\d+)+", version)
    return tuple(int(each) for each in found[0].split(".")) if found else ()


def tool(name: str, version: str | None, *, least: tuple[int, ...], package: str) -> Finding:
    """Judge a program by the version that it reports; None when it cannot be started."""
    wanted = ".".join(str(each) for each in least)
    fix = f"Install {name} {wanted} or newer: on Debian and Ubuntu apt-get install {package}."
    if version is None:
        return wrong(name, "It cannot be started, so nothing can be checked with it.", fix)
    if numbers(version) < least:
        return wrong(name, f"{version} is older than {wanted}.", fix)
    return well(name, f"{version}.")


# Tokens of sign-in codes and freshness of notices count in half minutes and minutes.
SKEW_WARNING = timedelta(seconds=2)
SKEW_WRONG = timedelta(seconds=30)


def skew(ours: datetime, theirs: datetime, whose: str) -> Finding:
    """Judge the difference between this machine's clock and another's."""
    apart = abs(ours - theirs)
    said = f"This machine's clock and {whose} are {apart.total_seconds():.1f} s apart."
    fix = "Let both machines follow a time server (chrony or systemd-timesyncd)."
    if apart > SKEW_WRONG:
        return wrong("clock", said, fix)
    return warning("clock", said, fix) if apart > SKEW_WARNING else well("clock", said)


SPACE_WRONG = 200 * 1024 * 1024  # bytes
SPACE_WARNING = 0.1  # of the disk


def space(name: str, path: str, *, free: int, total: int) -> Finding:
    """Judge the space that is left, in bytes, where something is written."""
    said = f"{free / 1024**3:.1f} GiB of {total / 1024**3:.1f} GiB are free at {path}."
    fix = f"Make room at {path}: a database on a full disk refuses every change, revocations too."
    if free < SPACE_WRONG:
        return wrong(name, said, fix)
    return warning(name, said, fix) if total and free / total < SPACE_WARNING else well(name, said)


def open_to_others(mode: int) -> bool:
    """Say whether a file's mode lets others than its owner and group read, write or enter it."""
    return bool(mode & 0o007)
