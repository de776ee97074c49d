"""What the checks of a checklist read: of both sides at once, and once for one look at the whole board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F, Model, QuerySet, Window
from django.db.models.functions import RowNumber

from portal.organizations.models import Organization
from portal.partnerships import contact_queries
from portal.partnerships.models import Contact, Partnership
from trust.agreements import queries as agreements
from trust.agreements.models import Agreement
from trust.keys import queries as keys
from trust.keys.models import OpenPgpKey
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind, VerificationRequest

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)


def remembering(partnership: Partnership) -> Partnership:
    """Return a copy of the partnership on which checks remember what they read, for one look at the board."""
    found = copy(partnership)
    found.__dict__["_read"] = {}
    return found


def once(partnership: Partnership, what: str, read: Callable[[], T]) -> T:
    """Return what ``read`` finds, asked only once for a partnership that is ``remembering``."""
    known: dict[str, T] | None = partnership.__dict__.get("_read")
    if known is None:
        return read()
    if what not in known:
        known[what] = read()
    return known[what]


def sides(partnership: Partnership) -> tuple[Organization, Organization]:
    """Return the two organizations, the inviting one first."""
    return partnership.first_organization, partnership.second_organization


def by_side(partnership: Partnership, what: str, rows: Callable[[], Iterable[T]], side: str) -> Mapping[UUID, list[T]]:
    """Return ``rows`` by the organization's id, which is their attribute ``side``, in their order."""

    def read() -> Mapping[UUID, list[T]]:
        found: dict[UUID, list[T]] = defaultdict(list)
        for row in rows():
            found[getattr(row, side)].append(row)
        return found

    return once(partnership, what, read)


def first_of_each(
    partnership: Partnership, what: str, rows: QuerySet[Row], *, side: str, order: Any
) -> Mapping[UUID, Row]:
    """Return the first of ``rows`` of each side in an order, by the organization's id, in one query however many they are."""

    def read() -> Mapping[UUID, Row]:
        place = Window(RowNumber(), partition_by=[F(side)], order_by=order)
        found = rows.annotate(of_side=F(side), place=place).filter(place=1)
        return {row.of_side: row for row in found}  # type: ignore[attr-defined]  # annotated; a TypeVar loses it

    return once(partnership, what, read)


def agreement_of(partnership: Partnership) -> Agreement | None:
    """Return the agreement in force."""
    return once(partnership, "agreement", lambda: agreements.in_force(partnership))


def contacts_of(partnership: Partnership, organization: Organization) -> list[Contact]:
    """Return the side's directory."""
    return by_side(partnership, "contacts", lambda: contact_queries.of_any(sides(partnership)), "organization_id")[
        organization.pk
    ]


def keys_of(partnership: Partnership, organization: Organization) -> list[OpenPgpKey]:
    """Return the side's OpenPGP keys."""
    return by_side(partnership, "keys", lambda: keys.of_any(sides(partnership)), "organization_id")[organization.pk]


def request_about(partnership: Partnership, relying: Organization, key: OpenPgpKey) -> VerificationRequest | None:
    """Return the open request of ``relying`` about a key of the other side, in whatever state, or None."""

    def read() -> Mapping[tuple[UUID, str], VerificationRequest]:
        known = [each.fingerprint for side in sides(partnership) for each in keys_of(partnership, side)]
        return verifications.requests_about(ItemKind.OPENPGP_KEY, known) if known else {}

    return once(partnership, "requests about keys", read).get((relying.pk, key.fingerprint))
