"""Handing mail over to the mail server."""

import logging
import smtplib
from collections.abc import Callable
from datetime import datetime

from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError
from django.utils import timezone

from notifications.deliveries import services as deliveries
from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import CONTACT, Channel
from notifications.mail import keys, messages
from notifications.mail.messages import Recipient
from notifications.mail.models import RecipientKey
from portal.organizations.models import Membership, User
from portal.partnerships.models import Contact

logger = logging.getLogger(__name__)
# Mails in one worker's hands at once. With a server that hangs for ``settings.EMAIL_TIMEOUT`` at the first, the rest are
# given back unopened, so the lease need not cover the sum.
BATCH = 20
NOT_REACHED = "The mail server could not be reached: "


def deliver(
    *,
    now: datetime,
    content_of: Callable[[Delivery], messages.Content],
    clock: Callable[[], datetime] = timezone.now,
    limit: int = BATCH,
) -> int:
    """Hand over the mail that is due at ``now``, and return how many were taken in hand.

    ``content_of`` says what each delivery tells. One connection serves the batch. When the server cannot be reached, that is
    written down for each without trying it again, and each is planned anew. ``clock`` gives the moment at which each
    answer came.
    """
    claimed = deliveries.claim(channel=Channel.MAIL, now=now, limit=limit)
    if not claimed:
        return 0
    recipients = _recipients(claimed)
    key = keys.signing_key(now)
    connection, broken = _open()
    for delivery in claimed:
        person = recipients.get(delivery.recipient)
        if person is None:
            deliveries.drop(delivery, "The person is no longer a member.", now=clock())
            continue
        answer = broken or _hand_over(connection, delivery, person, key, content_of)
        if isinstance(answer, _Disconnected):
            broken = answer = answer.answer
        deliveries.finish(delivery, answer, now=clock())
    _close(connection)
    return len(claimed)


def _recipients(claimed: list[Delivery]) -> dict[str, Recipient]:
    """Return those recipients who still are members, or contacts of a directory, with their keys."""
    contacts = [each.recipient.removeprefix(CONTACT) for each in claimed if each.recipient.startswith(CONTACT)]
    members = [each.recipient for each in claimed if not each.recipient.startswith(CONTACT)]
    found: dict[str, Recipient] = {}
    people = Membership.objects.filter(pk__in=members, state=Membership.State.ACTIVE, user__is_active=True)
    for membership in people.select_related("user__mail_encryption_key"):
        user = membership.user
        found[str(membership.pk)] = Recipient(str(user), user.email, _block(user))
    listed = Contact.objects.filter(pk__in=contacts, retired_at=None).exclude(email="")
    for contact in listed.select_related("mail_encryption_key"):
        found[f"{CONTACT}{contact.pk}"] = Recipient(contact.name, contact.email, _block(contact))
    return found


def _block(person: User | Contact) -> str:
    try:
        return person.mail_encryption_key.block
    except RecipientKey.DoesNotExist:
        return ""


class _Disconnected:
    """The server is gone: what it said, for this mail and those after it."""

    def __init__(self, answer: deliveries.Answer) -> None:
        self.answer = answer


def _open() -> tuple[BaseEmailBackend, deliveries.Answer | None]:
    connection = mail.get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        return connection, deliveries.Answer(False, NOT_REACHED + _said(error), _code(error))
    return connection, None


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        logger.info("The mail server did not say good-bye.")


def _hand_over(
    connection: BaseEmailBackend,
    delivery: Delivery,
    person: Recipient,
    key: keys.SigningKey | None,
    content_of: Callable[[Delivery], messages.Content],
) -> deliveries.Answer | _Disconnected:
    try:
        message = messages.compose(delivery, content_of(delivery), to=person, key=key)
        message.connection = connection
        message.send()
    except smtplib.SMTPServerDisconnected as error:
        return _Disconnected(deliveries.Answer(False, NOT_REACHED + _said(error)))
    except smtplib.SMTPException as error:
        return deliveries.Answer(False, _said(error), _code(error))
    except OSError as error:
        return _Disconnected(deliveries.Answer(False, NOT_REACHED + _said(error)))
    except ValueError as error:
        return deliveries.Answer(False, f"The mail cannot be written: {error}")
    except DatabaseError:
        raise  # the next worker tries all of them again
    except Exception:
        # A mail that cannot be put into words must not keep those after it from going out.
        logger.exception("The mail of delivery %s could not be written", delivery.pk)
        return deliveries.Answer(False, "The mail cannot be written: the portal made a mistake.")
    return deliveries.Answer(True, "The mail server took it.", 250)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(text)}" for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{error or type(error).__name__}"


def _code(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next((code for code, _ in error.recipients.values()), None)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
