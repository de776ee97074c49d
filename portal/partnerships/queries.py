"""Reading partnerships, always from the point of view of one organization."""

import uuid

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership


def of(organization: Organization) -> QuerySet[Partnership]:
    """Return the partnerships that ``organization`` is part of."""
    return Partnership.objects.filter(
        Q(first_organization=organization) | Q(second_organization=organization)
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
