"""Merged exports of an organization, and the file that each one is now."""

from uuid import UUID

from django.db.models import QuerySet

from portal import errors
from portal.organizations.models import Organization
from trust.stores.formats.pem import block, read_blocks
from trust.stores.merging.models import MergedExport
from trust.stores.serve import resolve
from trust.stores.serve.access import Access
from trust.stores.serve.answer import Served, Wanted


def of(relying: Organization) -> QuerySet[MergedExport]:
    """Return the merged exports of an organization, those that wait or are served first."""
    found = MergedExport.objects.filter(relying=relying).select_related("proposed_by", "approved_by", "closed_by")
    return found.prefetch_related("stores__owner").order_by("-state", "name", "-proposed_at")


def get(relying: Organization, export_id: UUID | str) -> MergedExport:
    """Return one of them. Raises NotFound."""
    found = of(relying).filter(pk=export_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def merged(access: Access, name: str) -> tuple[bytes, list[Served]]:
    """Return the anchors of all stores of an export that is served, each once, and the versions that they come from.

    Raises NotFound for what is not served and for a token that does not open every one of its stores.
    """
    export = (
        MergedExport.objects.filter(relying_id=access.organization_id, name=name, state=MergedExport.State.OPEN)
        .prefetch_related("stores")
        .first()
    )
    if export is None:
        raise errors.NotFound()
    stores = sorted(export.stores.all(), key=lambda each: each.name)
    served = [resolve.artifact(access, Wanted(each.name, None, "anchors.pem")) for each in stores]
    ders = dict.fromkeys(der for each in served for der in read_blocks(each.content))
    return "".join(block(der) for der in ders).encode("ascii"), served
