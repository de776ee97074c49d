"""Writing partnerships: inviting a partner, accepting, suspending, ending."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from portal import errors
from portal.audit.services import record
from portal.organizations import services as organizations
from portal.organizations import tokens
from portal.organizations.acting import Actor
from portal.organizations.invitations import Invited
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import locks, queries, rules
from portal.partnerships.events import Kind
from portal.partnerships.models import Partnership, PartnershipInvitation
from portal.partnerships.rules import Action
from portal.partnerships.signals import partnership_formed

LIFETIME = timedelta(days=14)


@dataclass(frozen=True)
class PartnerInvited:
    """An invitation of a partner and its secret, which exists only here, in the link and in the code."""

    invitation: PartnershipInvitation
    secret: str


@transaction.atomic
def invite_partner(*, company: str, contact_name: str, email: str, actor: Actor, now: datetime) -> PartnerInvited:
    """Invite a company to a partnership. Whoever holds the secret accepts for it, as a new or an existing organization.

    Raises Invalid for unusable fields and NotAllowed without the right.
    """
    user = actor.require_person(Right.MANAGE_PARTNERSHIPS, step_up=False)
    organization = actor.require(Right.MANAGE_PARTNERSHIPS)
    company, contact_name, email = company.strip(), contact_name.strip(), email.strip().lower()
    fields: dict[str, list[str]] = {}
    if not 1 <= len(company) <= 120 or not company.isprintable():
        fields["company"] = ["Enter the company's name, at most 120 characters."]
    if not 1 <= len(contact_name) <= 120 or not contact_name.isprintable():
        fields["contact_name"] = ["Enter the name of the person whom you invite."]
    try:
        validate_email(email)
    except ValidationError:
        fields["email"] = ["Enter an email address, like mei@halden.example."]
    if fields:
        raise errors.Invalid("The invitation cannot be sent as it is.", fields=fields)
    secret, _, digest = tokens.make(tokens.INVITATION_PREFIX)
    invitation = PartnershipInvitation.objects.create(
        organization=organization,
        invited_name=company,
        contact_name=contact_name,
        email=email,
        digest=digest,
        invited_by=user,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    record(
        Kind.PARTNER_INVITED,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("partnership_invitation", invitation.pk),
        data={"company": company, "contact": contact_name, "email": email},
    )
    return PartnerInvited(invitation, secret)


def open_invitation_for(secret: str, now: datetime) -> PartnershipInvitation:
    """Return the open invitation that ``secret`` belongs to. Raises NotFound when there is none, or no longer."""
    found = (
        PartnershipInvitation.objects.select_related("organization")
        .filter(digest=tokens.digest(secret.strip()), accepted_at=None, withdrawn_at=None, expires_at__gt=now)
        .first()
    )
    if found is None:
        raise errors.NotFound(
            "This invitation is used up, withdrawn or expired.", code="invitation_closed", fix="Ask for a new one."
        )
    return found


@transaction.atomic
def withdraw_invitation(*, invitation_id: str, actor: Actor, now: datetime) -> None:
    """Withdraw an open invitation. Raises NotFound for one of another organization, Conflict for a closed one."""
    organization = actor.require(Right.MANAGE_PARTNERSHIPS)
    found = PartnershipInvitation.objects.filter(organization=organization, pk=invitation_id).first()
    if found is None:
        raise errors.NotFound()
    if not PartnershipInvitation.objects.filter(pk=found.pk, accepted_at=None, withdrawn_at=None).update(
        withdrawn_at=now
    ):
        raise errors.Conflict("The invitation is closed already.")
    record(
        Kind.INVITATION_WITHDRAWN,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("partnership_invitation", found.pk),
        data={"company": found.invited_name},
    )


@transaction.atomic
def accept_invitation(*, secret: str, actor: Actor, now: datetime) -> Partnership:
    """Accept a partner's invitation for the actor's organization, and return the partnership in state Onboarding.

    Raises NotFound for a closed invitation, Conflict for the own organization or a pair that are partners already.
    """
    organization = actor.require(Right.MANAGE_PARTNERSHIPS)
    invitation = open_invitation_for(secret, now)
    return _form(invitation, organization, actor=actor, now=now)


@transaction.atomic
def accept_as_new_organization(
    *, secret: str, company: str, admin_name: str, now: datetime
) -> tuple[Partnership, Invited]:
    """Accept a partner's invitation for a company that is not on the portal yet.

    Creates the organization, whose first admin is the invited address, and the partnership. Returns both and the admin's own
    invitation, with which the caller goes on at once. Raises NotFound, Invalid or Conflict.
    """
    invitation = open_invitation_for(secret, now)
    newcomer = Actor(kind="invitee", id=str(invitation.pk), label=f"{admin_name.strip()} by invitation")
    organization, invited = organizations.create_organization(
        name=company, admin_email=invitation.email, admin_name=admin_name, actor=newcomer, now=now
    )
    return _form(invitation, organization, actor=newcomer, now=now), invited


def _form(invitation: PartnershipInvitation, organization: Organization, *, actor: Actor, now: datetime) -> Partnership:
    inviting = invitation.organization
    if inviting.pk == organization.pk:
        raise errors.Conflict(
            "This is your own invitation.", code="own_invitation", fix="Send the link to your partner."
        )
    if queries.of(inviting).filter(pk__in=queries.ids_of(organization)).exists():
        raise errors.Conflict(f"You and {inviting.name} are partners already.", code="already_partners")
    if not PartnershipInvitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now):
        raise errors.Conflict("The invitation was used a moment ago.", code="invitation_closed")
    try:
        with transaction.atomic():
            partnership = Partnership.objects.create(
                slug=f"{inviting.slug}-{organization.slug}",
                first_organization=inviting,
                second_organization=organization,
                state=Partnership.State.ONBOARDING,
                created_at=now,
            )
    except IntegrityError as error:
        raise errors.Conflict(f"You and {inviting.name} are partners already.", code="already_partners") from error
    PartnershipInvitation.objects.filter(pk=invitation.pk).update(partnership=partnership)
    record(
        Kind.FORMED,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        partnership_id=partnership.pk,
        subject=("partnership", partnership.pk),
        data={"organizations": [inviting.name, organization.name], "slug": partnership.slug},
    )
    partnership_formed.send(sender=Partnership, partnership=partnership, actor=actor, now=now)
    return partnership


_KINDS = {Action.SUSPEND: Kind.SUSPENDED, Action.RESUME: Kind.RESUMED, Action.END: Kind.ENDED}


@transaction.atomic
def change_state(*, partnership: Partnership, action: Action, reason: str, actor: Actor, now: datetime) -> Partnership:
    """Suspend, resume or end a partnership, with a reason that both sides read. Needs a fresh second factor.

    Raises Invalid without a reason, NotFound for strangers, Conflict when the state does not permit it. Going active is not
    done here: onboarding decides that.
    """
    actor.require_person(Right.MANAGE_PARTNERSHIPS)
    organization = actor.require(Right.MANAGE_PARTNERSHIPS)
    if not partnership.has(organization):
        raise errors.NotFound()
    if action not in _KINDS:
        raise errors.Invalid("This action is not known.", code="unknown_action")
    reason = reason.strip()
    if not 3 <= len(reason) <= 1000:
        raise errors.Invalid(
            "Say why.", fields={"reason": ["Enter a reason that your partner can read, at most 1,000 characters."]}
        )
    current = locks.hold(partnership.pk)
    target = rules.after(current.state, action)
    if target is None:
        raise errors.Conflict(
            f"The partnership is {current.get_state_display().lower()}; it cannot be changed like this."
        )
    if action is Action.RESUME and current.activated_at is None:
        target = Partnership.State.ONBOARDING
    current.state, current.state_reason = target, reason
    current.save(update_fields=["state", "state_reason"])
    record(
        _KINDS[action],
        now=now,
        actor=actor,
        organization_id=organization.pk,
        partnership_id=current.pk,
        subject=("partnership", current.pk),
        data={"reason": reason, "by": organization.name, "state": target},
    )
    return current
