"""Writing organizations, members and tokens."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import F

from portal import errors
from portal.audit.services import record
from portal.organizations import tokens
from portal.organizations.acting import Actor
from portal.organizations.events import Kind
from portal.organizations.invitations import Invited, open_invitation
from portal.organizations.models import ApiToken, Membership, Organization, User
from portal.organizations.rules import Right, Role, Scope

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TOKEN_MAX_LIFETIME = timedelta(days=366)


def slug_of(name: str) -> str:
    """Return a slug made of a name: "Halden Freight" becomes "halden-freight"; empty if nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")


def short_code_of(name: str) -> str:
    """Return the letters that start the names of an organization's notices: "Halden Freight" gives "HF"."""
    initials = "".join(word[0] for word in re.findall(r"[A-Za-z0-9]+", name)).upper()
    return (initials if len(initials) > 1 else name[:3].upper())[:6]


@transaction.atomic
def create_organization(
    *, name: str, admin_email: str, admin_name: str, slug: str = "", actor: Actor, now: datetime
) -> tuple[Organization, Invited]:
    """Create an organization in state Invited and invite its first admin; joining makes it Active.

    For operators, and for a company that accepts a partner's invitation. Raises Invalid or Conflict.
    """
    name = name.strip()
    slug = slug or slug_of(name)
    if not 1 <= len(name) <= 120 or not name.isprintable():
        raise errors.Invalid("The name cannot be used.", fields={"name": ["Enter a name of at most 120 characters."]})
    if not SLUG.fullmatch(slug):
        raise errors.Invalid("The name cannot be used.", fields={"name": ["Use at least one letter or digit."]})
    if Organization.objects.filter(slug=slug).exists():
        raise errors.Conflict(
            f"There is an organization called {slug} already.", code="name_taken", fix="Choose another name."
        )
    organization = Organization.objects.create(
        slug=slug,
        name=name,
        short_code=short_code_of(name),
        state=Organization.State.INVITED,
        created_at=now,
    )
    record(
        Kind.ORGANIZATION_CREATED,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("organization", organization.pk),
        data={"name": name, "slug": slug},
    )
    invited = open_invitation(
        organization=organization,
        email=admin_email.strip().lower(),
        name=admin_name.strip(),
        role=Role.ADMIN,
        responder=False,
        actor=actor,
        now=now,
    )
    return organization, invited


def end_sessions(user: User) -> None:
    """Sign a person out everywhere; called when what they may do becomes less."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    for session in UserSession.objects.filter(user=user):
        session.end()


def _member_in(organization: Organization, membership_id: str) -> Membership:
    found = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("user", "organization")
        .filter(organization=organization, pk=membership_id)
        .first()
    )
    if found is None:
        raise errors.NotFound()
    return found


def _keep_an_admin(membership: Membership) -> None:
    others = Membership.objects.filter(
        organization=membership.organization_id, role=Role.ADMIN, state=Membership.State.ACTIVE
    ).exclude(pk=membership.pk)
    if membership.role == Role.ADMIN and not others.exists():
        raise errors.Conflict(
            "The last organization admin cannot leave.", code="last_admin", fix="Make somebody else an admin first."
        )


@transaction.atomic
def change_role(*, membership_id: str, role: str, responder: bool, actor: Actor, now: datetime) -> Membership:
    """Change a member's role and responder flag, and sign the person out everywhere.

    Raises NotFound for a member of another organization, Conflict for the last admin, Invalid for an unknown role.
    """
    organization = actor.require(Right.MANAGE_MEMBERS)
    membership = _member_in(organization, membership_id)
    if role not in set(Role):
        raise errors.Invalid("The role is not known.", fields={"role": ["Choose one of the roles."]})
    if responder and role == Role.VIEWER:
        raise errors.Invalid(
            "A viewer cannot be a responder.", fields={"responder": ["Choose another role or clear the flag."]}
        )
    if role != Role.ADMIN:
        _keep_an_admin(membership)
    before = {"role": membership.role, "responder": membership.responder}
    membership.role, membership.responder = role, responder
    membership.save(update_fields=["role", "responder"])
    end_sessions(membership.user)
    record(
        Kind.MEMBER_ROLE_CHANGED,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("member", membership.pk),
        data={"name": membership.user.name, "before": before, "after": {"role": role, "responder": responder}},
    )
    return membership


@transaction.atomic
def set_locked(*, membership_id: str, locked: bool, actor: Actor, now: datetime) -> Membership:
    """Lock a member out of the organization, or let them in again. Locking signs them out everywhere, at once."""
    organization = actor.require(Right.MANAGE_MEMBERS)
    membership = _member_in(organization, membership_id)
    if locked:
        _keep_an_admin(membership)
        end_sessions(membership.user)
    membership.state = Membership.State.LOCKED if locked else Membership.State.ACTIVE
    membership.save(update_fields=["state"])
    record(
        Kind.MEMBER_LOCKED if locked else Kind.MEMBER_UNLOCKED,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("member", membership.pk),
        data={"name": membership.user.name},
    )
    return membership


@transaction.atomic
def create_api_token(
    *, name: str, scopes: Iterable[str], lifetime: timedelta, actor: Actor, now: datetime
) -> tuple[ApiToken, str]:
    """Create an API token for the actor's organization; the secret in the result is shown once and never stored.

    Made by a person with a fresh second factor. It lives at most 366 days. Raises Invalid for unusable fields.
    """
    user = actor.require_person(Right.MANAGE_DELIVERY)
    organization = actor.require(Right.MANAGE_DELIVERY)
    scopes = sorted(set(scopes))
    fields: dict[str, list[str]] = {}
    if not 1 <= len(name.strip()) <= 80 or not name.isprintable():
        fields["name"] = ["Enter a name of at most 80 characters that says which program uses the token."]
    if not scopes or not set(scopes) <= set(Scope):
        fields["scopes"] = ["Choose at least one scope."]
    if not timedelta(0) < lifetime <= TOKEN_MAX_LIFETIME:
        fields["lifetime"] = ["Choose between 1 and 366 days."]
    if fields:
        raise errors.Invalid("The token cannot be made as it is.", fields=fields)
    secret, hint, digest = tokens.make(tokens.API_PREFIX)
    token = ApiToken.objects.create(
        organization=organization,
        name=name.strip(),
        hint=hint,
        digest=digest,
        scopes=scopes,
        created_at=now,
        expires_at=now + lifetime,
        created_by=user,
    )
    record(
        Kind.API_TOKEN_CREATED,
        now=now,
        actor=actor,
        organization_id=organization.pk,
        subject=("api_token", token.pk),
        data={"name": token.name, "hint": hint, "scopes": scopes, "expires_at": token.expires_at.isoformat()},
    )
    return token, secret


@transaction.atomic
def revoke_api_token(*, token_id: str, actor: Actor, now: datetime) -> ApiToken:
    """Revoke an API token at once. Raises NotFound for one of another organization."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    token = ApiToken.objects.filter(organization=organization, pk=token_id).first()
    if token is None:
        raise errors.NotFound()
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        record(
            Kind.API_TOKEN_REVOKED,
            now=now,
            actor=actor,
            organization_id=organization.pk,
            subject=("api_token", token.pk),
            data={"name": token.name, "hint": token.hint},
        )
    return token
