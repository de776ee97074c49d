"""Reading the contact directory, always from the point of view of one organization."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.partnerships import contact_rules, queries
from portal.partnerships.models import Contact, ContactChange, Partnership


def of(organization: Organization) -> QuerySet[Contact]:
    """Return the organization's own directory, retired contacts left out, primary and backup first."""
    return of_any([organization])


def of_any(organizations: Iterable[Organization]) -> QuerySet[Contact]:
    """Return the directories of several organizations, as ``of`` does each."""
    return Contact.objects.filter(organization__in=list(organizations), retired_at=None).select_related(
        "organization",
        "membership__user",
        "number_entered_by",
        "confirmed_by_call_by",
        "confirmed_by_contact",
        "reported_wrong_by",
    )


def visible_to(organization: Organization) -> QuerySet[Contact]:
    """Return the contacts that members of an organization may see: its own and those of its partners."""
    partners = [partnership.other(organization).pk for partnership in queries.of(organization)]
    return Contact.objects.filter(Q(organization=organization) | Q(organization__in=partners)).select_related(
        "organization", "membership__user"
    )


def get(organization: Organization, contact_id: uuid.UUID | str) -> Contact:
    """Return one contact that the organization may see. Raises NotFound otherwise."""
    try:
        known = uuid.UUID(str(contact_id))
    except ValueError as problem:
        raise errors.NotFound() from problem
    found = visible_to(organization).filter(pk=known).first()
    if found is None:
        raise errors.NotFound()
    return found


def of_partner(partnership: Partnership, organization: Organization) -> list[Contact]:
    """Return the partner's contacts, as ``organization`` sees them. Raises NotFound for strangers."""
    if not partnership.has(organization):
        raise errors.NotFound()
    return list(of(partnership.other(organization)))


def callable_at(contacts: Iterable[Contact], now: datetime) -> list[Contact]:
    """Return those of ``contacts`` whose number may be called for a verification at ``now``, in the given order."""
    return [contact for contact in contacts if contact.obstacle_at(now) is None]


def alternatives_to(contact: Contact, now: datetime) -> list[Contact]:
    """Return the other contacts of the same organization that can be called at ``now``, the backup first."""
    others = of(contact.organization).exclude(pk=contact.pk).order_by("-is_backup", "-is_primary", "name")
    return callable_at(others, now)


def everyone_to_alert(contact: Contact, partnership: Partnership) -> list[Contact]:
    """Return all contacts of both organizations: they are told when a number changes, the contact included."""
    both = [partnership.first_organization_id, partnership.second_organization_id]
    assert contact.organization_id in both
    return list(Contact.objects.filter(organization__in=both, retired_at=None))


def due_for_review(organization: Organization, now: datetime) -> list[Contact]:
    """Return the contacts about whom somebody should say again that the entry is still right (quarterly)."""
    return [contact for contact in of(organization) if is_due_for_review(contact, now)]


def all_due_for_review(now: datetime) -> list[Contact]:
    """Return the contacts of every organization that are due, for the task that asks."""
    confirmed = Contact.objects.filter(retired_at=None, confirmed_by_call_at__lte=now - contact_rules.REVIEW_EVERY)
    return [contact for contact in confirmed if is_due_for_review(contact, now)]


def is_due_for_review(contact: Contact, now: datetime) -> bool:
    """Say whether nobody has said for a quarter that the entry is right. Unconfirmed entries are asked about anyway."""
    return bool(contact.confirmed_by_call_at) and contact_rules.review_due_at(last_confirmed_at(contact)) <= now


def last_confirmed_at(contact: Contact) -> datetime:
    """Return when the entry was last said to be right, by a review, a confirmation or its making."""
    moments = (contact.reviewed_at, contact.confirmed_by_call_at, contact.confirmed_by_contact_at)
    return max((moment for moment in moments if moment), default=contact.created_at)


def history(contact: Contact) -> QuerySet[ContactChange]:
    """Return what happened to the entry, oldest first."""
    return ContactChange.objects.filter(contact=contact)


def warnings(organization: Organization, now: datetime) -> list[str]:
    """Return what the directory lacks, in sentences, for the settings page and the checklist."""
    return lacking(list(of(organization)), now)


def lacking(contacts: Sequence[Contact], now: datetime) -> list[str]:
    """Return what a directory with these contacts lacks, in sentences."""
    if not contacts:
        return ["You have no contacts. Partners cannot call you to verify a fingerprint."]
    found = []
    if not any(contact.is_primary for contact in contacts):
        found.append("You have no primary contact. Partners cannot call you to verify a fingerprint.")
    if not any(contact.is_backup for contact in contacts):
        found.append("You have no backup contact. When the primary contact does not answer, nobody can be called.")
    if len(callable_at(contacts, now)) < 2:
        found.append("Fewer than two of your contacts can be called right now.")
    if not any(contact.membership_id for contact in contacts):
        found.append("None of your contacts can sign in, so none of them can read a call code.")
    return found


def may_be_edited_by(contact: Contact, actor: Actor) -> bool:
    """Say whether ``contact`` is in the actor's own directory; whether they have the right is for the services."""
    return actor.organization is not None and contact.organization_id == actor.organization.pk
