"""Reading certificates, from the point of view of one organization."""

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from trust.certificates.models import Certificate

# A relying organization sees a certificate in full once its fingerprint was heard by phone. The names are those of the
# submission's states, which stand above this feature.
_HEARD = ("waiting_for_approval", "accepted")


def visible_to(organization: Organization) -> QuerySet[Certificate]:
    """Return the certificates that members of an organization may see in full: their own, and those heard by phone."""
    sent = Q(submissions__owner=organization)
    heard = Q(submissions__relying=organization, submissions__state__in=_HEARD)
    return Certificate.objects.filter(sent | heard).distinct()


def get(organization: Organization, sha256: str) -> Certificate:
    """Return one certificate by its SHA-256 (hex, any case). Raises NotFound for strangers and while its call is pending."""
    found = visible_to(organization).filter(pk=sha256.lower()).first()
    if found is None:
        raise errors.NotFound()
    return found
