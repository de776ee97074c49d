"""Reading organizations, members and tokens."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Count, Q, QuerySet

from portal.organizations.models import ApiToken, Membership, Organization, User
from portal.organizations.rules import Role


def memberships_of(user: User) -> QuerySet[Membership]:
    """Return the active memberships of a person, with their organizations."""
    return (
        Membership.objects.filter(user=user, state=Membership.State.ACTIVE)
        .select_related("organization", "user")
        .order_by("organization__name")
    )


def members_of(organization: Organization) -> QuerySet[Membership]:
    """Return the memberships of an organization, with their people."""
    return Membership.objects.filter(organization=organization).select_related("user").order_by("user__name")


_WAYS = {"totp": "Authenticator app", "webauthn": "Passkey"}


def sign_in_ways(user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return how people sign in beside their password, by the person: "Authenticator app, passkey"."""
    found: dict[uuid.UUID, set[str]] = defaultdict(set)
    rows = Authenticator.objects.filter(user__in=list(user_ids), type__in=_WAYS).values_list("user_id", "type")
    for user_id, kind in rows:
        found[user_id].add(_WAYS[kind])
    return {user_id: ", ".join(sorted(ways)).capitalize() for user_id, ways in found.items()}


def officers_of(organization: Organization, *, excluding: User | None = None) -> QuerySet[Membership]:
    """Return the active security officers of an organization, so that a page can say who can approve."""
    found = members_of(organization).filter(role=Role.OFFICER, state=Membership.State.ACTIVE)
    return found.exclude(user=excluding) if excluding else found


def people_warnings(organization: Organization) -> list[str]:
    """Return what an organization cannot do yet because it has too few people, in sentences."""
    counts = Membership.objects.filter(organization=organization, state=Membership.State.ACTIVE).aggregate(
        officers=Count("id", filter=Q(role=Role.OFFICER)), admins=Count("id", filter=Q(role=Role.ADMIN))
    )
    warnings = []
    if counts["officers"] < 2:
        have = {0: "none", 1: "one"}[counts["officers"]]
        warnings.append(f"You cannot publish new trust yet. Adding trust needs two security officers; you have {have}.")
    if counts["admins"] < 1:
        warnings.append("Nobody can invite members: the organization has no admin.")
    return warnings


def token_by_digest(digest: str, now: datetime) -> ApiToken | None:
    """Return the API token that is in force and has this digest, with its organization."""
    token = ApiToken.objects.select_related("organization").filter(digest=digest).first()
    return token if token is not None and token.in_force(now) else None
