"""Mail with a secret that is in no table, so that it cannot wait in the outbox: invitations, and what the sign-in sends."""

from functools import partial

from django.conf import settings
from django.core.mail import get_connection, send_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.template.loader import render_to_string


def link(secret: str) -> str:
    """Return the address of the page that an invitation's secret opens."""
    return f"{settings.BASE_URL}/join/{secret}/"


def invitation_text(*, organization: str, inviter: str, name: str, secret: str, days: int) -> str:
    """Return the text of an invitation mail."""
    return render_to_string(
        "mail/invitation.txt",
        {"organization": organization, "inviter": inviter, "name": name, "link": link(secret), "days": days},
    )


def send_after_commit(*, subject: str, text: str, to: str) -> None:
    """Send the mail once the invitation is committed. If it is lost, the inviter sends a new invitation."""
    transaction.on_commit(partial(_send, subject, text, to), robust=True)


def connection() -> BaseEmailBackend:
    """Return the way out for such mail: ``EMAIL_BACKEND``, and on the way there the portal signs it."""
    return get_connection(settings.SIGNING_EMAIL_BACKEND)


def _send(subject: str, text: str, to: str) -> None:
    send_mail(subject, text, None, [to], connection=connection())
