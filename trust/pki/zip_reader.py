"""Zip in its one unambiguous form (APPNOTE 6.3): entries from the first byte on without gaps, then the
directory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from trust.pki.archives import ArchiveError, Budget, Member
from trust.pki.display import escape

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIPTOR, _UTF8, _STRONG = 0x1, 0x8, 0x800, 0x40 | 0x2000
_UNIX = 3
_ZIP64 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Entry:
    name_bytes: bytes
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int
    mode: int

    @property
    def name(self) -> str:
        return self.name_bytes.decode("utf-8" if self.flags & _UTF8 else "cp437", errors="replace")

    @property
    def is_directory(self) -> bool:
        return self.name_bytes.endswith(b"/")


def read_zip(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the regular files in order. Raises ArchiveError at the first thing on which programs could
    disagree.
    """
    entries, directory = _read_directory(content)
    position = 0
    for entry in entries:
        budget.take_member()
        if entry.offset != position:
            raise ArchiveError("archive_ambiguous", reason="gaps or overlaps between entries")
        data, position = _read_entry(content, entry, budget)
        _refuse_irregular(entry)
        if not entry.is_directory:
            yield Member(entry.name, data)
    if position != directory:
        raise ArchiveError("archive_ambiguous", reason="data between the last entry and the directory")


def _read_directory(content: bytes) -> tuple[list[_Entry], int]:
    start = len(content) - _END.size
    if start < 0 or content[start : start + 4] != b"PK\x05\x06":
        raise ArchiveError("archive_ambiguous", reason="no end record as the very last bytes")
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(content, start)
    if disk or first_disk or here != count or comment or offset + size != start:
        raise ArchiveError("archive_ambiguous", reason="the end record does not fit the file")
    entries, position = [], offset
    for _ in range(count):
        entry, position = _read_central(content, position, start)
        entries.append(entry)
    if position != start:
        raise ArchiveError("archive_ambiguous", reason="the directory has more than it counts")
    return entries, offset


def _read_central(content: bytes, position: int, end: int) -> tuple[_Entry, int]:
    if position + _CENTRAL.size > end:
        raise ArchiveError("archive_unreadable", reason="the directory is cut off")
    (
        magic,
        made_by,
        _,
        flags,
        method,
        _,
        _,
        crc,
        compressed,
        size,
        name,
        extra,
        comment,
        disk,
        _,
        attributes,
        offset,
    ) = _CENTRAL.unpack_from(content, position)
    body = position + _CENTRAL.size
    if magic != b"PK\x01\x02" or disk or comment or body + name + extra > end:
        raise ArchiveError("archive_unreadable", reason="a broken directory entry")
    if _ZIP64 in (compressed, size, offset):
        raise ArchiveError("archive_unreadable", reason="zip64 is not taken")
    mode = attributes >> 16 if made_by >> 8 == _UNIX else 0
    entry = _Entry(content[body : body + name], flags, method, crc, compressed, size, offset, mode)
    return entry, body + name + extra


def _read_entry(content: bytes, entry: _Entry, budget: Budget) -> tuple[bytes, int]:
    body = _check_local(content, entry)
    shown = escape(entry.name, limit=200)
    if entry.flags & (_ENCRYPTED | _STRONG):
        raise ArchiveError("archive_unreadable", reason=f"{shown} is encrypted")
    packed = content[body : body + entry.compressed]
    if entry.method == _STORED:
        data, used = packed, len(packed)
    elif entry.method == _DEFLATED:
        data, used = budget.inflate(packed, window=-15)
    else:
        raise ArchiveError("archive_unreadable", reason=f"{shown} is compressed with method {entry.method}")
    budget.take(len(data))
    if used != entry.compressed or len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise ArchiveError("archive_ambiguous", reason=f"{shown} is not what its header says")
    return data, body + entry.compressed + _descriptor_size(content, entry, body + entry.compressed)


def _check_local(content: bytes, entry: _Entry) -> int:
    """Compare the header in front of the data with the directory; return where the data begins."""
    if entry.offset + _LOCAL.size > len(content):
        raise ArchiveError("archive_unreadable", reason="an entry lies outside the file")
    magic, _, flags, method, _, _, crc, compressed, size, name, extra = _LOCAL.unpack_from(content, entry.offset)
    start = entry.offset + _LOCAL.size
    sizes = (crc, compressed, size)
    described = flags & _DESCRIPTOR and sizes == (0, 0, 0)
    same = magic == b"PK\x03\x04" and (flags, method) == (entry.flags, entry.method)
    same = same and content[start : start + name] == entry.name_bytes
    if not same or not (described or sizes == (entry.crc, entry.compressed, entry.size)):
        raise ArchiveError("archive_ambiguous", reason="an entry and the directory disagree")
    return int(start + name + extra)


def _descriptor_size(content: bytes, entry: _Entry, position: int) -> int:
    if not entry.flags & _DESCRIPTOR:
        return 0
    expected = struct.pack("<LLL", entry.crc, entry.compressed, entry.size)
    if content[position : position + 16] == b"PK\x07\x08" + expected:
        return 16
    if content[position : position + 12] == expected:
        return 12
    raise ArchiveError("archive_ambiguous", reason="a data descriptor disagrees with the directory")


def _refuse_irregular(entry: _Entry) -> None:
    kind = entry.mode & 0o170000
    mislabeled = bool(kind) and (kind == 0o040000) is not entry.is_directory
    if kind not in (0, 0o100000, 0o040000) or mislabeled:
        raise ArchiveError(
            "archive_not_regular",
            member=escape(entry.name, limit=200),
            kind="link, device or mislabeled folder",
        )
