"""The dead man's watch: an endpoint that had nothing to answer for a day is asked, so that silence is noticed before a night
in which it matters."""

import uuid
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import Q

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import Channel, State
from notifications.webhooks import client, configuration, outbound, payload
from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import SENT_TO, TELL_AGAIN_AFTER, EndpointState, Outcome, Trouble
from portal.audit import services as audit
from portal.organizations.acting import PORTAL

QUIET_AFTER = timedelta(hours=24)
BATCH = 200


def ask_quiet_endpoints(*, now: datetime) -> int:
    """Send a signed ``webhook.heartbeat`` to every endpoint without a success in a day; return how many were asked.

    A failure counts like that of a delivery, so its owner is told. Nothing else waits for the answer.
    """
    since = now - QUIET_AFTER
    quiet = WebhookEndpoint.objects.filter(state__in=SENT_TO, removed_at=None, proven_at__lte=since).filter(
        Q(last_success_at=None) | Q(last_success_at__lte=since)
    )
    # One that failed lately is tried by its deliveries, or was asked an hour ago.
    quiet = quiet.filter(Q(last_failure_at=None) | Q(last_failure_at__lte=now - timedelta(hours=1)))
    endpoints = list(quiet.order_by("last_success_at")[:BATCH])
    posts = [post for each in endpoints if (post := _heartbeat(each, now))]
    for group in client.post_all(posts, guard=configuration.guard(), tls=configuration.tls()) if posts else ():
        outbound.note_outcomes(
            (outbound.Tried(uuid.UUID(post.endpoint), answer, urgent=False) for post, answer in group), now=now
        )
    return len(endpoints)


def _heartbeat(endpoint: WebhookEndpoint, now: datetime) -> client.Post | None:
    data = {"summary": f"{endpoint.name} is still listening", "severity": "info", "endpoint": endpoint.name}
    body = payload.body("webhook.heartbeat", at=now, data=data)
    try:
        return outbound.post(endpoint, message_id=f"heartbeat_{uuid.uuid4().hex}", body=body, now=now, key=endpoint.pk)
    except (InvalidToken, ValueError):
        answer = client.Answer(Outcome.FAILED, outbound.CANNOT_SIGN)
        outbound.note_outcomes([outbound.Tried(endpoint.pk, answer, urgent=False)], now=now)
        return None


def tell_of_paused_endpoints(*, now: datetime) -> int:
    """Tell the owners of endpoints that the portal paused, once a day for as long as that lasts; return how many.

    A pause is told when it begins. Whoever missed that, or forgot it, would not hear of a revocation by webhook: so it does
    not fall silent. An endpoint that a person paused is that person's wish and is not told of again.
    """
    since, told = now - TELL_AGAIN_AFTER, 0
    paused = WebhookEndpoint.objects.filter(state=EndpointState.PAUSED, removed_at=None, told_at__lte=since)
    for endpoint_id in list(paused.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # Whoever comes second finds the moment moved, and tells nothing.
            if paused.filter(pk=endpoint_id).update(told_at=now):
                _tell_of_pause(WebhookEndpoint.objects.get(pk=endpoint_id), now)
                told += 1
    return told


def _tell_of_pause(endpoint: WebhookEndpoint, now: datetime) -> None:
    missed = Delivery.objects.filter(
        channel=Channel.WEBHOOK, recipient=str(endpoint.pk), state=State.DEAD, created_at__gte=endpoint.paused_at
    )
    audit.record(
        f"webhook_endpoint.{Trouble.STILL_PAUSED}",
        now=now,
        actor=PORTAL,
        organization_id=endpoint.organization_id,
        subject=("webhook_endpoint", endpoint.pk),
        data={"name": endpoint.name, "reason": endpoint.state_reason, "missed": missed.count()},
    )
