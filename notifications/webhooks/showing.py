"""Endpoints and deliveries as pages show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from notifications.deliveries.models import Attempt, Delivery
from notifications.deliveries.rules import Channel, State
from notifications.webhooks import queries
from notifications.webhooks.models import WebhookEndpoint
from portal import errors
from portal.organizations.models import Organization

LATENCIES = 50


@dataclass(frozen=True)
class Row:
    """An endpoint in the list: itself and what is under way."""

    endpoint: WebhookEndpoint
    pending: int
    dead: int
    next_attempt_at: datetime | None


def rows(organization: Organization) -> list[Row]:
    """Return the endpoints of an organization, those in trouble first."""
    endpoints = list(queries.of(organization))
    counts: dict[str, Any] = {
        each["recipient"]: each
        for each in Delivery.objects.filter(
            organization=organization, channel=Channel.WEBHOOK, recipient__in=[str(each.pk) for each in endpoints]
        )
        .order_by()
        .values("recipient")
        .annotate(
            pending=Count("id", filter=Q(state=State.PENDING)),
            dead=Count("id", filter=Q(state=State.DEAD)),
            next=Max("next_attempt_at"),
        )
    }
    found = [
        Row(each, *((row["pending"], row["dead"], row["next"]) if (row := counts.get(str(each.pk))) else (0, 0, None)))
        for each in endpoints
    ]
    order = {"failing": 0, "paused": 1, "unproven": 2, "active": 3}
    return sorted(found, key=lambda row: (order.get(row.endpoint.state, 9), row.endpoint.name))


def deliveries_to(endpoint: WebhookEndpoint) -> QuerySet[Delivery]:
    """Return what was and is owed to an endpoint, newest first."""
    return (
        Delivery.objects.filter(channel=Channel.WEBHOOK, recipient=str(endpoint.pk))
        .select_related("event")
        .order_by("-created_at")
    )


def delivery(organization: Organization, delivery_id: object) -> Delivery:
    """Return one webhook delivery of an organization with its attempts. Raises NotFound for strangers."""
    found = (
        Delivery.objects.filter(organization=organization, channel=Channel.WEBHOOK, pk=delivery_id)  # type: ignore[misc]
        .select_related("event", "organization")
        .prefetch_related("attempts")
        .first()
    )
    if found is None:
        raise errors.NotFound()
    return found


def shown_state(delivery: Delivery) -> str:
    """Return a delivery's state in the words that people read: pending, retrying, delivered, failed."""
    if delivery.state == State.PENDING:
        return "retrying" if delivery.tries else "pending"
    return "delivered" if delivery.state == State.DELIVERED else "failed"


@dataclass(frozen=True)
class Bar:
    """One attempt in the picture of an endpoint's latency; a failure is a gap with a cross."""

    x: float
    height: float
    failed: bool
    sentence: str


def latencies(endpoint: WebhookEndpoint) -> list[Bar]:
    """Return the last fifty attempts as bars, oldest first; the tallest is the slowest."""
    attempts = list(
        Attempt.objects.filter(delivery__channel=Channel.WEBHOOK, delivery__recipient=str(endpoint.pk))
        .exclude(finished_at=None)
        .order_by("-started_at", "-pk")[:LATENCIES]
    )
    attempts.reverse()
    times = [int(each.exchange.get("milliseconds", 0)) for each in attempts]
    slowest = max([*times, 1])
    return [
        Bar(
            x=round(index * 100 / LATENCIES, 2),
            height=round(max(4.0, took * 100 / slowest), 1),
            failed=each.outcome != "delivered",
            sentence=f"{took} ms" if each.outcome == "delivered" else "failed",
        )
        for index, (each, took) in enumerate(zip(attempts, times, strict=True))
    ]
