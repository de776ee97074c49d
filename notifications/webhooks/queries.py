"""Reading endpoints, from the point of view of their organization."""

import contextlib
import uuid
from collections.abc import Iterable
from datetime import datetime

from cryptography.fernet import InvalidToken
from django.db.models import QuerySet

from notifications.webhooks.models import EndpointKey, WebhookEndpoint
from notifications.webhooks.rules import SENT_TO
from notifications.webhooks.signing import SigningKey
from portal import errors
from portal.organizations.models import Organization


def of(organization: Organization) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints of an organization that were not removed."""
    return of_any([organization])


def of_any(organizations: Iterable[Organization]) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints of several organizations that were not removed."""
    return WebhookEndpoint.objects.filter(organization__in=list(organizations), removed_at=None)


def get(organization: Organization, endpoint_id: uuid.UUID | str) -> WebhookEndpoint:
    """Return one endpoint. Raises NotFound for strangers as for what does not exist."""
    try:
        found = of(organization).filter(pk=endpoint_id).first()
    except ValueError:
        found = None
    if found is None:
        raise errors.NotFound()
    return found


def endpoints_for(organization: Organization, event_type: str) -> list[WebhookEndpoint]:
    """Return the endpoints that events of this type are sent to now."""
    return [each for each in of(organization).filter(state__in=SENT_TO) if each.wants(event_type)]


def paused_for(organization: Organization, event_type: str) -> list[WebhookEndpoint]:
    """Return the endpoints that asked for this type and get nothing, so that another channel can say so."""
    silent = of(organization).exclude(state__in=SENT_TO)
    return [each for each in silent if each.wants(event_type)]


def keys_of(endpoint: WebhookEndpoint) -> QuerySet[EndpointKey]:
    """Return every key the endpoint ever had, newest first."""
    return EndpointKey.objects.filter(endpoint=endpoint).order_by("-created_at")


def signing_keys(endpoint: WebhookEndpoint, now: datetime) -> list[SigningKey]:
    """Return the keys that sign at ``now``, newest first."""
    return signing_keys_of([endpoint.pk], now).get(endpoint.pk, [])


def signing_keys_of(endpoint_ids: Iterable[uuid.UUID], now: datetime) -> dict[uuid.UUID, list[SigningKey]]:
    """Return the keys of many endpoints that sign at ``now``, newest first, by endpoint.

    A key that cannot be opened does not sign: the others' deliveries do not wait until that is mended.
    """
    found: dict[uuid.UUID, list[SigningKey]] = {}
    for key in EndpointKey.objects.filter(endpoint__in=endpoint_ids).order_by("-created_at"):
        if not key.in_force(now):
            continue
        with contextlib.suppress(InvalidToken):
            found.setdefault(key.endpoint_id, []).append(key.signing_key)
    return found
