"""Tar in its plain forms (POSIX ustar, GNU without extensions, pax with harmless records)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trust.pki.archives import ArchiveError, Budget, Member
from trust.pki.display import escape

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_REGULAR, _DIRECTORY, _PAX, _PAX_GLOBAL = b"0", b"5", b"x", b"g"
_KINDS = {
    b"1": "hard link",
    b"2": "symbolic link",
    b"3": "device",
    b"4": "device",
    b"6": "named pipe",
    b"L": "GNU long name",
    b"K": "GNU long link",
    b"S": "sparse file",
}
# Records that change what a member is or where it goes. Everything else (times, owners, comments) is skipped.
_PAX_REFUSED = ("path", "linkpath", "size", "GNU.sparse", "SCHILY.filetype", "hdrcharset")


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    size: int
    kind: bytes


def read_tar(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the regular files in order. Raises ArchiveError at the first thing on which programs could
    disagree.
    """
    if len(content) % _BLOCK:
        raise ArchiveError("archive_unreadable", reason="the length is not a multiple of 512")
    position = 0
    while content[position : position + _BLOCK] not in (_ZEROS, b""):
        header = _read_header(content[position : position + _BLOCK])
        budget.take_member()
        start = position + _BLOCK
        end = start + header.size
        if end > len(content):
            raise ArchiveError("archive_unreadable", reason="a member is cut off")
        position = -(-end // _BLOCK) * _BLOCK
        data = content[start:end]
        budget.take(len(data))
        if any(content[end:position]):
            raise ArchiveError("archive_ambiguous", reason="padding that is not empty")
        if (member := _member(header, data)) is not None:
            yield member
    if content[position:].strip(b"\x00") or len(content) - position < _BLOCK:
        raise ArchiveError("archive_ambiguous", reason="data after the end mark, or no end mark")


def _member(header: _Header, data: bytes) -> Member | None:
    if header.kind in (_PAX, _PAX_GLOBAL):
        _check_pax(data)
        return None
    if header.kind == _DIRECTORY and not data:
        return None
    if header.kind != _REGULAR or header.name.endswith("/"):
        kind = _KINDS.get(header.kind, "member of an unknown kind")
        raise ArchiveError("archive_not_regular", member=escape(header.name, limit=200), kind=kind)
    return Member(header.name.removeprefix("./"), data)


def _read_header(block: bytes) -> _Header:
    if block[257:262] != b"ustar":
        raise ArchiveError("archive_unreadable", reason="a header without the ustar mark")
    if _octal(block[148:156]) != sum(block[:148]) + 8 * 0x20 + sum(block[156:]):
        raise ArchiveError("archive_unreadable", reason="a header with a wrong checksum")
    name, kind = _text(block[:100]), block[156:157]
    # The prefix belongs to POSIX headers only; GNU keeps times there.
    prefix = _text(block[345:500]) if block[262:265] == b"\x0000" else ""
    return _Header(f"{prefix}/{name}" if prefix else name, _octal(block[124:136]), _REGULAR if kind == b"\0" else kind)


def _octal(field: bytes) -> int:
    digits = field.strip(b" \x00")
    if not digits or digits.strip(b"01234567"):
        raise ArchiveError("archive_unreadable", reason="a number that is not octal")
    return int(digits, 8)


def _text(field: bytes) -> str:
    return field.split(b"\x00", 1)[0].decode("utf-8", errors="replace")


def _check_pax(data: bytes) -> None:
    """Refuse extended records that change names, sizes or kinds. Records are `length key=value` lines."""
    position = 0
    while position < len(data):
        digits, space, _ = data[position : position + 12].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = data[position : position + length]
        if length <= len(digits) + 1 or not record.endswith(b"\n"):
            raise ArchiveError("archive_unreadable", reason="a broken pax record")
        key = record[len(digits) + 1 :].partition(b"=")[0].decode("utf-8", errors="replace")
        if key.startswith(_PAX_REFUSED):
            raise ArchiveError("archive_ambiguous", reason=f"the pax record {escape(key, limit=60)}")
        position += length
