"""The first lock of every act between two organizations.

Acts on submissions, calls, keys, stores and notices each lock rows of their own and then write the log, and follow each other: a
recorded call moves the submissions that stand on it, a declined submission ends its calls. So that two of them never wait for each
other, each takes the partnership first: organization, partnerships, everything else, and in it the log. Decision record 18.
"""

from uuid import UUID

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships import queries
from portal.partnerships.models import Partnership


def hold(partnership_id: UUID) -> Partnership:
    """Lock a partnership until the transaction ends, and return it as it is now.

    Rows that point to it can be written meanwhile, so nobody waits who only records something about it.
    """
    return (
        Partnership.objects.select_for_update(no_key=True)
        .select_related("first_organization", "second_organization")
        .get(pk=partnership_id)
    )


def hold_open(partnership: Partnership, organization: Organization) -> Partnership:
    """As ``hold``, for an act of one of the two while they are partners.

    Raises NotFound for an organization that is neither, and Conflict (``partnership_ended``) when the partnership is over.
    """
    locked = hold(partnership.pk)
    if not locked.has(organization):
        raise errors.NotFound()
    if locked.state == Partnership.State.ENDED:
        raise errors.Conflict("The partnership has ended, so nothing of it changes.", code="partnership_ended")
    return locked


def hold_all_of(organization_id: UUID) -> None:
    """Lock all partnerships of an organization, in one order and one query, before an act that touches several of them."""
    found = queries.of_any([organization_id]).order_by("pk").select_for_update(no_key=True)
    list(found.values_list("pk", flat=True))
