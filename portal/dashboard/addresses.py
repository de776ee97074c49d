"""Addresses from which mail came back, as tasks. See ``needs`` for the whole list."""

from collections.abc import Iterable

from django.urls import reverse

from portal import words
from portal.dashboard.desk import Desk
from portal.dashboard.need import LIMIT, Need
from portal.organizations import queries as organizations
from portal.organizations.acting import Actor
from portal.organizations.models import Membership
from portal.organizations.rules import Right


def mail_that_came_back(desk: Desk) -> Iterable[Need]:
    """The member's own address, and those of colleagues and contacts for whoever looks after them."""
    yield from _own(desk.actor)
    yield from _members(desk.actor)
    yield from _contacts(desk)


def _own(actor: Actor) -> Iterable[Need]:
    if actor.user is not None and actor.user.mail_came_back_at is not None:
        yield Need(
            title="Mail to you came back",
            sentence=f"On {words.day(actor.user.mail_came_back_at)}. Only alarms are mailed until you say that mail arrives.",
            url=reverse("mail_preference"),
            icon="mail",
            tint="bad",
            tag="Came back",
        )


def _members(actor: Actor) -> Iterable[Need]:
    if not actor.has(Right.MANAGE_MEMBERS) or actor.organization is None:
        return
    stale = organizations.members_of(actor.organization).filter(
        state=Membership.State.ACTIVE, user__mail_came_back_at__isnull=False
    )
    for each in stale.exclude(user=actor.user)[:LIMIT]:
        yield Need(
            title=f"Mail to {each.user.name} came back",
            sentence="Notices may not reach them. Ask them, or lock the member if they have left.",
            url=reverse("members"),
            icon="mail",
            tint="warn",
            tag="Came back",
        )


def _contacts(desk: Desk) -> Iterable[Need]:
    if not desk.actor.has(Right.EDIT_CONTACTS):
        return
    for contact in [each for each in desk.contacts if each.mail_came_back_at is not None][:LIMIT]:
        yield Need(
            title=f"Mail to the contact {contact.name} came back",
            sentence="Partners call this person. Change the address, or say that the entry is still right.",
            url=reverse("contact", args=[contact.pk]),
            icon="mail",
            tint="warn",
            tag="Came back",
        )
