"""Changing the contact directory. Each act leaves a line of the contact's history and an event, in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from portal import errors
from portal.audit.services import record
from portal.organizations.acting import PORTAL, Actor
from portal.organizations.models import Membership, User
from portal.organizations.rules import Right
from portal.partnerships import contact_queries, contact_rules, locks, queries
from portal.partnerships.models import Contact, ContactChange
from portal.partnerships.signals import contact_unusable

What = ContactChange.What
DETAILS = frozenset(
    {"name", "role_title", "email", "languages", "hours", "time_zone", "openpgp_fingerprint", "is_primary", "is_backup"}
)


def _locked(contact: Contact) -> Contact:
    locks.hold_all_of(contact.organization_id)
    return (
        Contact.objects.select_for_update(of=("self",), no_key=True).select_related("organization").get(pk=contact.pk)
    )


def _own(contact: Contact, actor: Actor) -> None:
    """Raise NotFound unless the contact is in the actor's own directory."""
    if not contact_queries.may_be_edited_by(contact, actor):
        raise errors.NotFound()


def _not_retired(contact: Contact) -> None:
    if contact.retired_at is not None:
        raise errors.Conflict("This contact is retired.", code="contact_retired", fix="Add the person again.")


def _tell(contact: Contact, what: What, *, actor: Actor, now: datetime, note: str = "", **data: object) -> None:
    """Add the line of history, and one event for each partnership that sees the contact, or one for the company alone."""
    ContactChange.objects.create(
        contact=contact, what=what, at=now, by_label=actor.label[:200], phone=contact.phone, note=note[:300]
    )
    facts = {"contact": contact.name, "organization": contact.organization.name, "number": contact.phone_masked, **data}
    partnerships: list[UUID | None] = [*queries.ids_of(contact.organization)] or [None]
    for partnership_id in partnerships:
        record(
            f"contact.{what.value}",
            now=now,
            actor=actor,
            organization_id=contact.organization_id,
            partnership_id=partnership_id,
            subject=("contact", contact.pk),
            data=facts,
        )


def _details(values: Mapping[str, object]) -> dict[str, object]:
    unknown = set(values) - DETAILS
    if unknown:
        raise ValueError(f"Not details of a contact: {sorted(unknown)}")
    cleaned = dict(values)
    if "name" in cleaned and not str(cleaned["name"]).strip():
        raise errors.Invalid("A contact needs a name.", fields={"name": ["Write the person's name."]})
    for field, value in cleaned.items():
        # The partner reads these beside the number that it dials: nothing in them may turn what follows around.
        if not str(value).isprintable():
            raise errors.Invalid(
                "A contact's details are lines of visible characters.", fields={field: ["Use visible characters only."]}
            )
    if "time_zone" in cleaned:
        cleaned["time_zone"] = contact_rules.parse_time_zone(str(cleaned["time_zone"] or "UTC"))
    if "openpgp_fingerprint" in cleaned:
        cleaned["openpgp_fingerprint"] = contact_rules.parse_fingerprint(str(cleaned["openpgp_fingerprint"]))
    return cleaned


def _only_one(contact: Contact) -> None:
    """Take the place of whoever was primary or backup before."""
    for flag in ("is_primary", "is_backup"):
        if getattr(contact, flag):
            others = Contact.objects.filter(organization=contact.organization, **{flag: True}).exclude(pk=contact.pk)
            others.update(**{flag: False})


@transaction.atomic
def add_contact(
    *,
    actor: Actor,
    now: datetime,
    name: str,
    phone: str,
    membership: Membership | None = None,
    **details: object,
) -> Contact:
    """Add a person to the acting organization's directory, unconfirmed, and return the entry.

    The number cools off when the organization has a partnership that is past onboarding. Raises NotAllowed without the right,
    StepUpRequired, and Invalid for a number, fingerprint or time zone that cannot be.
    """
    user = actor.require_person(Right.EDIT_CONTACTS)
    organization = actor.require(Right.EDIT_CONTACTS)
    if membership is not None and membership.organization_id != organization.pk:
        raise errors.NotFound()
    established = queries.of(organization).exclude(state__in=["invited", "onboarding"]).exists()
    contact = Contact(
        organization=organization,
        membership=membership,
        phone=contact_rules.parse_number(phone),
        number_changed_at=now,
        number_entered_by=user,
        usable_from=contact_rules.usable_from(now, cools_off=established),
        created_at=now,
        **_details({"name": name, **details}),
    )
    contact.save()
    _only_one(contact)
    _tell(contact, What.ADDED, actor=actor, now=now, usable_from=_iso(contact.usable_from))
    return contact


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


