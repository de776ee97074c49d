"""Zip, tar and gzip, read into memory member by member, and only in the one form on which all programs agree.

Archives have room for lies: entries that overlap, names that differ between directory and entry, data
before the first and after the last record, links that leave the folder. Such an archive shows one content
to the checker and another to the consumer. So these readers follow the bytes from the first to the last,
account for each of them, and stop at anything unusual. Nothing is ever written to disk.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from enum import Enum

from trust.pki.codes import fill, finding
from trust.pki.display import escape, marks
from trust.pki.findings import Finding
from trust.pki.intake_limits import Limits


class Container(Enum):
    """What kind of archive the first bytes announce."""

    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file of an archive. `name` is as in the archive: escape it before showing."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an archive holds and what is wrong with it. With findings, members are for the secrets scan
    only.
    """

    members: tuple[Member, ...]
    findings: tuple[Finding, ...]


class ArchiveError(Exception):
    """Reading cannot go on; carries the finding that says why."""

    def __init__(self, code: str, **words: object) -> None:
        super().__init__(code)
        self.finding = fill(code, words)


def container_of(content: bytes) -> Container | None:
    """Tell the kind of archive from the first bytes, None for anything else."""
    if content[:2] == b"\x1f\x8b":
        return Container.GZIP
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return Container.ZIP
    if content[257:262] == b"ustar":
        return Container.TAR
    return None


class Budget:
    """What may still be unpacked of one upload, counted while reading."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._members = limits.members
        self._bytes = limits.unpacked

    def take_member(self) -> None:
        """Count one member. Raises ArchiveError when there are too many."""
        self._members -= 1
        if self._members < 0:
            raise ArchiveError("archive_limit", reason=f"more than {self._limits.members} members")

    def take(self, size: int) -> None:
        """Count `size` unpacked bytes. Raises ArchiveError when they are too many."""
        if size > self._limits.member:
            raise ArchiveError("archive_limit", reason=f"a member of more than {self._limits.member} bytes")
        self._bytes -= size
        if self._bytes < 0:
            raise ArchiveError("archive_limit", reason=f"more than {self._limits.unpacked} bytes unpacked")

    def inflate(self, data: bytes, *, window: int, whole: bool = False) -> tuple[bytes, int]:
        """Decompress a deflate stream at the start of `data`; return its contents and how much of `data` it
        used.

        `window` as in zlib: -15 for raw deflate, 31 for gzip. `whole` allows the limit of a whole archive
        instead of that of a member. Raises ArchiveError for broken streams and for more than the limits or
        the ratio allow.
        """
        limit = min(self._limits.unpacked if whole else self._limits.member, self._bytes)
        machine = zlib.decompressobj(window)
        try:
            content = machine.decompress(data, limit + 1)
        except zlib.error as error:
            raise ArchiveError("archive_unreadable", reason=escape(str(error))) from None
        if len(content) > limit:
            raise ArchiveError("archive_limit", reason=f"more than {limit} bytes unpacked")
        if not machine.eof:
            raise ArchiveError("archive_unreadable", reason="the compressed data is cut off")
        used = len(data) - len(machine.unused_data)
        # Small files may compress well; a ratio means something from a few kilobytes on.
        if len(content) > 64 * 1024 and len(content) > used * self._limits.ratio:
            raise ArchiveError("archive_limit", reason=f"compressed more than {self._limits.ratio} times")
        return content, used


def gunzip(content: bytes, budget: Budget) -> bytes:
    """Unpack a gzip file of exactly one member (RFC 1952 2.2). Raises ArchiveError."""
    unpacked, used = budget.inflate(content, window=31, whole=True)
    if used != len(content):
        raise ArchiveError("archive_ambiguous", reason="data after the end of the gzip member")
    return unpacked


_DEVICE_NAMES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def name_finding(name: str) -> Finding | None:
    """Return why a member's name is not taken, None for a plain relative path of printable characters."""
    reason = _bad_name(name)
    return finding("archive_unsafe_name", member=escape(name, limit=200), reason=reason) if reason else None


def _bad_name(name: str) -> str | None:
    parts = name.split("/")
    checks = (
        (not name or len(name) > 200, "empty or too long"),
        ("\\" in name, "a backslash"),
        (name.startswith("/") or bool(re.match(r"[A-Za-z]:", name)), "an absolute path"),
        (".." in parts, "it leaves the folder"),
        (any(part in ("", ".") for part in parts), "an empty path segment"),
        (bool(marks(name)), "characters outside plain ASCII"),
        (any(_DEVICE_NAMES.fullmatch(part) for part in parts), "a device name"),
        (any(part != part.rstrip(" .") for part in parts), "a trailing dot or space"),
    )
    return next((reason for bad, reason in checks if bad), None)


def folded(name: str) -> str:
    """The form in which two names would be the same file on some system."""
    return unicodedata.normalize("NFKC", name).casefold()
