"""Index of the models of notifications; each lives in the folder of its noun."""

from notifications.acknowledgements.models import EscalationPolicy, NoticeAnswer, NoticeClock
from notifications.deliveries.models import Attempt, Delivery
from notifications.fanout.models import Cursor, InboxItem
from notifications.mail.models import Bounce, MailKey, MailPreference, RecipientKey
from notifications.webhooks.models import EndpointKey, WebhookEndpoint

__all__ = [
    "Attempt",
    "Bounce",
    "Cursor",
    "Delivery",
    "EndpointKey",
    "EscalationPolicy",
    "InboxItem",
    "MailKey",
    "MailPreference",
    "NoticeAnswer",
    "NoticeClock",
    "RecipientKey",
    "WebhookEndpoint",
]
