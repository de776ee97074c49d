"""An archive as its list of regular files, or the reasons why it is not taken."""

from __future__ import annotations

from collections.abc import Iterator

from trust.pki.archives import (
    ArchiveError,
    Budget,
    Container,
    Member,
    Unpacked,
    container_of,
    folded,
    gunzip,
    name_finding,
)
from trust.pki.codes import finding
from trust.pki.display import escape
from trust.pki.findings import Finding
from trust.pki.tar_reader import read_tar
from trust.pki.zip_reader import read_zip


def unpack(content: bytes, budget: Budget) -> Unpacked:
    """Read every regular file of a zip, tar or gzip into memory. Never raises for hostile input.

    A gzip file that does not hold a tar becomes one member with an empty name. When reading has to stop,
    the members that were read before are returned with the finding, so that they can still be searched for
    secrets.
    """
    members: list[Member] = []
    findings: list[Finding] = []
    try:
        for member in _members(content, budget):
            members.append(member)
    except ArchiveError as error:
        findings.append(error.finding)
    names = [member.name for member in members if member.name]
    findings += [problem for name in names if (problem := name_finding(name)) is not None]
    findings += _collisions(names)
    return Unpacked(tuple(members), tuple(findings))


def _members(content: bytes, budget: Budget) -> Iterator[Member]:
    kind = container_of(content)
    if kind is Container.GZIP:
        content = gunzip(content, budget)
        kind = container_of(content)
        if kind is not Container.TAR:
            yield Member("", content)
            return
    if kind is Container.TAR:
        yield from read_tar(content, budget)
    else:
        yield from read_zip(content, budget)


def _collisions(names: list[str]) -> list[Finding]:
    seen: set[str] = set()
    doubled = []
    for name in names:
        if folded(name) in seen:
            doubled.append(name)
        seen.add(folded(name))
    return [
        finding("archive_ambiguous", reason=f"more than one member is named {escape(name, limit=200)}")
        for name in doubled
    ]