@transaction.atomic
def edit_contact(*, contact: Contact, actor: Actor, now: datetime, **details: object) -> Contact:
    """Change anything but the number. Raises NotFound, NotAllowed, Conflict (retired) and Invalid."""
    actor.require_person(Right.EDIT_CONTACTS, step_up=False)
    contact = _locked(contact)
    _own(contact, actor)
    _not_retired(contact)
    cleaned = _details(details)
    changed = [name for name, value in cleaned.items() if getattr(contact, name) != value]
    if not changed:
        return contact
    for name in changed:
        setattr(contact, name, cleaned[name])
    if "email" in changed:
        contact.mail_came_back_at, contact.mail_came_back_reason = None, ""
    contact.save(update_fields=[*changed, "mail_came_back_at", "mail_came_back_reason"])
    _only_one(contact)
    _tell(contact, What.DETAILS, actor=actor, now=now, note=", ".join(changed), changed=changed)
    return contact


@transaction.atomic
def change_number(*, contact: Contact, phone: str, actor: Actor, now: datetime) -> Contact:
    """Change a contact's number: it loses its confirmations, cools off for 72 hours, and all contacts of both
    organizations are alerted (the event ``contact.number_changed``). Calls in progress with the contact end.

    Raises NotFound, NotAllowed, StepUpRequired, Conflict (retired, or the same number) and Invalid.
    """
    user = actor.require_person(Right.EDIT_CONTACTS)
    contact = _locked(contact)
    _own(contact, actor)
    _not_retired(contact)
    number = contact_rules.parse_number(phone)
    if number == contact.phone:
        raise errors.Conflict("This is the number that the directory already has.", code="same_number")
    before = contact.phone_masked
    contact.phone, contact.number_changed_at, contact.number_entered_by = number, now, user
    contact.usable_from = contact_rules.usable_from(now, cools_off=True)
    contact.confirmed_by_call_at = contact.confirmed_by_call_by = None
    contact.confirmed_by_contact_at = contact.confirmed_by_contact = None
    contact.reported_wrong_at = contact.reported_wrong_by = None
    contact.save()
    _tell(contact, What.NUMBER, actor=actor, now=now, before=before, usable_from=_iso(contact.usable_from))
    contact_unusable.send(sender=Contact, contact=contact, actor=actor, now=now)
    return contact


def _other_person(contact: Contact, user: User) -> None:
    """Raise NotAllowed when ``user`` is the contact or the person who entered the number."""
    if contact.membership is not None and contact.membership.user_id == user.pk:
        raise errors.NotAllowed("You cannot confirm your own number.", code="own_number", fix="Ask a colleague.")
    if contact.number_entered_by_id == user.pk:
        raise errors.NotAllowed(
            "You entered this number, so somebody else must confirm it.", code="entered_number", fix="Ask a colleague."
        )


@transaction.atomic
def confirm_by_call(*, contact: Contact, actor: Actor, now: datetime) -> Contact:
    """Record that the acting person called the number and the contact answered.

    The caller may belong to the contact's organization or to a partner. Raises NotFound for strangers, NotAllowed for the
    contact, for whoever entered the number and for whoever vouches for it, StepUpRequired, and Conflict (retired).
    """
    user = actor.require_person(Right.CALL)
    assert actor.organization is not None
    contact = _locked(contact_queries.get(actor.organization, contact.pk))
    _not_retired(contact)
    _other_person(contact, user)
    voucher = contact.confirmed_by_contact
    if voucher is not None and voucher.membership is not None and voucher.membership.user_id == user.pk:
        raise errors.NotAllowed(
            "You vouched for this number, so somebody else must call it.", code="vouched", fix="Ask a colleague."
        )
    contact.confirmed_by_call_at, contact.confirmed_by_call_by = now, user
    contact.reported_wrong_at = contact.reported_wrong_by = None
    contact.save()
    _tell(contact, What.CALLED, actor=actor, now=now)
    return contact


@transaction.atomic
def confirm_by_contact(*, contact: Contact, actor: Actor, now: datetime) -> Contact:
    """Record that the acting person, who is a contact of the same organization, knows this to be the person's number.

    Once the organization has a confirmed contact, only a confirmed one can vouch. Raises NotFound, NotAllowed, StepUpRequired
    and Conflict.
    """
    user = actor.require_person(Right.READ)
    contact = _locked(contact)
    _own(contact, actor)
    _not_retired(contact)
    _other_person(contact, user)
    if contact.confirmed_by_call_by_id == user.pk:
        raise errors.NotAllowed(
            "You made the confirming call, so another contact must vouch.", code="called", fix="Ask another contact."
        )
    contact.confirmed_by_contact, contact.confirmed_by_contact_at = _voucher(contact, actor, now), now
    contact.save()
    _tell(contact, What.VOUCHED, actor=actor, now=now)
    return contact


