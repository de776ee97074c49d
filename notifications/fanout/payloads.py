"""What a webhook tells of an event: the same sentence as mail and inbox, the facts, and a partner's signed words as they are."""

import base64
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from notifications.fanout.telling import Telling
from notifications.webhooks import payload
from portal.audit.models import Event
from trust.notices.models import Notice

# What the log keeps for itself: hashes of bytes that a receiver does not have.
INTERNAL = ("artifacts",)


def body(event: Event, words: Telling, facts: Mapping[str, Any]) -> str:
    """Return the webhook's body for an event: stored once, sent as it is on every try."""
    data = {
        "event": event.sequence,
        "summary": words.subject,
        "severity": event.data.get("severity", "warning" if words.urgent else "info"),
        # One key a subject, so that a pager puts a notice, its reminder and its escalation into one incident.
        "dedup_key": f"{event.subject_kind}-{event.subject_id}".strip("-") or f"event-{event.sequence}",
        "due_at": event.data.get("acknowledge_by"),
        "url": settings.BASE_URL + words.path,
        "next": words.next,
        "organization": facts.get("organization", ""),
        "partner": facts.get("partner", ""),
        "partnership": facts.get("partnership", ""),
        "rehearsal": event.data.get("rehearsal", False),
        "details": {name: value for name, value in event.data.items() if name not in INTERNAL},
    }
    if event.kind in WITH_SIGNED_NOTICE:
        signed = _signed_notice(event)
        if signed:
            data["signed_notice"] = signed
    return payload.body(event.kind, at=event.at, data=data)


WITH_SIGNED_NOTICE = frozenset({"notice.received", "notice.unverified"})


def _signed_notice(event: Event) -> dict[str, str] | None:
    notice = Notice.objects.filter(pk=event.subject_id).only("content", "signature", "payload_sha256").first()
    if notice is None:
        return None
    return {
        "content_base64": base64.b64encode(bytes(notice.content)).decode(),
        "signature": bytes(notice.signature).decode("utf-8", "replace"),
        "payload_sha256": notice.payload_sha256,
    }
