"""Reading agreements, from the point of view of one of the two organizations."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.agreements import rules
from trust.agreements.checks import Waiving
from trust.agreements.models import Agreement, AgreementSignature, Waiver
from trust.agreements.rules import State, WaiverState
from trust.agreements.terms import Terms
from trust.keys import queries as keys
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind


def in_force(partnership: Partnership) -> Agreement | None:
    """Return the agreement that both sides signed and that no later one replaced."""
    return Agreement.objects.filter(partnership=partnership, state=State.IN_FORCE).first()


def in_force_of(partnership_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Agreement]:
    """Return the agreements in force of many partnerships, by the partnership's id, in one query."""
    found = Agreement.objects.filter(partnership_id__in=list(partnership_ids), state=State.IN_FORCE)
    return {each.partnership_id: each for each in found}


def terms(partnership: Partnership) -> Terms:
    """Return the terms that count for a partnership now: the signed ones, else the guide's, which say so themselves."""
    return terms_of(in_force(partnership), partnership)


def terms_of(agreement: Agreement | None, partnership: Partnership) -> Terms:
    """Return the terms of a version as they count when it is in force; of None, the guide's."""
    if agreement is None:
        return Terms(rules.preset_terms("guide", parties(partnership)))
    values = read(agreement)["terms"]
    return Terms(values, version=agreement.version, sha256=agreement.sha256)


def parties(partnership: Partnership) -> tuple[str, str]:
    """Return the slugs of the two organizations, the inviting one first."""
    return partnership.first_organization.slug, partnership.second_organization.slug


def read(agreement: Agreement) -> Mapping[str, Any]:
    """Return what the stored document says. Raises Unavailable when its bytes are not the ones that were signed."""
    content = bytes(agreement.document)
    if rules.sha256(content) != agreement.sha256:
        raise errors.Unavailable(
            f"The stored bytes of agreement v{agreement.version} are damaged.",
            code="document_damaged",
            fix="Tell whoever operates the portal. Your own signed copy is still good.",
        )
    return _read(content)


@lru_cache(maxsize=512)
def _read(content: bytes) -> Mapping[str, Any]:
    return rules.reads_back(content)


def visible_to(organization: Organization) -> QuerySet[Agreement]:
    """Return the agreements that members of an organization may read: not the drafts of its partners."""
    mine = Q(partnership__first_organization=organization) | Q(partnership__second_organization=organization)
    return (
        Agreement.objects.filter(mine)
        .filter(~Q(state=State.DRAFT) | Q(proposed_by=organization))
        .select_related(
            "partnership__first_organization",
            "partnership__second_organization",
            "proposed_by",
            "drafted_by",
        )
        .prefetch_related("signatures__organization", "signatures__person")
    )


def history(organization: Organization, partnership: Partnership) -> list[Agreement]:
    """Return all versions that the organization may read, newest first."""
    return list(visible_to(organization).filter(partnership=partnership).order_by("-version"))


def get(organization: Organization, partnership: Partnership, version: int) -> Agreement:
    """Return one version. Raises NotFound for a partner's draft as for what does not exist."""
    found = visible_to(organization).filter(partnership=partnership, version=version).first()
    if found is None:
        raise errors.NotFound()
    return found


def by_id(organization: Organization, agreement_id: uuid.UUID) -> Agreement:
    """Return one version by its id. Raises NotFound for strangers and partner's drafts."""
    found = visible_to(organization).filter(pk=agreement_id).first()
    if found is None:
        raise errors.NotFound()
    return found


def waivers_of(partnership: Partnership) -> QuerySet[Waiver]:
    """Return the waivers of a partnership, newest first; both sides see all of them."""
    return Waiver.objects.filter(partnership=partnership).select_related(
        "concerns", "proposed_by", "proposed_by_person", "decided_by_person"
    )


def waiver(organization: Organization, waiver_id: uuid.UUID) -> Waiver:
    """Return one waiver. Raises NotFound for strangers."""
    found = (
        Waiver.objects.filter(pk=waiver_id)
        .filter(Q(partnership__first_organization=organization) | Q(partnership__second_organization=organization))
        .select_related(
            "partnership__first_organization", "partnership__second_organization", "concerns", "proposed_by"
        )
        .first()
    )
    if found is None:
        raise errors.NotFound()
    return found


def waiving(partnership: Partnership, now: datetime) -> tuple[Waiving, ...]:
    """Return the agreed waivers that count at ``now``, as ``checks.check`` takes them."""
    found = waivers_of(partnership).filter(state=WaiverState.AGREED, expires_at__gt=now)
    return tuple(
        Waiving(each.clause, each.concerns.slug, each.certificate_sha256, each.expires_at, each.reason)
        for each in found
    )


def key_is_verified(signature: AgreementSignature, relying: Organization, now: datetime) -> bool:
    """Say whether ``relying`` verified by phone the key that made a signature."""
    return verifications.is_verified(relying, ItemKind.OPENPGP_KEY, signature.signer_fingerprint, now)


def shows_key(signature: AgreementSignature, viewer: Organization, now: datetime) -> bool:
    """Say whether ``viewer`` may see whose key made a signature in full, and so the signature itself, which names it.

    While a call about the key is owed, neither side reads its fingerprint off the portal.
    """
    key = keys.of(signature.organization).filter(fingerprint=signature.signer_fingerprint).first()
    return key is None or keys.may_see_in_full(key, viewer, now)
