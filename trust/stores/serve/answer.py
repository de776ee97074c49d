"""The answer to a pull, the same whichever path gives it. No framework: status, headers and bytes.

RFC 9110 sections 8.8.3, 13.1.2 and 15.4.5 (ETag, If-None-Match, 304), RFC 9530 (Content-Digest), RFC 8246 (immutable).
"""

import base64
import re
from dataclasses import dataclass
from uuid import UUID

PREFIX = "/api/v1/trust-stores/"
_PATH = re.compile(
    r"/api/v1/trust-stores/(?P<name>[-a-zA-Z0-9_]{1,80})/"
    r"(?:current|versions/(?P<number>[1-9][0-9]{0,8}))\.(?P<extension>[a-z0-9][a-z0-9.-]{0,39})"
)
_TAG = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)')

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks for. ``number`` is None for the current version."""

    name: str
    number: int | None
    extension: str


@dataclass(frozen=True, slots=True)
class Served:
    """One artifact, ready to be sent. ``sha256`` is lower-case hex over exactly ``content``."""

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


def wanted(path: str) -> Wanted | None:
    """Return what a decoded path asks for, or None when it is not the address of an artifact."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    number = match["number"]
    return Wanted(match["name"], int(number) if number else None, match["extension"])


def headers(served: Served) -> Headers:
    """Return the headers of the full answer."""
    digest = base64.b64encode(bytes.fromhex(served.sha256)).decode("ascii")
    return [
        ("Content-Type", served.content_type),
        ("Content-Length", str(len(served.content))),
        ("Content-Disposition", f'attachment; filename="{served.name}-v{served.number}.{served.extension}"'),
        ("Content-Digest", f"sha-256=:{digest}:"),
        *_common(served),
    ]


def headers_not_modified(served: Served) -> Headers:
    """Return the headers of a 304: what the full answer would say, without what describes its content."""
    return _common(served)


def _common(served: Served) -> Headers:
    lasting = "private, no-cache" if served.current else "private, max-age=31536000, immutable"
    return [
        ("ETag", served.etag),
        ("Cache-Control", lasting),
        ("Vary", "Authorization, Cookie"),
        ("Content-Location", f"{PREFIX}{served.name}/versions/{served.number}.{served.extension}"),
        ("Trust-Store-Version", str(served.number)),
    ]


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
