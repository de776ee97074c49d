"""Events as lines of a timeline: a sentence, when, an icon, for the reader's own organization. Reads only what was recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from uuid import UUID

from portal.audit import sentences
from portal.audit.models import Event
from portal.organizations.models import Organization
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership

# By the first part of the kind: "submission.accepted" is about a submission. The icon is decoration, the sentence says it.
_ICONS = {
    "organization": "building",
    "member": "users",
    "api_token": "key",
    "partnership": "building",
    "contact": "phone",
    "key": "key",
    "verification": "phone-call",
    "agreement": "signature",
    "submission": "upload",
    "certificate": "certificate",
    "store": "stack-2",
    "version": "stack-2",
    "consumer": "server",
    "notice": "bell-ringing",
    "notice_feed": "bell-ringing",
    "acknowledgement": "check",
    "webhook": "webhook",
    "banner": "info-circle",
    "delivery": "webhook",
    "mail": "mail",
    "revocation": "ban",
    "crl": "ban",
    "onboarding": "list-check",
    "task": "list-check",
}
_TINTS = {
    "bad": ("quarantined", "mismatch", "refused", "revoked", "overdue", "failed", "suspended", "undeliverable"),
    "ok": ("accepted", "published", "approved", "verified", "acknowledged", "done", "signed", "confirmed", "activated"),
    "warn": ("escalated", "stopped", "silent", "expired", "withdrawn", "reminded"),
}


# Steps inside a call: its record has them, and on Home they would push everything else out of the last day.
STEPS = (
    "verification.joined",
    "verification.code_matched",
    "verification.source_named",
    "verification.group_differs",
    "verification.paused",
    "verification.resumed",
    "verification.read_back",
)


@dataclass(frozen=True)
class Line:
    """One event as people read it. ``by`` is who caused it; ``tint`` is ok, bad, warn or ""."""

    sequence: int
    at: datetime
    sentence: str
    by: str
    kind: str
    icon: str
    tint: str
    hash: str
    partnership: Partnership | None


def lines(
    events: Iterable[Event], organization: Organization, known: Mapping[UUID, Partnership] | None = None
) -> list[Line]:
    """Return the events in words, in their order. ``known`` are the partnerships by id, where the caller has read them."""
    if known is None:
        known = {each.pk: each for each in partnerships.of(organization)}
    return [
        _line(event, known.get(event.partnership_id) if event.partnership_id else None, organization)
        for event in events
    ]


def _line(event: Event, partnership: Partnership | None, organization: Organization) -> Line:
    area, _, what = event.kind.partition(".")
    return Line(
        sequence=event.sequence,
        at=event.at,
        sentence=sentences.of_event(event.kind, _facts(event, partnership, organization)),
        by=event.actor_label,
        kind=event.kind,
        icon=_ICONS.get(area, "history"),
        tint=next((tint for tint, words in _TINTS.items() if any(word in what for word in words)), ""),
        hash=event.hash,
        partnership=partnership,
    )


def _facts(event: Event, partnership: Partnership | None, organization: Organization) -> dict[str, object]:
    acting, partner = organization.name, ""
    if partnership is not None:
        both = {each.pk: each for each in (partnership.first_organization, partnership.second_organization)}
        own = both.get(event.organization_id or organization.pk, organization)
        acting, partner = own.name, partnership.other(own).name
    return {
        **event.data,
        "actor": event.actor_label,
        "organization": acting,
        "partner": partner,
        "subject": event.subject_id,
    }


def by_day(told: Iterable[Line]) -> list[tuple[date, list[Line]]]:
    """Return the lines grouped by their day in UTC, in the order in which they come."""
    return [(day, list(group)) for day, group in groupby(told, key=lambda line: line.at.astimezone(UTC).date())]
