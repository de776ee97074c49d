"""`manifest.json` of a package: what its signature alone does not say.

An OpenPGP signature proves that the key's holder signed these bytes once. For whom, when, and whether they are the latest is bound
here, inside the signed content. The form is that of `manifest.schema.json`, which is published.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from trust.pki.codes import finding
from trust.pki.display import escape
from trust.pki.findings import Finding
from trust.pki.schemas import Validator
from trust.pki.strict_json import BadJson, read_json

FORMAT = "partner-trust-exchange/package"
SCHEMA_PATH = Path(__file__).with_name("manifest.schema.json")
_LARGEST = 64 * 1024
# An offline signing day: the manifest is made, carried to where the key is, and signed.
SIGNED_WITHIN = timedelta(hours=24)
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says. `partner` and `audience` are short names (slugs); `files` are SHA-256 by path from its folder.

    `environment` and `purpose` are empty where it does not say them.
    """

    partner: str
    audience: str
    sequence: int
    created: datetime
    files: Mapping[str, str]
    environment: str = ""
    purpose: str = ""


@cache
def _validator() -> Validator:
    return Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def read_manifest(where: str, content: bytes) -> tuple[Manifest | None, tuple[Finding, ...]]:
    """Read a manifest strictly (RFC 8259, RFC 7493, and its schema): the manifest, or why it cannot be used. Never raises.

    `where` is its escaped name.
    """
    try:
        document = read_json(content, limit=_LARGEST)
        return _valid(document), ()
    except BadJson as error:
        reason = escape(str(error), limit=300)
    return None, (finding("manifest_unreadable", where=where, reason=reason),)


def _valid(document: Any) -> Manifest:
    wrong = min(_validator().iter_errors(document), key=lambda error: list(map(str, error.absolute_path)), default=None)
    if wrong is not None:
        place = ".".join(str(step) for step in wrong.absolute_path)
        raise BadJson(f"{place}: {wrong.message}" if place else wrong.message)
    try:
        created = datetime.strptime(document["created"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadJson(f"created: {document['created']} is not a day and time") from None
    return Manifest(
        partner=document["partner"],
        audience=document["audience"],
        # JSON knows no integers of its own: 3.0 is one to the schema.
        sequence=int(document["sequence"]),
        created=created,
        files=dict(document["files"]),
        environment=document.get("environment", ""),
        purpose=document.get("purpose", ""),
    )


def check_files(manifest: Manifest, members: Mapping[str, bytes]) -> Iterator[Finding]:
    """Yield where the package differs from what its manifest lists.

    `members` are all files but the manifest, by their path from its folder.
    """
    for name, digest in sorted(manifest.files.items()):
        shown = escape(name, limit=200)
        if name not in members:
            yield finding("manifest_file_missing", member=shown)
        elif hashlib.sha256(members[name]).hexdigest() != digest:
            yield finding("manifest_file_differs", member=shown)
    for name in sorted(members.keys() - manifest.files.keys()):
        yield finding("manifest_file_unlisted", member=escape(name, limit=200))


def check_parties(manifest: Manifest, *, partner: str, audience: str) -> Iterator[Finding]:
    """Yield what is wrong with who sends the package to whom; both as short names."""
    if manifest.partner != partner:
        yield finding("manifest_partner", said=escape(manifest.partner), partner=escape(partner))
    if manifest.audience != audience:
        yield finding("manifest_audience", said=escape(manifest.audience), audience=escape(audience))


def check_created(manifest: Manifest, signed_at: datetime) -> Iterator[Finding]:
    """Yield a finding unless the manifest was made shortly before the signature."""
    if not -CLOCK_SKEW <= signed_at - manifest.created <= SIGNED_WITHIN:
        yield finding("manifest_created", created=_moment(manifest.created), signed=_moment(signed_at))


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M UTC")
