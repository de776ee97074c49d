"""Reading who reads the feed of notices, from the point of view of one organization."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.agreements import queries as agreements
from trust.notices.feed import rules
from trust.notices.feed.models import FeedReader
from trust.notices.feed.rules import State

_ORDER = list(State)


@dataclass(frozen=True)
class Standing:
    """How one program stands with the feed of one partnership. ``unread`` is how many notices it has not fetched.

    ``token_ended`` says that its token expired, which is one reason to fall silent.
    """

    reader: FeedReader
    partner: Organization
    state: State
    unread: int
    token_ended: bool


def counted(readers: QuerySet[FeedReader]) -> QuerySet[FeedReader]:
    """Return those whose token was not revoked and whose partnership goes on: nobody waits for the others."""
    return readers.filter(token__revoked_at=None).exclude(partnership__state=Partnership.State.ENDED)


def of(organization: Organization) -> QuerySet[FeedReader]:
    """Return the programs of an organization that read a feed and still may."""
    return counted(FeedReader.objects.filter(token__organization=organization)).select_related(
        "token", "partnership__first_organization", "partnership__second_organization"
    )


def get(organization: Organization, reader_id: uuid.UUID | str) -> FeedReader:
    """Return one reader of the organization. Raises NotFound for strangers as for what does not exist."""
    found = of(organization).filter(pk=reader_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def standing(reader: FeedReader, organization: Organization, now: datetime) -> Standing:
    """Return how a reader stands."""
    unread = max(0, reader.partnership.last_notice_number - reader.reached)
    state = rules.state(silent_from=reader.silent_from, unread=unread, now=now)
    return Standing(reader, reader.partnership.other(organization), state, unread, reader.token.expires_at <= now)


def standings(organization: Organization, now: datetime, *, partnership: Partnership | None = None) -> list[Standing]:
    """Return how the organization's readers stand, of one partnership if it is given; those that need somebody first."""
    readers = of(organization)
    if partnership is not None:
        readers = readers.filter(partnership=partnership)
    found = [standing(each, organization, now) for each in readers]
    return sorted(found, key=lambda each: (_ORDER.index(each.state), each.partner.name, each.reader.token.name))


def silent(
    organization: Organization, now: datetime, *, partnership: Partnership | None = None
) -> QuerySet[FeedReader]:
    """Return the organization's readers that are silent, of one partnership if it is given."""
    found = of(organization).filter(silent_from__lt=now)
    return found.filter(partnership=partnership) if partnership is not None else found


def counts(now: datetime) -> dict[State, int]:
    """Return how many readers are in each state, over all organizations; ``rules.state`` said for a database."""
    awaited, silent = Q(silent_from__isnull=False), Q(silent_from__lt=now)
    has_all = Q(reached__gte=F("partnership__last_notice_number"))
    conditions = {
        State.SILENT: silent,
        State.BEHIND: awaited & ~silent & ~has_all,
        State.CURRENT: awaited & ~silent & has_all,
        State.NOT_AWAITED: ~awaited,
    }
    found = counted(FeedReader.objects.order_by()).aggregate(
        **{state.value: Count("pk", filter=condition) for state, condition in conditions.items()}
    )
    return {state: found[state.value] for state in State}


@dataclass(frozen=True)
class PartnersReading:
    """How a partner's programs read the notices: numbers, and nobody's name. ``reached`` is the furthest of them."""

    partner: Organization
    programs: int
    silent: int
    reached: int
    latest: int
    read_at: datetime

    @property
    def unread(self) -> int:
        """Return how many notices none of them has fetched."""
        return max(0, self.latest - self.reached)


def shared_with(organization: Organization, now: datetime) -> list[PartnersReading]:
    """Return how partners' programs read the notices, where the agreement in force shares the numbers of services."""
    readers = counted(FeedReader.objects.filter(partnership__in=partnerships.ids_of(organization)))
    readers = readers.exclude(token__organization=organization).filter(interval_seconds__isnull=False)
    by_partnership: dict[uuid.UUID, list[FeedReader]] = {}
    for each in readers.select_related("partnership__first_organization", "partnership__second_organization"):
        by_partnership.setdefault(each.partnership_id, []).append(each)
    agreed = agreements.in_force_of(by_partnership)
    found = [
        _reading(group, organization, now)
        for key, group in by_partnership.items()
        if key in agreed and agreements.terms_of(agreed[key], group[0].partnership).shares_consumer_counts
    ]
    return sorted(found, key=lambda each: each.partner.name)


def _reading(readers: Iterable[FeedReader], organization: Organization, now: datetime) -> PartnersReading:
    listed = list(readers)
    partnership = listed[0].partnership
    return PartnersReading(
        partner=partnership.other(organization),
        programs=len(listed),
        silent=sum(1 for each in listed if each.silent_from is not None and each.silent_from < now),
        reached=max(each.reached for each in listed),
        latest=partnership.last_notice_number,
        read_at=max(each.read_at for each in listed),
    )
