"""What several providers of Home's list read of one organization, read once for one list."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from django.db.models import F, Model, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from portal.dashboard.need import LIMIT
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.partnerships import contact_queries
from portal.partnerships.models import Contact
from trust.consumers import counting
from trust.consumers import queries as consumers
from trust.keys.models import OpenPgpKey
from trust.stores import queries as stores
from trust.stores.models import StoreDraft
from trust.submissions.models import Submission
from trust.verifications.models import ItemKind, VerificationRequest

KEY_WARNING = timedelta(days=30)
# Of more services than this Home names some; how many there are, the consumers' page says.
MOST_LATE = 10 * LIMIT
Row = TypeVar("Row", bound=Model)


class Desk:
    """One member at one moment, and the rows that more than one provider looks at; nothing is read before it is asked for.

    What it reads is the organization's; whether the member has the right to act on it is for each provider to ask.
    """

    def __init__(self, actor: Actor, now: datetime) -> None:
        self.actor = actor
        self.now = now

    @property
    def own(self) -> Organization:
        """The organization that the member acts for."""
        assert self.actor.organization is not None
        return self.actor.organization

    @cached_property
    def contacts(self) -> list[Contact]:
        """The own directory, primary and backup first."""
        return list(contact_queries.of(self.own))

    @cached_property
    def keys(self) -> list[OpenPgpKey]:
        """Own OpenPGP keys to do something about: not proven yet, or running out within a month without a successor."""
        ending = Q(state=OpenPgpKey.State.PROVEN, replaced_by=None)
        ending &= Q(expires_at__gt=self.now, expires_at__lt=self.now + KEY_WARNING)
        wanted = ending | Q(state=OpenPgpKey.State.UPLOADED)
        return list(OpenPgpKey.objects.filter(wanted, organization=self.own)[: 2 * LIMIT])

    @cached_property
    def late(self) -> list[consumers.Standing]:
        """How the services stand that are behind or silent; of very many only some, those with the oldest versions first."""
        some = counting.some_late(self.own, self.now, MOST_LATE)
        return consumers.standings(consumers.of(self.own).filter(pk__in=some), self.now)

    @cached_property
    def drafts(self) -> list[StoreDraft]:
        """Changes of trust stores that wait for a second person, oldest first."""
        return list(stores.waiting_drafts(self.own)[: 2 * LIMIT])

    @cached_property
    def submissions(self) -> Mapping[str, list[Submission]]:
        """Submissions of partners that are quarantined or wait for an approval, by state, oldest first."""
        state = Submission.State
        found = Submission.objects.filter(
            relying=self.own, state__in=[state.QUARANTINED, state.WAITING_FOR_APPROVAL]
        ).select_related("owner", "partnership")
        return _first_by_state(found.defer("content", "signature"), "received_at")

    @cached_property
    def requests(self) -> Mapping[str, list[VerificationRequest]]:
        """Fingerprints of partners that wait for a call, and keys whose call waits for an approval, by state, oldest first."""
        state = VerificationRequest.State
        calls = Q(state=state.WAITING) & ~Q(item_kind=ItemKind.REHEARSAL)
        recorded = Q(state=state.RECORDED, item_kind=ItemKind.OPENPGP_KEY)
        found = VerificationRequest.objects.filter(calls | recorded, relying=self.own)
        return _first_by_state(found.select_related("owner", "partnership"), "created_at")


def _first_by_state(rows: QuerySet[Row], order: str) -> Mapping[str, list[Row]]:
    """Return the first rows of each state, in one query however many there are."""
    place = Window(RowNumber(), partition_by=[F("state")], order_by=F(order).asc())
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows.annotate(place=place).filter(place__lte=LIMIT).order_by(order):
        found[row.state].append(row)  # type: ignore[attr-defined]  # both models have it; a TypeVar cannot say so
    return found
