"""Reading partnerships, always from the point of view of one organization."""

import uuid
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership


def of(organization: Organization) -> QuerySet[Partnership]:
    """Return the partnerships that ``organization`` is part of."""
    return Partnership.objects.filter(
        Q(first_organization=organization) | Q(second_organization=organization)
    ).select_related("first_organization", "second_organization")


def names_of(organization: Organization) -> list[tuple[str, str]]:
    """Return the slug of each partnership of ``organization`` and the partner's name, by name, for lists to choose from."""
    found = Partnership.objects.filter(Q(first_organization=organization) | Q(second_organization=organization))
    rows = found.order_by().values_list(
        "slug", "first_organization_id", "first_organization__name", "second_organization__name"
    )
    named = [(slug, second if first_id == organization.pk else first) for slug, first_id, first, second in rows]
    return sorted(named, key=lambda each: (each[1].casefold(), each[0]))


def partners_of(organization: Organization) -> Q:
    """Return the condition on ``organization`` of a row that it belongs to a partner, for the database to look up."""
    mine = Partnership.objects.filter(first_organization=organization).order_by().values("second_organization")
    theirs = Partnership.objects.filter(second_organization=organization).order_by().values("first_organization")
    return Q(organization__in=mine) | Q(organization__in=theirs)


def of_any(organizations: Iterable[uuid.UUID]) -> QuerySet[Partnership]:
    """Return the partnerships that any of these organizations (ids) is part of."""
    known = list(organizations)
    return Partnership.objects.filter(
        Q(first_organization__in=known) | Q(second_organization__in=known)
    ).select_related("first_organization", "second_organization")


def ids_of(organization: Organization) -> list[uuid.UUID]:
    """Return the ids of the partnerships that ``organization`` is part of."""
    return list(of(organization).order_by().values_list("id", flat=True))


def get(organization: Organization, slug: str) -> Partnership:
    """Return one partnership by its slug. Raises NotFound for strangers as for what does not exist."""
    found = of(organization).filter(slug=slug).first()
    if found is None:
        raise errors.NotFound()
    return found
