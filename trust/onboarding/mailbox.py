"""The incident mailbox of an organization: named by an admin, confirmed by whoever reads it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations import mailing, tokens
from portal.organizations.acting import PORTAL, Actor
from portal.organizations.rules import Right
from trust.onboarding.models import IncidentMailbox

LIFETIME = timedelta(days=7)
_TEXT = """Somebody at {organization} named this address as the one that is told when something about trust between
companies needs a person and nobody else answers.

If you read this mailbox, open this page and press the button:

  {link}

The link works until {until:%d %b %Y}, {until:%H:%M} UTC. If you do not know what this is about, do nothing.
"""


def ask(*, actor: Actor, address: str, now: datetime) -> IncidentMailbox:
    """Name the mailbox and mail the confirmation link to it. Raises Invalid for what is no address."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    actor.require_person(Right.MANAGE_DELIVERY, step_up=False)
    address = address.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        sentence = "Enter an email address, like incidents@halden.example."
        raise errors.Invalid(sentence, fields={"address": [sentence]}) from None
    secret, _, digest = tokens.make(tokens.INVITATION_PREFIX)
    with transaction.atomic():
        mailbox, _ = IncidentMailbox.objects.update_or_create(
            organization=organization,
            defaults={"address": address, "digest": digest, "asked_at": now, "confirmed_at": None},
        )
        _record("onboarding.mailbox_asked", actor, mailbox, now)
        link = f"{settings.BASE_URL}/join/mailbox/{secret}/"
        text = _TEXT.format(organization=organization.name, link=link, until=now + LIFETIME)
        mailing.send_after_commit(subject=f"Confirm this mailbox for {organization.name}", text=text, to=address)
    return mailbox


def by_secret(secret: str, now: datetime) -> IncidentMailbox:
    """Return the mailbox whose open link this is. Raises NotFound when there is none, or it is too old or used."""
    found = (
        IncidentMailbox.objects.select_related("organization")
        .filter(digest=tokens.digest(secret.strip()), confirmed_at=None, asked_at__gt=now - LIFETIME)
        .first()
    )
    if found is None:
        raise errors.NotFound(
            "This link is used up or too old.", code="link_closed", fix="Ask for a new one on the mailbox page."
        )
    return found


def confirm(*, secret: str, now: datetime) -> IncidentMailbox:
    """Confirm the mailbox: whoever holds the link reads the mail. Raises NotFound as ``by_secret``."""
    with transaction.atomic():
        found = by_secret(secret, now)
        mailbox = IncidentMailbox.objects.select_for_update().select_related("organization").get(pk=found.pk)
        if mailbox.digest != found.digest or mailbox.confirmed_at:
            raise errors.NotFound()
        mailbox.confirmed_at, mailbox.digest = now, ""
        mailbox.save(update_fields=["confirmed_at", "digest"])
        _record("onboarding.mailbox_confirmed", PORTAL, mailbox, now)
    return mailbox


def _record(kind: str, actor: Actor, mailbox: IncidentMailbox, now: datetime) -> None:
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=mailbox.organization_id,
        subject=("incident_mailbox", mailbox.pk),
        data={"address": mailbox.address},
    )
