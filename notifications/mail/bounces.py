"""Mail that came back: the delivery is not delivered after all, and the address is stale until somebody says otherwise."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from notifications.deliveries.models import Delivery
from notifications.deliveries.rules import CONTACT, Channel, State
from notifications.mail import reports, return_path
from notifications.mail.models import Bounce
from portal import errors
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.models import Membership, User
from portal.organizations.rules import Right
from portal.partnerships import contact_services
from portal.partnerships.models import Contact


class Taken(StrEnum):
    """What became of a mail that was handed in."""

    STALE = "stale"  # the address is marked, and the organization told
    KNOWN = "known"  # counted; the address was stale already
    PASSING = "passing"  # a delay: the other side goes on trying
    IGNORED = "ignored"  # not to an address that we made, or no report


@dataclass(frozen=True)
class Outcome:
    """What became of a mail that was handed in, in a sentence for the log of the mail server."""

    taken: Taken
    sentence: str


def take(*, content: bytes, recipient: str, now: datetime) -> Outcome:
    """Take a mail that came in for ``recipient``, the envelope's recipient as the mail server knows it.

    Only an address that we sealed for one delivery counts, and only a report of failure; whatever else the mail says, names and
    addresses in it are not looked at. The same report again changes nothing.
    """
    delivery_id = return_path.delivery_in(recipient)
    if delivery_id is None:
        return Outcome(Taken.IGNORED, "Nobody was sent a mail that comes back to this address.")
    try:
        report = reports.read(content)
    except reports.NotAReport as problem:
        return Outcome(Taken.IGNORED, str(problem))
    if not report.failed:
        return Outcome(Taken.PASSING, f"The mail is {report.action}; its server goes on trying.")
    return _note(delivery_id, report, hashlib.sha256(content).hexdigest(), now)


@transaction.atomic
def _note(delivery_id: uuid.UUID, report: reports.Report, digest: str, now: datetime) -> Outcome:
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("event", "organization")
        .filter(pk=delivery_id, channel=Channel.MAIL)
        .first()
    )
    if delivery is None:
        return Outcome(Taken.IGNORED, "There is no such delivery.")
    bounce, new = Bounce.objects.get_or_create(
        delivery=delivery,
        report_sha256=digest,
        defaults={"at": now, "status": report.status[:12], "permanent": report.permanent, "said": report.said},
    )
    if not new:
        return Outcome(Taken.KNOWN, "This report was taken before.")
    Delivery.objects.filter(pk=delivery.pk).update(
        state=State.BOUNCED, next_attempt_at=None, claim=None, finished_at=now
    )
    answer = f"{bounce.status} {bounce.said}".strip() or "no reason given"
    if not _mark(delivery, answer, now):
        return Outcome(Taken.KNOWN, "The address was stale already.")
    audit.record(
        "mail.bounced",
        now=now,
        actor=acting.PORTAL,
        organization_id=delivery.organization_id,
        subject=("delivery", delivery.pk),
        data={
            "recipient": delivery.recipient_label,
            "event": delivery.event_id,
            "event_kind": delivery.event.kind,
            "answer": answer[:300],
            "permanent": bounce.permanent,
            # Somebody else must hear of an alarm that did not reach its reader.
            "urgent": delivery.urgent,
            "rehearsal": delivery.event.data.get("rehearsal", False),
            "about": delivery.event.data.get("headline") or delivery.event.data.get("label") or "",
        },
    )
    return Outcome(Taken.STALE, f"Mail to {delivery.recipient_label} is marked as coming back.")


def _mark(delivery: Delivery, answer: str, now: datetime) -> bool:
    """Mark the person's address as stale, in the directory too; return whether it was not before."""
    if delivery.recipient.startswith(CONTACT):
        contact = Contact.objects.filter(pk=delivery.recipient.removeprefix(CONTACT)).first()
        return contact is not None and contact_services.note_mail_came_back(contact=contact, reason=answer, now=now)
    membership = Membership.objects.select_related("user").filter(pk=delivery.recipient).first()
    if membership is None:
        return False
    fresh = User.objects.filter(pk=membership.user_id, mail_came_back_at=None).update(
        mail_came_back_at=now, mail_came_back_reason=answer[:300]
    )
    for contact in Contact.objects.filter(membership__user=membership.user_id, retired_at=None):
        contact_services.note_mail_came_back(contact=contact, reason=answer, now=now)
    return fresh == 1


@transaction.atomic
def say_it_works(*, actor: Actor, now: datetime) -> None:
    """Take the acting person's word that mail arrives again: they are mailed as they wished from now on."""
    user = actor.require_person(Right.READ, step_up=False)
    if (
        not User.objects.filter(pk=user.pk)
        .exclude(mail_came_back_at=None)
        .update(mail_came_back_at=None, mail_came_back_reason="")
    ):
        raise errors.Conflict("No mail to you came back.", code="mail_arrives")
    audit.record(
        "mail.address_works",
        now=now,
        actor=actor,
        organization_id=actor.organization.pk if actor.organization else None,
        subject=("member", actor.id),
        data={"recipient": user.name},
    )
