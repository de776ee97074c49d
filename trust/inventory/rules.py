"""What is searched, filtered, exported and told about certificates and OpenPGP keys. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portal.spreadsheets import harmless

LONGEST_SEARCH = 300  # characters
LEAVES = (30, 15, 7)
ANCHORS = (365, 180, 90, 30)
# Days before the end at which owner and partner are told, once each (guide 6.3 and 8.1).
LADDERS: dict[str, tuple[int, ...]] = {
    "root": ANCHORS,
    "policy": ANCHORS,
    "issuing": LEAVES,
    "service": LEAVES,
    # The portal's own signed metadata: the root of a store as a TUF repository, which people sign.
    "metadata": ANCHORS,
    # A list of an offline CA; one that lives for days has no steps, since its next one is asked for by the hour.
    "crl": (*LEAVES, 1),
}
# Of a CRL a step is told only when it is less than this part of its life before the end.
CRL_PART = 0.5
HORIZON = timedelta(days=max(ANCHORS))
EXPIRED = 0  # the step that says that it is over
# Every number of days at which some certificate is told, the end itself among them.
STEPS = (*sorted({*LEAVES, *ANCHORS}, reverse=True), EXPIRED)
LATE = timedelta(days=7)  # what ended longer ago than this when it is first seen is not told any more

EVENTS = {
    "inventory.expires_soon": "{label} of {organization} expires in {days} days",
    "inventory.metadata_expires_soon": "{label} ends in {days} days",
    "inventory.expired": "{label} of {organization} has expired",
    "inventory.service_certificate_added": "{actor} added a certificate of {service} to the inventory of {organization}",
    "inventory.service_certificate_retired": "{actor} took a certificate of {service} out of the inventory",
}


class Kind(StrEnum):
    """What a line of the inventory is about."""

    CA = "ca"
    SERVICE = "service"
    KEY = "key"


KIND_LABELS = {Kind.CA: "CA certificates", Kind.SERVICE: "Service certificates", Kind.KEY: "OpenPGP keys"}


class State(StrEnum):
    """How a line stands; the values are those of ``portal.states`` for certificates and keys."""

    PENDING = "pending"
    TRUSTED = "trusted"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed: ``hex``, in lower case, when it can be a fingerprint or serial number, and ``text`` when it can be words."""

    hex: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.hex or self.text)

    @property
    def serial(self) -> str:
        """The serial number as certificates have it here, without leading zeros; "" when none was typed."""
        return self.hex.lstrip("0") or "0" if self.hex else ""

    @property
    def start(self) -> str:
        """The beginning of a fingerprint or key hash; "" when it is too short to be meant as one."""
        return self.hex if len(self.hex) >= SHORTEST_START else ""


SHORTEST_START = 4  # hex digits: one group, as fingerprints are written
_SURELY_HEX = 16  # hex digits; below that "2026" may be a year in a name
_SEPARATORS = re.compile(r"[\s:.\-–]+")
# As openssl, browsers and this portal write before one: "sha256 Fingerprint=", "SHA-256: ", "Serial Number: 0x".
_PREFIX = re.compile(r"^((sha-?256|serial)\s*(fingerprint|number)?[\s:=]*)?(0x)?", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]+")


def search(typed: str) -> Search:
    """Read what was typed: a fingerprint, key hash or serial number in any spacing and case, or words of a name."""
    typed = typed.strip()[:LONGEST_SEARCH]
    bare = _PREFIX.sub("", typed)
    packed = _SEPARATORS.sub("", bare).lower()
    # Words like "face" are hex too: without a digit and shorter than that, they are words.
    if not _HEX.fullmatch(packed) or (len(packed) < _SURELY_HEX and not any(each.isdigit() for each in packed)):
        return Search(text=typed)
    surely = len(packed) >= _SURELY_HEX or bare != typed or ":" in typed
    return Search(hex=packed, text="" if surely else typed)


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show. Empty members do not filter. ``side``: "own" or "partner"; ``expiring`` in days."""

    kind: str = ""
    side: str = ""
    partnership: str = ""
    state: str = ""
    expiring: int | None = None
    search: Search = field(default_factory=Search)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the inventory, with the columns of the guide's table (6.3). Text is escaped for display already."""

    kind: str
    owner: str
    partnerships: tuple[str, ...]
    common_name: str
    subject: str
    alternative_names: tuple[str, ...]
    issuer: str
    serial_number: str
    sha256: str
    spki_sha256: str
    not_before: datetime | None
    not_after: datetime | None
    key_algorithm: str
    key_size: int | None
    signature_algorithm: str
    extended_key_usage: tuple[str, ...]
    certificate_policies: tuple[str, ...]
    crl_distribution_points: tuple[str, ...]
    ocsp_responders: tuple[str, ...]
    tier: str
    state: str
    service_name: str = ""
    environment: str = ""
    team_owner: str = ""
    created_at: datetime | None = None
    revoked_at: datetime | None = None
    revocation_reason: str = ""
    # The address of its page. Exports leave it out: they are read elsewhere.
    url: str = ""

    def days_left(self, now: datetime) -> int | None:
        """Return the whole days until the end; negative afterwards, None when there is no end."""
        return (self.not_after - now).days if self.not_after else None


COLUMNS = tuple(name for name in Row.__dataclass_fields__ if name != "url")


def csv_cells(row: Row) -> list[str]:
    """Return the cells of a row in the order of ``COLUMNS``; none is a formula to a spreadsheet."""
    return [harmless(_text(getattr(row, name))) for name in COLUMNS]


def json_object(row: Row) -> dict[str, object]:
    """Return a row as plain JSON; moments are ISO 8601 in UTC, and what is not known is null."""
    said = asdict(row)
    return {name: each.isoformat() if isinstance(each := said[name], datetime) else each for name in COLUMNS}


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(str(each) for each in value)
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def steps(tier: str, *, begins_at: datetime | None, ends_at: datetime) -> tuple[int, ...]:
    """Return the days before the end at which a thing of this tier is told, without those that its life does not have.

    A certificate of 30 days is not told on its first day; of a CRL only the second half of its life counts.
    """
    if begins_at is None:
        return LADDERS[tier]
    life = (ends_at - begins_at) * (CRL_PART if tier == "crl" else 1)
    return tuple(days for days in LADDERS[tier] if timedelta(days=days) < life)


def step(
    tier: str, *, ends_at: datetime, told: int | None, now: datetime, begins_at: datetime | None = None
) -> int | None:
    """Return the step of the ladder that is due to be told, or None.

    That is the smallest step reached and not told yet, so that somebody who was away hears once and not four times;
    ``EXPIRED`` when it is over. ``told`` is the smallest step told so far.
    """
    if ends_at <= now:
        return EXPIRED if told != EXPIRED and now - ends_at <= LATE else None
    ladder = steps(tier, begins_at=begins_at, ends_at=ends_at)
    reached = [days for days in ladder if ends_at - now <= timedelta(days=days)]
    due = min(reached, default=None)
    return due if due is not None and (told is None or due < told) else None


def clause_counts(sources: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return how often each clause is broken, in the order of the clauses; keys are citations like "Agreement 4.2"."""

    def order(source: str) -> tuple[int, ...]:
        number = source.rpartition(" ")[2]
        return tuple(int(part) for part in number.split(".") if part.isdigit())

    return sorted(sources.items(), key=lambda each: order(each[0]))
