"""How long metadata lasts, when it is signed again, when somebody is told, and what targets are called. Plain Python."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
ONLINE_ROLES = (TARGETS, SNAPSHOT, TIMESTAMP)

LIFE = {
    ROOT: timedelta(days=365),
    TARGETS: timedelta(days=90),
    SNAPSHOT: timedelta(days=90),
    # Short, since this is how an agent notices that it is kept from news.
    TIMESTAMP: timedelta(hours=24),
}
# What is left of its life when a role is signed again. The timestamp every hour, so that one missed run is no matter.
SIGN_AGAIN_BELOW = {TARGETS: 0.5, SNAPSHOT: 0.5, TIMESTAMP: 23 / 24}
ALARM_BELOW = 1 / 3

ORIGINALS, KEYS = "originals", "keys"
_METADATA = re.compile(r"(?:(?P<bare>timestamp)|(?P<version>[1-9][0-9]{0,8})\.(?P<role>root|snapshot|targets))\.json")
_TARGET = re.compile(r"(?P<folder>(?:[a-z]+/)?)(?P<sha256>[0-9a-f]{64})\.(?P<file>[A-Za-z0-9][A-Za-z0-9._-]{0,150})")


@dataclass(frozen=True)
class MetadataName:
    """Which metadata a file name stands for; ``version`` is None for the one timestamp that there is."""

    role: str
    version: int | None


@dataclass(frozen=True)
class TargetName:
    """Which target an address stands for: its path in the signed list, and the SHA-256 (hex) that stands before the file's name."""

    path: str
    sha256: str


def metadata_name(file: str) -> MetadataName | None:
    """Return what a file below ``metadata/`` is, or None when the name is none of a consistent snapshot."""
    match = _METADATA.fullmatch(file)
    if match is None:
        return None
    return MetadataName(match["bare"] or match["role"], int(match["version"]) if match["version"] else None)


def asks_for_news(file: str) -> bool:
    """Say whether a file below ``metadata/`` is the one that every client asks for each time, whether or not anything is new."""
    return file == f"{TIMESTAMP}.json"


def target_name(path: str) -> TargetName | None:
    """Return what a path below ``targets/`` is, or None when it does not begin with a digest."""
    match = _TARGET.fullmatch(path)
    if match is None:
        return None
    return TargetName(match["folder"] + match["file"], match["sha256"])


def artifact_path(store: str, extension: str) -> str:
    """Return the path of the store in one format."""
    return f"{store}.{extension}"


def original_path(sha256: str) -> str:
    """Return the path of what a partner submitted; its detached signature, if there is one, is beside it with ``.sig``."""
    return f"{ORIGINALS}/{sha256}"


def key_path(fingerprint: str) -> str:
    """Return the path of the OpenPGP key that signed a submission."""
    return f"{KEYS}/{fingerprint}.asc"


def expires_at(role: str, now: datetime) -> datetime:
    """Return until when metadata signed now lasts, to the second, as TUF writes it."""
    return (now + LIFE[role]).astimezone(UTC).replace(microsecond=0)


def life_left(role: str, expires: datetime, now: datetime) -> float:
    """Return which part of its life metadata still has; below zero when it expired."""
    return (expires - now) / LIFE[role]


def must_sign_again(role: str, expires: datetime, now: datetime) -> bool:
    """Say whether an online role is due."""
    return life_left(role, expires, now) < SIGN_AGAIN_BELOW[role]


def is_alarming(role: str, expires: datetime, now: datetime) -> bool:
    """Say whether so little is left that somebody must look: nobody signed in time."""
    return life_left(role, expires, now) < ALARM_BELOW
