"""From an endpoint and a stored body to the request of one attempt, and from its outcome to the endpoint's health."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from notifications.webhooks import queries, rules, signing
from notifications.webhooks.client import Answer, Post
from notifications.webhooks.models import WebhookEndpoint
from portal.audit import services as audit
from portal.organizations.acting import PORTAL

CANNOT_SIGN = "The portal cannot open its secrets for this endpoint. Rotate the key, and enter its bearer token again."
SECRET_HEADERS = ("authorization",)


def post(
    endpoint: WebhookEndpoint,
    *,
    message_id: str,
    body: str,
    now: datetime,
    key: Any,
    keys: list[signing.SigningKey] | None = None,
) -> Post:
    """Return the request of one attempt, signed for ``now`` by every key in force.

    Args:
        message_id: the delivery's id, the same on every attempt.
        body: the stored text, sent as it is.
        key: what the caller recognizes the answer by.
        keys: the endpoint's keys in force, when the caller has read them already.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "trust-exchange-webhooks/1",
        **signing.headers(message_id, now, body, keys if keys is not None else queries.signing_keys(endpoint, now)),
    }
    if endpoint.bearer_token_sealed:
        headers["Authorization"] = f"Bearer {endpoint.bearer_token}"
    return Post(
        key=key,
        endpoint=str(endpoint.pk),
        url=endpoint.url,
        body=body.encode(),
        headers=headers,
        client_certificate=endpoint.client_certificate,
    )


def shown(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers as an attempt's record keeps them: secrets left out."""
    return {name: "(hidden)" if name.lower() in SECRET_HEADERS else value for name, value in headers.items()}


@dataclass(frozen=True)
class Tried:
    """One attempt's outcome, for the endpoint's health."""

    endpoint_id: uuid.UUID
    answer: Answer
    urgent: bool


def note_outcomes(tried: Iterable[Tried], *, now: datetime) -> None:
    """Bring the health of the endpoints up to date after attempts, and record what their owners must be told.

    The owner is told once of trouble, before a pause, at a pause, daily while it lasts, and of recovery; whoever listens to
    the log puts it into inbox and mail. Runs in its own transaction, or in the caller's.
    """
    by_endpoint: dict[uuid.UUID, list[Tried]] = {}
    for each in tried:
        if each.answer.tried:
            by_endpoint.setdefault(each.endpoint_id, []).append(each)
    if not by_endpoint:
        return
    with transaction.atomic():
        well = [key for key, outcomes in by_endpoint.items() if all(_delivered(each) for each in outcomes)]
        # An endpoint that was well and is well needs no look at its past, and there are many of them.
        quick = WebhookEndpoint.objects.filter(pk__in=well, state=rules.EndpointState.ACTIVE, failures=0)
        known = set(quick.values_list("pk", flat=True))
        quick.filter(pk__in=known).update(last_success_at=now)
        others = WebhookEndpoint.objects.filter(pk__in=set(by_endpoint) - known).order_by("pk").select_for_update()
        for endpoint in others:
            _note(endpoint, by_endpoint[endpoint.pk], now)


def _delivered(tried: Tried) -> bool:
    return tried.answer.outcome is rules.Outcome.DELIVERED


def _note(endpoint: WebhookEndpoint, outcomes: list[Tried], now: datetime) -> None:
    health, told = endpoint.health, []
    for each in outcomes:
        if _delivered(each):
            health, trouble = rules.after_success(health)
            endpoint.last_success_at = now
        else:
            health, trouble = rules.after_failure(health, now=now, outcome=each.answer.outcome, urgent=each.urgent)
            endpoint.last_failure_at, endpoint.last_reason = now, each.answer.reason[:300]
        if trouble:
            told.append((trouble, each))
    if health.state is rules.EndpointState.PAUSED and endpoint.state != health.state:
        endpoint.paused_at, endpoint.state_reason = now, endpoint.last_reason
    endpoint.state, endpoint.failures = health.state, health.failures
    endpoint.failing_since, endpoint.told_at, endpoint.warned = health.failing_since, health.told_at, health.warned
    endpoint.save()
    for trouble, each in told:
        _tell(endpoint, trouble, each, now)


def _tell(endpoint: WebhookEndpoint, trouble: rules.Trouble, tried: Tried, now: datetime) -> None:
    audit.record(
        f"webhook_endpoint.{trouble}",
        now=now,
        actor=PORTAL,
        organization_id=endpoint.organization_id,
        subject=("webhook_endpoint", endpoint.pk),
        data={
            "name": endpoint.name,
            "reason": tried.answer.reason,
            "status": tried.answer.status,
            "failing_since": endpoint.failing_since.isoformat() if endpoint.failing_since else None,
            "urgent": tried.urgent,
        },
    )
