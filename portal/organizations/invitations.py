"""Inviting people into an organization, and joining it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from portal import errors
from portal.audit.services import record
from portal.organizations import tokens
from portal.organizations.acting import Actor, member
from portal.organizations.events import Kind
from portal.organizations.models import MemberInvitation, Membership, Organization, User
from portal.organizations.rules import Right, Role

LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class Invited:
    """An invitation and its secret, which exists only here and in the link."""

    invitation: MemberInvitation
    secret: str


def _clean(email: str, name: str, role: str, responder: bool) -> tuple[str, str]:
    fields: dict[str, list[str]] = {}
    email, name = email.strip().lower(), name.strip()
    try:
        validate_email(email)
    except ValidationError:
        fields["email"] = ["Enter an email address, like ana@meridian.example."]
    if not 1 <= len(name) <= 120 or not name.isprintable():
        fields["name"] = ["Enter a name of at most 120 characters."]
    if role not in set(Role):
        fields["role"] = ["Choose one of the roles."]
    if responder and role == Role.VIEWER:
        fields["responder"] = ["A viewer cannot be a responder. Choose another role or clear the flag."]
    if fields:
        raise errors.Invalid("The invitation cannot be sent as it is.", fields=fields)
    return email, name


@transaction.atomic
def invite_member(*, email: str, name: str, role: str, responder: bool = False, actor: Actor, now: datetime) -> Invited:
    """Invite a person into the actor's organization; the secret in the result is shown once and never stored.

    Raises Invalid for a field that cannot be used, Conflict when the person is a member already, NotAllowed without the right.
    """
    organization = actor.require(Right.MANAGE_MEMBERS)
    email, name = _clean(email, name, role, responder)
    if Membership.objects.filter(organization=organization, user__email=email).exists():
        raise errors.Conflict("This person is a member already.", code="already_member", fix="Change the role instead.")
    return open_invitation(
        organization=organization, email=email, name=name, role=role, responder=responder, actor=actor, now=now
    )


def open_invitation(
    *, organization: Organization, email: str, name: str, role: str, responder: bool, actor: Actor, now: datetime
) -> Invited:
    """Record an invitation inside the caller's transaction. An earlier open one for the same address is withdrawn."""
    MemberInvitation.objects.filter(organization=organization, email=email, accepted_at=None, withdrawn_at=None).update(
        withdrawn_at=now
    )
    secret, _, digest = tokens.make(tokens.INVITATION_PREFIX)
    invitation = MemberInvitation.objects.create(
        organization=organization,
        email=email,
        name=name,
        role=role,
        responder=responder,
        digest=digest,
        invited_by=actor.user,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    record(
        Kind.MEMBER_INVITED,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("invitation", invitation.pk),
        data={"name": name, "email": email, "role": role, "responder": responder},
    )
    return Invited(invitation, secret)


@transaction.atomic
def withdraw_invitation(*, invitation_id: str, actor: Actor, now: datetime) -> None:
    """Withdraw an open invitation. Raises NotFound for one of another organization, Conflict for one that is closed."""
    organization = actor.require(Right.MANAGE_MEMBERS)
    invitation = MemberInvitation.objects.filter(organization=organization, pk=invitation_id).first()
    if invitation is None:
        raise errors.NotFound()
    open_ones = MemberInvitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None)
    if not open_ones.update(withdrawn_at=now):
        raise errors.Conflict("The invitation is closed already.")
    record(
        Kind.MEMBER_INVITATION_WITHDRAWN,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("invitation", invitation.pk),
        data={"name": invitation.name, "email": invitation.email},
    )


def open_invitation_for(secret: str, now: datetime) -> MemberInvitation:
    """Return the open invitation that ``secret`` belongs to. Raises NotFound when there is none, or no longer."""
    invitation = (
        MemberInvitation.objects.select_related("organization")
        .filter(digest=tokens.digest(secret), accepted_at=None, withdrawn_at=None, expires_at__gt=now)
        .first()
    )
    if invitation is None:
        raise errors.NotFound(
            "This invitation is used up, withdrawn or expired.", code="invitation_closed", fix="Ask for a new one."
        )
    return invitation


@transaction.atomic
def join(*, secret: str, name: str, password: str, signed_in: User | None, now: datetime) -> Membership:
    """Take the place that an invitation holds open, and return the membership.

    A new person gives a name and a password of at least 12 characters. A person who already has a login must be signed in as
    the invited address: the link alone never gives access to an existing login. The invitation is used up.

    Raises Invalid for the name or password, NotFound for a closed invitation, NotAllowed when signed in as somebody else.
    """
    invitation = open_invitation_for(secret, now)
    user = _person(invitation, name=name, password=password, signed_in=signed_in)
    taken = MemberInvitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
        accepted_at=now
    )
    if not taken:
        raise errors.Conflict("This invitation was used a moment ago.", code="invitation_closed")
    membership, created = Membership.objects.get_or_create(
        user=user,
        organization=invitation.organization,
        defaults={"role": invitation.role, "responder": invitation.responder, "created_at": now},
    )
    if not created:
        raise errors.Conflict("You are a member already.", code="already_member")
    if invitation.organization.state == Organization.State.INVITED:
        Organization.objects.filter(pk=invitation.organization_id).update(state=Organization.State.ACTIVE)
        membership.organization.state = Organization.State.ACTIVE
    record(
        Kind.MEMBER_JOINED,
        now=now,
        actor=member(membership),
        organization_id=invitation.organization_id,
        subject=("member", membership.pk),
        data={"name": user.name, "email": user.email, "role": membership.role, "responder": membership.responder},
    )
    return membership


def _person(invitation: MemberInvitation, *, name: str, password: str, signed_in: User | None) -> User:
    existing = User.objects.filter(email=invitation.email).first()
    if existing is not None:
        if signed_in is None or signed_in.pk != existing.pk:
            raise errors.NotAllowed(
                f"There is a login for {invitation.email} already.",
                code="sign_in_first",
                fix="Sign in with it, then open the link again.",
            )
        return existing
    if signed_in is not None:
        raise errors.NotAllowed(
            f"The invitation is for {invitation.email}.",
            code="other_address",
            fix="Sign out, then open the link again.",
        )
    name = name.strip()
    if not 1 <= len(name) <= 120 or not name.isprintable():
        raise errors.Invalid("Your name is missing.", fields={"name": ["Enter a name of at most 120 characters."]})
    user = User(email=invitation.email, name=name)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise errors.Invalid("The password cannot be used.", fields={"password": list(error.messages)}) from error
    return User.objects.create_user(invitation.email, password, name=name)
