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
