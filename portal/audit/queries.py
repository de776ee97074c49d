"""Reading the log."""

import uuid
from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet

from portal.audit import rules
from portal.audit.models import Audience, ChainHead, Event

BATCH = 2000


def visible_to(organization_id: uuid.UUID, partnership_ids: Iterable[uuid.UUID]) -> QuerySet[Event]:
    """Return the events that members of an organization may read, newest first.

    Those are its own and those of its partnerships that both sides may read.
    """
    shared = Q(partnership_id__in=list(partnership_ids), audience=Audience.PARTNERSHIP)
    own = Q(organization_id=organization_id) & ~Q(audience=Audience.PORTAL)
    return Event.objects.filter(own | shared).order_by("-sequence")


def lines(after: int = 0, up_to: int | None = None) -> Iterator[rules.Line]:
    """Yield the lines of the log in order, in batches, so that memory stays bounded however long the log is."""
    while True:
        batch = list(Event.objects.filter(sequence__gt=after).order_by("sequence")[:BATCH])
        for event in batch:
            if up_to is not None and event.sequence > up_to:
                return
            yield rules.Line(event.sequence, event.facts(), event.previous_hash, event.hash)
        if len(batch) < BATCH:
            return
        after = batch[-1].sequence


def verify() -> tuple[int, str, rules.Break | None]:
    """Check the whole chain; return how many lines were checked, the head's hash and the first break, if any.

    The head row is read first, so that lines added meanwhile do not matter. A tail that was cut off shows as a head that
    points beyond the last line.
    """
    head = ChainHead.objects.filter(id=1).first() or ChainHead()
    checked, last = 0, rules.GENESIS

    def counted() -> Iterator[rules.Line]:
        nonlocal checked, last
        for line in lines(up_to=head.sequence):
            yield line
            checked, last = checked + 1, line.hash

    broken = rules.first_break(counted())
    if broken is None and (checked != head.sequence or last != head.hash):
        broken = rules.Break(head.sequence, f"The log ends at event {checked}, and its head says {head.sequence}.")
    return checked, head.hash, broken
