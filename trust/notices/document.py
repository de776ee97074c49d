"""The signed document of a notice: checked against the schema of its kind, and as values. Plain Python."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785

from trust.notices.reading import Unreadable, read_object
from trust.notices.rules import REASONS, Kind
from trust.pki.schemas import Validator, registry

FORMAT = "trust-exchange/notice/1"
KINDS = frozenset(kind.value for kind in Kind)
FOLDER = Path(__file__).parent / "schemas"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


class NotANotice(Exception):
    """The document does not say what its kind must say. ``problems`` are sentences with the member's path first."""

    def __init__(self, problems: list[str], code: str = "schema") -> None:
        super().__init__(problems[0])
        self.problems = problems
        self.code = code


@dataclass(frozen=True)
class Document:
    """What a notice says, as values. Empty text where it says nothing."""

    kind: Kind
    message_id: str
    timestamp: datetime
    issuer: str  # slug of the organization that speaks
    partner: str  # slug of the organization that is spoken to
    effective_at: datetime | None
    action_required: str
    summary: str
    certificate_sha256: str
    certificate_serial: str  # lower-case hex without separators or leading zeros
    certificate_issuer: str
    certificate_issuer_sha256: str
    revocation_reason: str
    evidence_hash: str
    crl_url: str
    ocsp_url: str
    intent_of: str
    supersedes: str
    withdraws: str
    exception_reason: str
    tlp: str
    rehearsal: bool
    distress: bool
    valid_until: datetime | None
    replaces: tuple[Mapping[str, str], ...] = ()
    details: Any = None
    members: Mapping[str, Any] = field(default_factory=dict)


def read(content: bytes) -> Document:
    """Return what the signed bytes say. Raises Unreadable for what is no plain JSON, NotANotice for the wrong members."""
    return from_members(read_object(content))


def from_members(members: dict[str, Any]) -> Document:
    """Return the document as values. Raises NotANotice."""
    kind = _kind(members)
    problems = [
        f"{'/'.join(map(str, each.absolute_path)) or 'the notice'}: {each.message[:200]}"
        for each in sorted(_validator(kind).iter_errors(members), key=lambda each: list(map(str, each.absolute_path)))
    ]
    if problems:
        raise NotANotice(problems[:20])
    text = {name: value for name, value in members.items() if isinstance(value, str)}
    document = Document(
        kind=kind,
        message_id=text["message_id"],
        timestamp=_moment(text["timestamp"], "timestamp"),
        issuer=text["issuer"],
        partner=text["partner"],
        effective_at=_optional_moment(text, "effective_date"),
        action_required=text.get("action_required", ""),
        summary=text.get("summary", ""),
        certificate_sha256=hexadecimal(text.get("certificate_sha256", "")),
        certificate_serial=serial(text.get("certificate_serial", "")),
        certificate_issuer=text.get("certificate_issuer", ""),
        certificate_issuer_sha256=hexadecimal(text.get("certificate_issuer_sha256", "")),
        revocation_reason=text.get("revocation_reason", ""),
        evidence_hash=text.get("evidence_hash", ""),
        crl_url=text.get("crl_url", ""),
        ocsp_url=text.get("ocsp_url", ""),
        intent_of=text.get("intent_of", ""),
        supersedes=text.get("supersedes", ""),
        withdraws=text.get("withdraws", ""),
        exception_reason=text.get("exception_reason", ""),
        tlp=text.get("tlp", "TLP:AMBER"),
        rehearsal=members.get("rehearsal") is True,
        distress=members.get("distress") is True,
        valid_until=_optional_moment(text, "valid_until"),
        replaces=tuple(members.get("replaces", ())),
        details=members.get("details"),
        members=members,
    )
    _require_reason_agrees(document)
    return document


def canonical(members: Mapping[str, Any]) -> bytes:
    """Return the one byte form to sign: the JSON Canonicalization Scheme (RFC 8785)."""
    return rfc8785.dumps(dict(members))


def new_members(kind: Kind, *, issuer: str, partner: str, now: datetime, **members: Any) -> dict[str, Any]:
    """Return the members of a new notice; empty ones are left out."""
    found = {
        "format": FORMAT,
        "message_id": str(uuid.uuid4()),
        "timestamp": stamp(now),
        "event_type": kind.value,
        "issuer": issuer,
        "partner": partner,
    }
    return found | {name: value for name, value in members.items() if value not in ("", None, False, [], ())}


def stamp(moment: datetime) -> str:
    """Return a moment as notices write it: 2026-11-24T02:18:00Z."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def hexadecimal(text: str) -> str:
    """Return a fingerprint in lower-case hex without separators."""
    return re.sub(r"[^0-9a-f]", "", text.lower())


def serial(text: str) -> str:
    """Return a serial number in lower-case hex without separators and leading zeros."""
    found = hexadecimal(text.lower().removeprefix("0x"))
    return found.lstrip("0") or ("0" if found else "")


def _kind(members: Mapping[str, Any]) -> Kind:
    """Return the kind. The guide's section 6.2 calls the member event_type and its section 8.3 change_type; both may stand."""
    named = {members[name] for name in ("event_type", "change_type") if isinstance(members.get(name), str)}
    name = next(iter(named), "")
    if len(named) != 1 or name not in KINDS:
        raise NotANotice(["event_type: This is not a kind of notice that the portal knows."], code="unknown_kind")
    return Kind(name)


def _require_reason_agrees(document: Document) -> None:
    code = document.members.get("revocation_reason_code")
    if code is not None and REASONS.get(document.revocation_reason) != code:
        raise NotANotice(["revocation_reason_code: The number and the name are different reasons."])


def _moment(text: str, name: str) -> datetime:
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotANotice([f"{name}: This is no moment with a time zone, such as 2026-11-24T02:18:00Z."]) from error


def _optional_moment(text: Mapping[str, str], name: str) -> datetime | None:
    return _moment(text[name], name) if text.get(name) else None


def schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a kind, as it is published."""
    found: dict[str, Any] = json.loads((FOLDER / f"{kind.value}.json").read_text(encoding="utf-8"))
    return found


@cache
def _validator(kind: Kind) -> Validator:
    common = json.loads((FOLDER / "common.json").read_text(encoding="utf-8"))
    return Validator(schema(kind), registry=registry({"common.json": common}))


__all__ = [
    "Document",
    "NotANotice",
    "Unreadable",
    "canonical",
    "from_members",
    "new_members",
    "read",
    "schema",
    "serial",
]
