"""The answer to a pull, the same whichever path gives it. No framework: status, headers and bytes.

RFC 9110 sections 8.8.3, 13.1.2 and 15.4.5 (ETag, If-None-Match, 304), RFC 9530 (Content-Digest), RFC 8246 (immutable). A range is
never served: half a trust store is none.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from trust.stores import formats, rules
from trust.stores.serve import coding
from trust.stores.serve.bodies import Body

PREFIX = "/api/v1/trust-stores/"
SHORT_PREFIX = "/trust/"
PREFIXES = (PREFIX, SHORT_PREFIX)
_PATH = re.compile(
    r"/api/v1/trust-stores/(?P<name>[-a-zA-Z0-9_]{1,80})/"
    r"(?:current|versions/(?P<number>[1-9][0-9]{0,8}))\.(?P<extension>[a-z0-9][a-z0-9.-]{0,39})"
)
_SHORT_PATH = re.compile(r"/trust/(?P<partner>[-a-zA-Z0-9_]{1,75})/ca")
_TAG = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)')

LOSES = "Trust-Store-Loses"
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks for. ``number`` is None for the current version."""

    name: str
    number: int | None
    extension: str


@dataclass(frozen=True, slots=True)
class Served:
    """One artifact. ``sha256`` is lower-case hex over exactly ``content``."""

    store_id: UUID
    name: str
    number: int
    extension: str
    content_type: str
    content: bytes
    sha256: str
    current: bool

    @property
    def etag(self) -> str:
        """Return the strong entity tag: the digest of the exact bytes."""
        return f'"{self.sha256}"'


@dataclass(frozen=True, slots=True)
class Representation:
    """One artifact in one content coding, ready to be sent; each coding has an entity tag of its own."""

    etag: str
    kept: Body
    full: Headers
    not_modified: Headers

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        return self.kept.content


def wanted(path: str) -> Wanted | None:
    """Return what a decoded path asks for, or None when it is not the address of an artifact.

    ``/trust/{partner}/ca`` is a short address of the partner's first store, as PEM.
    """
    match = _PATH.fullmatch(path)
    if match is not None:
        number = match["number"]
        return Wanted(match["name"], int(number) if number else None, match["extension"])
    short = _SHORT_PATH.fullmatch(path)
    return Wanted(rules.store_name(short["partner"], "prod"), None, "pem") if short else None


def plain(served: Served) -> Representation:
    """Return the artifact as it was published."""
    digest = base64.b64encode(bytes.fromhex(served.sha256)).decode("ascii")
    return _representation(served, served.etag, digest, served.content)


def compressed(served: Served) -> Representation | None:
    """Return the artifact in gzip, or None where that does not pay. May take some milliseconds; the result should be kept."""
    packed = coding.packed(served.sha256, served.content)
    if packed is None:
        return None
    digest = base64.b64encode(bytes.fromhex(packed.sha256)).decode("ascii")
    return _representation(served, f'"{packed.sha256}"', digest, packed.content, ("Content-Encoding", "gzip"))


def _representation(served: Served, etag: str, digest: str, body: bytes, *more: tuple[str, str]) -> Representation:
    lasting = "private, no-cache" if served.current else "private, max-age=31536000, immutable"
    common = [
        ("ETag", etag),
        ("Cache-Control", lasting),
        ("Vary", "Accept-Encoding, Authorization, Cookie"),
        ("Content-Location", f"{PREFIX}{served.name}/versions/{served.number}.{served.extension}"),
        ("Trust-Store-Version", str(served.number)),
    ]
    full = [
        ("Content-Type", served.content_type),
        ("Content-Length", str(len(body))),
        ("Content-Disposition", f'attachment; filename="{served.name}-v{served.number}.{served.extension}"'),
        ("Content-Digest", f"sha-256=:{digest}:"),
        *more,
        *common,
    ]
    format_ = formats.BY_EXTENSION.get(served.extension)
    if format_ is not None and format_.loses:
        # What a program that reads only this file does not learn: the JSON format has it.
        full.append((LOSES, ", ".join(format_.loses)))
    return Representation(etag, Body(body), full, common)


def choose(
    as_published: Representation,
    in_gzip: Callable[[], Representation | None],
    accept_encoding: str | None,
    if_none_match: str | None,
) -> tuple[Representation, bool]:
    """Return the representation to answer with, and whether the asker has it already.

    An asker that has either coding has the store: its tag is confirmed, whatever coding it asks for now. ``in_gzip`` is called
    only where it matters.
    """
    if if_none_match == as_published.etag and not accept_encoding:
        return as_published, True
    best = as_published
    if accept_encoding and coding.takes_gzip(accept_encoding[:200]):
        best = in_gzip() or as_published
    if if_none_match:
        if not_modified(if_none_match, best.etag):
            return best, True
        other = in_gzip() if best is as_published else as_published
        if other is not None and not_modified(if_none_match, other.etag):
            return other, True
    return best, False


def has_version(status: int, method: str, if_none_match: str | None) -> bool:
    """Say whether whoever got this answer has the version then. By HEAD nobody takes one, and ``*`` names none."""
    return (if_none_match or "").strip() != "*" if status == 304 else method == "GET"


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """Say whether the asker has these bytes already, by weak comparison (RFC 9110 section 13.1.2).

    A header that is not a list of entity tags is ignored, so that the full answer is sent.
    """
    if not if_none_match:
        return False
    if if_none_match == etag:
        return True
    if if_none_match.strip() == "*":
        return True
    position, opaque = 0, etag[1:-1]
    found = False
    while position < len(if_none_match):
        match = _TAG.match(if_none_match, position)
        if match is None:
            return False
        found = found or match[1] == opaque
        position = match.end()
    return found
