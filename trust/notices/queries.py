"""Reading notices, from the point of view of one of the two organizations."""

import uuid

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.notices.document import hexadecimal
from trust.notices.models import DenyEntry, Notice, NoticeDraft
from trust.notices.rules import Kind, State
from trust.stores.models import TrustStore


def of(organization: Organization) -> QuerySet[Notice]:
    """Return the notices that an organization sent or received, newest first."""
    return (
        Notice.objects.filter(Q(sender=organization) | Q(receiver=organization))
        .select_related("sender", "receiver", "partnership", "certificate", "issuing_ca")
        .order_by("-received_at")
    )


def get(organization: Organization, label: str) -> Notice:
    """Return one notice by its label, in any case. Raises NotFound for strangers as for what does not exist."""
    found = of(organization).filter(label__iexact=label).first()
    if found is None:
        raise errors.NotFound()
    return found


def feed(partnership: Partnership, *, after: int, limit: int) -> list[Notice]:
    """Return the notices of a partnership after a sequence number, in order: what a missed push is recovered from."""
    found = Notice.objects.filter(partnership=partnership, sequence__gt=after).select_related("sender", "receiver")
    return list(found.order_by("sequence")[:limit])


def about(digest: str, organization: Organization) -> QuerySet[Notice]:
    """Return the notices about one certificate that an organization may see."""
    return of(organization).filter(certificate=digest)


def draft(organization: Organization, draft_id: uuid.UUID | str) -> NoticeDraft:
    """Return a draft of the organization that was neither sent nor discarded. Raises NotFound."""
    found = (
        NoticeDraft.objects.filter(sender=organization, pk=draft_id, discarded_at=None)
        .select_related("partnership__first_organization", "partnership__second_organization", "sent")
        .first()
    )
    if found is None:
        raise errors.NotFound()
    return found


def drafts(organization: Organization) -> QuerySet[NoticeDraft]:
    """Return the drafts that wait for a signature, newest first."""
    return NoticeDraft.objects.filter(sender=organization, sent=None, discarded_at=None).select_related(
        "partnership__first_organization", "partnership__second_organization"
    )


IN_EFFECT = (State.EXECUTED.value, State.ADOPTED.value, State.CLOSED.value)


def revoked_by_notice(relying: Organization, owner: Organization) -> frozenset[str]:
    """Return the digests of the CA certificates that ``owner`` revoked towards ``relying``: in effect, by a verified key.

    Those that the portal did not know when the notice came are among them.
    """
    found = Notice.objects.filter(
        sender=owner, receiver=relying, kind=Kind.CA_REVOCATION, rehearsal=False, key_verified=True, state__in=IN_EFFECT
    )
    named = (
        (row.certificate_id, row.says.get("certificate_sha256", "")) for row in found.only("certificate", "members")
    )
    return frozenset(digest or hexadecimal(said) for digest, said in named) - {""}


def deny_list(store: TrustStore) -> QuerySet[DenyEntry]:
    """Return the service certificates that a store's users must refuse, oldest first."""
    return DenyEntry.objects.filter(store=store).select_related("notice").order_by("denied_at", "serial")