def _voucher(contact: Contact, actor: Actor, now: datetime) -> Contact:
    others = list(contact_queries.of(contact.organization).exclude(pk=contact.pk))
    confirmed = contact_queries.callable_at(others, now)
    mine = [other for other in confirmed or others if other.membership_id == getattr(actor.membership, "pk", None)]
    if not mine:
        raise errors.NotAllowed(
            "Only another contact of your organization can vouch for this number.",
            code="not_a_contact",
            fix="Ask one of: " + ", ".join(other.name for other in confirmed or others) + "."
            if others
            else "Add a second contact first.",
        )
    return mine[0]


@transaction.atomic
def still_right(*, contact: Contact, actor: Actor, now: datetime) -> Contact:
    """Record that the entry is still right; asked for each quarter. Raises NotFound, NotAllowed and Conflict."""
    actor.require_person(Right.EDIT_CONTACTS, step_up=False)
    contact = _locked(contact)
    _own(contact, actor)
    _not_retired(contact)
    contact.reviewed_at = now
    contact.mail_came_back_at, contact.mail_came_back_reason = None, ""
    contact.save(update_fields=["reviewed_at", "mail_came_back_at", "mail_came_back_reason"])
    _tell(contact, What.REVIEWED, actor=actor, now=now)
    return contact


@transaction.atomic
def report_wrong(*, contact: Contact, reason: str, actor: Actor, now: datetime) -> Contact:
    """Record that the number is wrong, by its owner or a partner: it cannot be used until it is called and confirmed again.

    Taking a number out of use needs one person. Raises NotFound for strangers, NotAllowed and Conflict.
    """
    actor.require_person(Right.CALL, step_up=False)
    assert actor.organization is not None
    contact = _locked(contact_queries.get(actor.organization, contact.pk))
    _not_retired(contact)
    if contact.reported_wrong_at is not None:
        raise errors.Conflict("This number is already reported as wrong.", code="already_reported")
    contact.reported_wrong_at, contact.reported_wrong_by = now, actor.organization
    contact.confirmed_by_call_at = contact.confirmed_by_call_by = None
    contact.save()
    _tell(contact, What.REPORTED, actor=actor, now=now, note=reason, reason=reason[:300])
    contact_unusable.send(sender=Contact, contact=contact, actor=actor, now=now)
    return contact


@transaction.atomic
def retire_contact(*, contact: Contact, actor: Actor, now: datetime) -> Contact:
    """Take a contact out of the directory; calls in progress with them end. Raises NotFound, NotAllowed and Conflict."""
    actor.require_person(Right.EDIT_CONTACTS)
    contact = _locked(contact)
    _own(contact, actor)
    _not_retired(contact)
    contact.retired_at, contact.is_primary, contact.is_backup = now, False, False
    contact.save()
    _tell(contact, What.RETIRED, actor=actor, now=now)
    contact_unusable.send(sender=Contact, contact=contact, actor=actor, now=now)
    return contact


@transaction.atomic
def note_mail_came_back(*, contact: Contact, reason: str, now: datetime) -> bool:
    """Mark the entry as stale because a mail to the person came back; return whether it was not marked before.

    Until the address is changed or somebody says that the entry is still right, both organizations see it.
    """
    contact = _locked(contact)
    if contact.retired_at is not None or contact.mail_came_back_at is not None:
        return False
    contact.mail_came_back_at, contact.mail_came_back_reason = now, reason[:300]
    contact.save(update_fields=["mail_came_back_at", "mail_came_back_reason"])
    # The answer of the mail server stays with the own organization: it may name an address.
    _tell(contact, What.CAME_BACK, actor=PORTAL, now=now, note=reason)
    return True


def ask_for_reviews(*, now: datetime) -> int:
    """Ask about each contact whose entry nobody has said to be right for a quarter; return how many were asked about.

    Idempotent: each is asked about once, until somebody answers. The event is the organization's own.
    """
    asked = 0
    for contact in contact_queries.all_due_for_review(now):
        with transaction.atomic():
            asked += _ask_for_review(_locked(contact), now)
    return asked


def _ask_for_review(contact: Contact, now: datetime) -> int:
    last = contact_queries.last_confirmed_at(contact)
    if contact.retired_at or (contact.review_asked_at and contact.review_asked_at > last):
        return 0
    contact.review_asked_at = now
    contact.save(update_fields=["review_asked_at"])
    record(
        "contact.review_due",
        now=now,
        actor=PORTAL,
        organization_id=contact.organization_id,
        subject=("contact", contact.pk),
        data={"contact": contact.name, "organization": contact.organization.name, "last": last.isoformat()},
    )
    return 1
