"""Index of the models of notifications; each lives in the folder of its noun."""

from notifications.acknowledgements.models import EscalationPolicy, NoticeAnswer, NoticeClock
from notifications.deliveries.models import Attempt, Delivery
from notifications.fanout.models import Cursor, InboxItem
from notifications.webhooks.models import EndpointKey, WebhookEndpoint

__all__ = [
    "Attempt",
    "Cursor",
    "Delivery",
    "EndpointKey",
    "EscalationPolicy",
    "InboxItem",
    "NoticeAnswer",
    "NoticeClock",
    "WebhookEndpoint",
]
