"""Reading deliveries."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel, State
from portal.organizations.models import Organization


def of(organization: Organization) -> QuerySet[Delivery]:
    """Return what is and was owed to an organization, newest first, with its events and attempts."""
    return Delivery.objects.filter(organization=organization).select_related("event").prefetch_related("attempts")


def of_event(organization_ids: list[uuid.UUID], sequence: int) -> QuerySet[Delivery]:
    """Return the deliveries of one event to these organizations, with their attempts."""
    return (
        Delivery.objects.filter(event_id=sequence, organization__in=organization_ids)
        .select_related("organization")
        .prefetch_related("attempts")
        .order_by("created_at")
    )


def due(channel: Channel, now: datetime) -> QuerySet[Delivery]:
    """Return what a worker may claim at ``now``, the longest due first. Answered from the partial index alone."""
    return Delivery.objects.filter(channel=channel.value, state=State.PENDING.value, next_attempt_at__lte=now).order_by(
        "next_attempt_at"
    )


def owed(now: datetime) -> dict[str, dict[str, Any]]:
    """Return by channel what is ``owed``, what of it is ``due``, and the moments ``oldest_due`` and ``oldest`` (or None).

    A channel to which nothing is owed is left out. Answered from the partial index, however much was delivered.
    """
    due_now = Q(next_attempt_at__lte=now)
    rows = (
        Delivery.objects.filter(next_attempt_at__isnull=False)
        .order_by()
        .values("channel")
        .annotate(
            owed=Count("pk"),
            due=Count("pk", filter=due_now),
            oldest_due=Min("next_attempt_at", filter=due_now),
            oldest=Min("created_at"),
        )
    )
    return {row["channel"]: dict(row) for row in rows}


def oldest_due_at(now: datetime) -> datetime | None:
    """Return since when the oldest due delivery has been due, or None when nothing is due at ``now``."""
    due_now = Delivery.objects.filter(next_attempt_at__lte=now)
    return due_now.aggregate(oldest=Min("next_attempt_at"))["oldest"]


def oldest_pending_at() -> datetime | None:
    """Return when the oldest delivery that is still owed came to be, or None when nothing is owed."""
    return Delivery.objects.filter(state=State.PENDING.value).aggregate(oldest=Min("created_at"))["oldest"]


def counts(now: datetime) -> list[dict]:
    """Return one row a channel and state: ``channel``, ``state``, ``total`` and ``due``."""
    rows = (
        Delivery.objects.values("channel", "state")
        .annotate(total=Count("id"), due=Count("id", filter=Q(next_attempt_at__lte=now)))
        .order_by("channel", "state")
    )
    return [dict(row) for row in rows]
