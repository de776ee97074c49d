"""The runbook of one partnership: what on-call people need on paper on the night when the portal does not answer."""

from dataclasses import dataclass
from datetime import datetime

from portal import words
from portal.organizations import queries as people
from portal.organizations.models import Membership, Organization
from portal.partnerships import contact_queries
from portal.partnerships.models import Contact, Partnership
from trust.consumers.models import Consumer
from trust.keys import queries as keys
from trust.keys.models import OpenPgpKey
from trust.stores import queries as stores
from trust.stores import shown
from trust.stores.models import StoreVersion, TrustStore

# Services named of one store. Whoever has more has an inventory of their own.
SERVICES_NAMED = 40


@dataclass(frozen=True)
class Sheet:
    """One trust store on paper: each certificate by its name and whole SHA-256 with its role, and who pulls it."""

    version: StoreVersion
    certificates: list[tuple[str, str, str]]
    services: list[Consumer]
    more: int

    @property
    def store(self) -> TrustStore:
        """Return the store that it is about."""
        return self.version.store


@dataclass(frozen=True)
class Runbook:
    """Whom to call, whose signature counts, what is trusted and who may remove it."""

    contacts: list[Contact]
    keys: list[OpenPgpKey]
    sheets: list[Sheet]
    officers: list[Membership]
    responders: list[Membership]


def of(partnership: Partnership, organization: Organization, now: datetime) -> Runbook:
    """Return what ``organization`` keeps on paper about its partner. Raises NotFound for strangers.

    Only numbers that are confirmed and keys that it verified by phone are on it: paper cannot say later that they were not.
    """
    partner = partnership.other(organization)
    contacts = contact_queries.of_partner(partnership, organization)
    found = stores.of(organization).filter(partnership=partnership, current_number__gt=0)
    officers = list(people.officers_of(organization))
    members = people.members_of(organization).filter(state=Membership.State.ACTIVE, responder=True)
    return Runbook(
        contacts=[each for each in contacts if each.state_at(now) == "confirmed"],
        keys=[each.key for each in keys.of_side(partnership, partner, organization, now) if each.is_verified],
        sheets=[_sheet(store) for store in found],
        officers=officers,
        responders=[each for each in members if each not in officers],
    )


def _sheet(store: TrustStore) -> Sheet:
    version = stores.version(store, store.current_number)
    entries = {each.certificate_id: each for each in stores.entries(version)}
    named = shown.as_chains(each.certificate for each in entries.values())
    services = store.consumers.filter(retired_at=None).order_by("name")
    return Sheet(
        version=version,
        certificates=[(words.common_name(each.subject), each.sha256, entries[each.sha256].role) for each in named],
        services=list(services[:SERVICES_NAMED]),
        more=max(0, services.count() - SERVICES_NAMED),
    )
