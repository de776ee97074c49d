"""The log as members of one organization may search it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from portal import errors
from portal.audit import queries as audit
from portal.audit.models import Event
from portal.organizations.models import Organization
from portal.partnerships import queries as partnerships

MAX_TERM = 100
LARGEST = 2**53 - 1  # what JSON numbers carry without loss; databases take more, but not everything


@dataclass(frozen=True)
class Filters:
    """What a reader asked for; empty members ask for nothing.

    ``who`` is part of a name, ``what`` a kind or the beginning of one ("key", "key.uploaded"), ``partnership`` a slug,
    ``object`` the id of what it was about, and the dates are days in UTC, both included.
    """

    who: str = ""
    what: str = ""
    partnership: str = ""
    object: str = ""
    first: date | None = None
    last: date | None = None

    def __bool__(self) -> bool:
        return any((self.who, self.what, self.partnership, self.object, self.first, self.last))


def filters_from(asked: Mapping[str, str]) -> Filters:
    """Read filters from a query string. Raises Invalid, naming the field, for what is no date or too long."""
    texts = {name: asked.get(name, "").strip() for name in ("who", "what", "partnership", "object")}
    for name, text in texts.items():
        if len(text) > MAX_TERM:
            raise errors.Invalid(f"{name}: at most {MAX_TERM} characters.", fields={name: ["It is too long."]})
    return Filters(**texts, first=_day("from", asked), last=_day("to", asked))


def _day(name: str, asked: Mapping[str, str]) -> date | None:
    text = asked.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{name}: {text[:20]!r} is no day. Write it as 2026-11-24."
        raise errors.Invalid(message, fields={name: ["Write a day as 2026-11-24."]}) from None


def visible(organization: Organization) -> QuerySet[Event]:
    """Return every event that members of ``organization`` may read, newest first."""
    return audit.visible_to(organization.pk, partnerships.ids_of(organization))


def search(organization: Organization, filters: Filters) -> QuerySet[Event]:
    """Return the events that fit all of ``filters``, newest first."""
    found = visible(organization)
    if filters.who:
        found = found.filter(actor_label__icontains=filters.who)
    if filters.what:
        found = found.filter(Q(kind=filters.what) | Q(kind__startswith=filters.what.rstrip(".") + "."))
    if filters.partnership:
        found = found.filter(
            partnership_id__in=partnerships.of(organization).filter(slug=filters.partnership).values("id")
        )
    if filters.object:
        found = found.filter(Q(subject_id__iexact=filters.object) | Q(subject_id__iexact=_joined(filters.object)))
    if filters.first:
        found = found.filter(at__gte=_midnight(filters.first))
    if filters.last:
        found = found.filter(at__lt=_midnight(filters.last) + timedelta(days=1))
    return found


def get(organization: Organization, sequence: int) -> Event:
    """Return one event. Raises NotFound for what the organization may not read, as for what does not exist."""
    event = visible(organization).filter(sequence=sequence).first() if sequence <= LARGEST else None
    if event is None:
        raise errors.NotFound()
    return event


def feed(organization: Organization, *, after: int, what: str = "", limit: int) -> list[Event]:
    """Return up to ``limit`` events with numbers above ``after``, oldest first.

    A higher number was committed later, so whoever asks with the last number that they have misses nothing.
    """
    return list(search(organization, Filters(what=what)).filter(sequence__gt=after).order_by("sequence")[:limit])


def exported(events: QuerySet[Event]) -> Iterator[dict[str, Any]]:
    """Yield the lines of an export, oldest first: every fact that the hash covers, and both hashes."""
    for event in events.order_by("sequence").iterator(chunk_size=500):
        yield {**event.facts(), "previous_hash": event.previous_hash, "hash": event.hash}


def _joined(text: str) -> str:
    # A fingerprint is searched for in any spacing.
    return "".join(text.replace(":", " ").split())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
