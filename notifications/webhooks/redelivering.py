"""Sending again what failed, or what a receiver lost."""

import uuid
from datetime import datetime

from django.db import transaction

from notifications.deliveries import services as deliveries
from notifications.deliveries.models import Delivery
from notifications.webhooks import queries, showing
from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.rules import Right


@transaction.atomic
def redeliver(*, actor: Actor, now: datetime, delivery_id: uuid.UUID) -> Delivery:
    """Make one delivery due again, with the same id and bytes. Raises Conflict while it is still being tried."""
    delivery = showing.delivery(actor.require(Right.MANAGE_DELIVERY), delivery_id)
    endpoint = queries.get(delivery.organization, delivery.recipient)
    if not endpoint.sent_to:
        raise errors.Conflict(f"Nothing is sent to {endpoint.name} now.", fix="Mend and resume the endpoint first.")
    if not deliveries.repeat(delivery, now=now):
        raise errors.Conflict("It is still being tried.", code="in_progress", fix="Wait for the next attempt.")
    _record(actor, now, endpoint.pk, name=endpoint.name, deliveries=1)
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def redeliver_failed(*, actor: Actor, now: datetime, endpoint_id: uuid.UUID, since: datetime) -> int:
    """Make everything due again that failed for good at an endpoint since a moment; return how many there were."""
    endpoint = queries.get(actor.require(Right.MANAGE_DELIVERY), endpoint_id)
    if not endpoint.sent_to:
        raise errors.Conflict(f"Nothing is sent to {endpoint.name} now.", fix="Mend and resume the endpoint first.")
    count = deliveries.send_dead_again(recipient=str(endpoint.pk), since=since, now=now)
    _record(actor, now, endpoint.pk, name=endpoint.name, deliveries=count, since=since.isoformat())
    return count


def _record(actor: Actor, now: datetime, endpoint_id: uuid.UUID, **data: object) -> None:
    audit.record(
        "webhook_endpoint.redelivered",
        now=now,
        actor=actor,
        organization_id=actor.require(Right.MANAGE_DELIVERY).pk,
        subject=("webhook_endpoint", endpoint_id),
        data=data,
    )
