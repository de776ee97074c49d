"""Reading the cursor and inboxes."""

from datetime import datetime

from django.db.models import QuerySet

from notifications.fanout.models import Cursor, InboxItem
from portal.audit.models import Event
from portal.organizations.acting import Actor


def position() -> int:
    """Return the number of the last event whose debts were written down."""
    return Cursor.objects.filter(id=1).values_list("sequence", flat=True).first() or 0


def oldest_waiting_at() -> datetime | None:
    """Return when the first event was recorded that the fan-out has not read yet, or None when it has read all."""
    return Event.objects.filter(sequence__gt=position()).order_by("sequence").values_list("at", flat=True).first()


def inbox(actor: Actor) -> QuerySet[InboxItem]:
    """Return the inbox of the acting member, newest first; nothing for tokens and operators."""
    if actor.membership is None:
        return InboxItem.objects.none()
    return InboxItem.objects.filter(membership=actor.membership).select_related("event")


def unread(actor: Actor) -> int:
    """Return how many items of the acting member's inbox were not read."""
    return inbox(actor).filter(read_at=None).count()
