"""The invitation mail. It carries the one secret that is in no table, so it cannot wait in the outbox."""

from functools import partial

from django.conf import settings
from django.core.mail import send_mail
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
    transaction.on_commit(partial(send_mail, subject, text, None, [to]), robust=True)
