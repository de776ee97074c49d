"""Signs the mail that is not about an event: invitations, and what the sign-in sends, such as password resets.

That mail cannot wait in the outbox, since it carries a secret that is in no table. It goes through this backend, which hands it to
the usual one (``EMAIL_BACKEND``) signed by the portal's mail key, as all other mail is.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from notifications.mail import keys, messages, mime, openpgp
from notifications.mail.keys import SigningKey
from notifications.mail.messages import Ready


class SigningBackend(BaseEmailBackend):
    """Hands mail to ``EMAIL_BACKEND``, signed if the portal has a mail key. Takes the same arguments as that."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._carrier = get_connection(fail_silently=fail_silently, **options)

    def open(self) -> bool | None:
        return self._carrier.open()

    def close(self) -> None:
        self._carrier.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send the messages and return how many the carrier took."""
        now = timezone.now()
        key = keys.signing_key(now)
        wanted = list(email_messages) if key is None else [signed(each, key=key, now=now) for each in email_messages]
        return self._carrier.send_messages(wanted) or 0


def signed(message: EmailMessage, *, key: SigningKey, now: datetime) -> Ready:
    """Return a mail of Django's, with text, HTML and attachments, as one that is finished and signed (RFC 3156)."""
    token = uuid.uuid4().hex
    headers = {
        "From": _address(message.from_email or settings.DEFAULT_FROM_EMAIL),
        "To": ", ".join(_address(each) for each in message.to),
        **({"Cc": ", ".join(_address(each) for each in message.cc)} if message.cc else {}),
        **({"Reply-To": ", ".join(_address(each) for each in message.reply_to)} if message.reply_to else {}),
        "Subject": messages.one_line(str(message.subject)),
        "Date": format_datetime(now),
        "Message-ID": f"<{token}@{messages.host()}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    wire = mime.signed(
        headers,
        mime.Body(str(message.body), _html(message), tuple(_attachment(each) for each in message.attachments)),
        token=token,
        sign=lambda content: openpgp.sign(content, private_block=key.private_block),
        micalg=openpgp.MICALG,
    )
    return Ready(
        wire,
        subject=headers["Subject"],
        body=message.body,
        to=message.to,
        cc=message.cc,
        bcc=message.bcc,
        from_email=message.from_email,
    )


def _html(message: EmailMessage) -> str:
    alternatives = message.alternatives if isinstance(message, EmailMultiAlternatives) else []
    return next((str(content) for content, kind in alternatives if kind == "text/html"), "")


def _attachment(attachment: Any) -> tuple[str, bytes, str]:
    """Return name, bytes and media type. Raises ValueError for a ready MIME part, which nobody here sends."""
    if not isinstance(attachment, tuple):
        raise ValueError("A ready MIME part cannot be attached to signed mail.")
    name, content, kind = attachment
    return name or "attachment", content.encode() if isinstance(content, str) else content, kind or "text/plain"


def _address(text: str) -> str:
    name, address = parseaddr(messages.one_line(text))
    return str(Address(display_name=name, addr_spec=address))
