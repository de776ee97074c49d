"""The mail that tells a person of an event: plain text, with no link that acts and no number to call."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from email.headerregistry import Address
from email.utils import format_datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from notifications.deliveries.models import Delivery

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class Content:
    """What the mail says: a subject, lines of facts, what to do next, and the page where that is done."""

    subject: str
    facts: Iterable[tuple[str, str]]
    next: str
    path: str
    # Name, bytes and media type of each attachment: a partner's signed words as they are.
    attachments: tuple[tuple[str, bytes, str], ...] = ()


def message_id(delivery: Delivery) -> str:
    """Return the ``Message-ID``: the same at each try, so that a receiver recognizes a repeat (RFC 5322 section 3.6.4)."""
    return f"<{delivery.pk}@{_host()}>"


def thread_id(delivery: Delivery) -> str:
    """Return the id that all mails about one subject refer to, so that mail programs show them together."""
    event = delivery.event
    thread = _NOT_IN_AN_ID.sub("-", f"{event.subject_kind}-{event.subject_id}".strip("-")) or f"event-{event.sequence}"
    return f"<about-{thread}@{_host()}>"


def compose(delivery: Delivery, content: Content, *, name: str, address: str) -> EmailMessage:
    """Return the mail for one person. The same delivery gives the same mail, whenever it is tried."""
    lines = [*content.facts, ("When", f"{delivery.event.at.astimezone(UTC):%-d %b %Y, %H:%M} UTC")]
    body = render_to_string(
        "notifications/mail/event.txt",
        {
            "content": content,
            "lines": lines,
            "width": max(len(label) for label, _ in lines),
            "organization": delivery.organization,
            "base_url": settings.BASE_URL,
            "url": settings.BASE_URL + content.path,
        },
    )
    mail = EmailMessage(
        subject=_one_line(content.subject),
        body=body,
        to=[str(Address(display_name=_one_line(name), addr_spec=address))],
        headers={
            "Message-ID": message_id(delivery),
            "In-Reply-To": thread_id(delivery),
            "References": thread_id(delivery),
            # Keeps vacation answers away (RFC 3834 section 5).
            "Auto-Submitted": "auto-generated",
            "Date": _date(delivery),
        },
    )
    for file_name, attached, media_type in content.attachments:
        mail.attach(file_name, attached, media_type)
    if delivery.urgent:
        mail.extra_headers["Importance"] = "high"
    return mail


def _date(delivery: Delivery) -> str:
    return format_datetime(delivery.created_at)


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def _one_line(text: str) -> str:
    # Names come from people of other companies; a line feed in one must not become a header.
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
