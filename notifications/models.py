"""Index of the models of notifications; each lives in the folder of its noun."""

from notifications.webhooks.models import EndpointKey, WebhookEndpoint

__all__ = ["EndpointKey", "WebhookEndpoint"]
