"""Webhook endpoints by state."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count
from prometheus_client import Metric

from notifications.webhooks.models import WebhookEndpoint
from notifications.webhooks.rules import EndpointState
from portal import metrics


def collect(now: datetime) -> Iterator[Metric]:
    """Yield how many endpoints there are by state; those that were removed are left out."""
    found = dict(WebhookEndpoint.objects.order_by().values_list("state").annotate(Count("pk")))
    family = metrics.gauge("webhook_endpoints", "Webhook endpoints by state.", ["state"])
    for state in EndpointState:
        if state is not EndpointState.REMOVED:
            family.add_metric([state.value], found.get(state.value, 0))
    yield family
