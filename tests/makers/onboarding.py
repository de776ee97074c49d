"""A partnership on its way to going live. Everything that is needed is done on both sides, unless a test leaves it out."""

from collections.abc import Callable, Collection
from dataclasses import replace

from portal.partnerships.models import Contact, Partnership
from tests.cast import Cast, Company, make_contact
from tests.makers import agreements, stores
from trust.keys.models import OpenPgpKey
from trust.verifications.models import ItemKind

STEPS = ("agreement", "contacts", "key_verified", "store")


def onboarding(cast: Cast) -> Partnership:
    """Put the cast's partnership back to where partnerships begin."""
    Partnership.objects.update(state=Partnership.State.ONBOARDING, activated_at=None)
    cast.partnership.refresh_from_db()
    return cast.partnership


def mirrored(cast: Cast) -> Cast:
    """Return the same cast with the two partners in each other's place."""
    return replace(cast, alder=cast.birch, birch=cast.alder)


def identities() -> dict:
    """Terms that say something about the identities of both sides, and name a maintenance window."""
    values = agreements.make_identity(trust_domains=["alder.example"])
    values = agreements.make_identity(values, organization="birch", dns_suffixes=["birch.example"])
    values["operations"]["maintenance_windows"] = [
        {"day": "Sunday", "start": "02:00", "end": "04:00", "zone": "Europe/Berlin"}
    ]
    return values


def _contacts(company: Company) -> None:
    if not Contact.objects.filter(organization=company.organization, is_primary=True).exists():
        make_contact(company.verifier)
    make_contact(company.admin, phone="+493055501477", is_primary=False, is_backup=True)


def _agreement(cast: Cast) -> None:
    agreements.in_force(cast, terms=identities())


def _key_verified(cast: Cast) -> None:
    for each in (cast, mirrored(cast)):
        key = OpenPgpKey.objects.get(organization=each.alder.organization)
        stores.verified(each, ItemKind.OPENPGP_KEY, key.fingerprint)


def ready(cast: Cast, *, without: Collection[str] = ()) -> Partnership:
    """Do everything that is needed to go live, on both sides, except the steps in ``without``."""
    steps: dict[str, Callable[[], None]] = {
        "key": lambda: [agreements.holder_of(each) for each in (cast.alder, cast.birch)] and None,
        "agreement": lambda: _agreement(cast),
        "contacts": lambda: [_contacts(each) for each in (cast.alder, cast.birch)] and None,
        "key_verified": lambda: _key_verified(cast),
        "store": lambda: (
            [stores.published(each, *stores.whole(each.alder.organization.name)) for each in (cast, mirrored(cast))]
            and None
        ),
    }
    onboarding(cast)
    for name, step in steps.items():
        if name not in without:
            step()
    return cast.partnership
