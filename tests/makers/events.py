"""Events as services record them, for tests of what follows from one."""

from datetime import datetime

from django.db import transaction

from portal.audit import services
from portal.audit.models import Event
from portal.organizations import acting

# A kind that is told to both organizations by mail and inbox, and its data.
UNDELIVERABLE_WEBHOOK = "webhook.undeliverable"
DATA = {"recipient": "pager-bridge", "tries": 9, "answer": "HTTP 500", "event": 1, "event_kind": "notice.sent"}


def record(organization, now: datetime, *, kind: str = UNDELIVERABLE_WEBHOOK, actor=acting.PORTAL, **more) -> Event:
    """Record an event of ``organization``; by default one that its admins and officers are told by inbox and mail."""
    with transaction.atomic():
        return services.record(
            kind,
            now=now,
            actor=actor,
            organization_id=organization.pk,
            subject=("delivery", "1"),
            **({"data": DATA} | more),
        )
