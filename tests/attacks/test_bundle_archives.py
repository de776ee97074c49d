"""Attacks through archives: what one program unpacks is not what another one sees."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from tests.makers import certificates as make
from tests.makers.packages import guide_members, tarred, zipped
from trust.pki.bundles import read_bundle
from trust.pki.secrets_scan import scan

MADE = make.hierarchy()
GOOD = guide_members(MADE)
ROOT = MADE.root.pem


def renamed_in_local_header() -> bytes:
    return zipped({"root-ca-cert.pem": ROOT}).replace(b"root-ca-cert.pem", b"toor-ca-cert.pem", 1)


def overlapping() -> bytes:
    """Two directory entries that point at the same data."""
    content = zipped({"a.pem": ROOT})
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[start:end]
    record = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(entry), start, 0)
    return content[:start] + entry + entry.replace(b"a.pem", b"b.pem") + record


def lying_size() -> bytes:
    content = zipped({"root.pem": ROOT})
    wrong = struct.pack("<L", len(ROOT) - 1)
    return content.replace(struct.pack("<L", len(ROOT)), wrong)


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("root.pem"), bytes(64 * 1024 * 1024), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def gzip_bomb() -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(machine.compress(bytes(1024 * 1024)) for _ in range(256)) + machine.flush()


def encrypted() -> bytes:
    content = bytearray(zipped({"root.pem": ROOT}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


ATTACKS = {
    "a path out of the folder": (zipped({"../root.pem": ROOT}), "archive_unsafe_name"),
    "an absolute path": (tarred({"/etc/root.pem": ROOT}), "archive_unsafe_name"),
    "a backslash path": (zipped({"a\\root.pem": ROOT}), "archive_unsafe_name"),
    "a drive": (zipped({"C:root.pem": ROOT}), "archive_unsafe_name"),
    "a direction override in a name": (zipped({"root\u202emep.txt": ROOT}), "archive_unsafe_name"),
    "a device name": (zipped({"aux.pem": ROOT}), "archive_unsafe_name"),
    "a symbolic link": (tarred({"root.pem": b""}, kind=tarfile.SYMTYPE), "archive_not_regular"),
    "a hard link": (tarred({"root.pem": b""}, kind=tarfile.LNKTYPE), "archive_not_regular"),
    "a device": (tarred({"root.pem": b""}, kind=tarfile.CHRTYPE), "archive_not_regular"),
    "a named pipe": (tarred({"root.pem": b""}, kind=tarfile.FIFOTYPE), "archive_not_regular"),
    "a name twice": (tarred([("root.pem", ROOT), ("root.pem", ROOT)]), "archive_ambiguous"),
    "names that differ in case": (zipped([("root.pem", ROOT), ("ROOT.pem", ROOT)]), "archive_ambiguous"),
    "names that differ between directory and entry": (renamed_in_local_header(), "archive_ambiguous"),
    "overlapping entries": (overlapping(), "archive_ambiguous"),
    "a size that lies": (lying_size(), "archive_ambiguous"),
    "data before the first entry": (b"#!/bin/sh\n" + zipped({"root.pem": ROOT}), "unknown_format"),
    "data behind the last record": (zipped({"root.pem": ROOT}) + b"more", "archive_ambiguous"),
    "two archives glued together": (zipped({"a.pem": ROOT}) + zipped({"b.pem": ROOT}), "archive_ambiguous"),
    "a tar behind a tar": (tarred({"a.pem": ROOT}) + tarred({"b.pem": ROOT}), "archive_ambiguous"),
    "two gzip members": (gzip.compress(tarred({"a.pem": ROOT})) * 2, "archive_ambiguous"),
    "an encrypted entry": (encrypted(), "archive_unreadable"),
    "an archive inside": (zipped(GOOD | {"more.pem": zipped(GOOD)}), "archive_nested"),
    "6,000 members": (zipped({f"{number}.pem": b"x" for number in range(6000)}), "archive_limit"),
    "64 MB in 64 kB": (bomb(), "archive_limit"),
    "256 MB in 250 kB": (gzip_bomb(), "archive_limit"),
    "a changed tar header": (tarred(GOOD).replace(b"root-ca-cert", b"rooo-ca-cert"), "archive_unreadable"),
    "a tar cut off": (tarred(GOOD)[:2048], "archive_"),
}


@pytest.mark.parametrize(("content", "code"), ATTACKS.values(), ids=ATTACKS.keys())
def test_is_refused(content, code):
    reading = read_bundle(content)

    assert reading.refused
    assert any(finding.code.startswith(code) for finding in reading.findings)


NOT_OPENED = ("archive_ambiguous", "archive_unreadable", "archive_limit", "archive_not_regular", "unknown_format")


@pytest.mark.parametrize(
    "content",
    [case for case, code in ATTACKS.values() if code in NOT_OPENED],
    ids=[name for name, (_, code) in ATTACKS.items() if code in NOT_OPENED],
)
def test_is_never_kept_when_it_could_not_be_searched_to_the_end(content):
    assert not scan(content).complete
