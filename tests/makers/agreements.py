"""Agreements that are really signed with gpg. Everything is valid unless a test spoils one thing."""

import copy
from datetime import datetime
from typing import Any

from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from tests.cast import Cast, Company
from tests.makers.openpgp import OpenPgpHolder, make_holder
from tests.moments import EVERYTHING_VALID
from trust.agreements import rules, services
from trust.agreements.models import Agreement
from trust.agreements.terms import Terms
from trust.keys.models import OpenPgpKey

SIDES = ("alder", "birch")


def make_values(**changes: Any) -> dict[str, Any]:
    """The guide's terms for Alder and Birch, with values at dotted paths replaced: ``lifetimes__root={...}``."""
    values = rules.preset_terms("guide", SIDES)
    for path, value in changes.items():
        rules.put(values, path.replace("__", "."), value)
    return values


def make_identity(
    values: dict[str, Any] | None = None, *, organization: str = "alder", **rules_of: Any
) -> dict[str, Any]:
    """Terms in which one party has identity rules."""
    values = copy.deepcopy(values or make_values())
    party = next(each for each in values["identity"]["parties"] if each["organization"] == organization)
    party.update(rules_of)
    return values


def make_terms(values: dict[str, Any] | None = None, *, version: int | None = 3) -> Terms:
    """Terms that are in force, unless ``version`` is None."""
    return Terms(values or make_values(), version=version)


def make_document(**changes: Any) -> dict[str, Any]:
    """A document that can be signed."""
    valid: dict[str, Any] = {
        "partnership": "alder-birch",
        "parties": [("alder", "Alder"), ("birch", "Birch")],
        "version": 1,
        "replaces": None,
        "terms": make_values(),
    }
    return rules.document(**(valid | changes))


def register_key(organization: Organization, holder: OpenPgpHolder, *, state: str = "proven") -> OpenPgpKey:
    """Put a holder's key into an organization as if they had uploaded and proven it."""
    return OpenPgpKey.objects.create(
        organization=organization,
        fingerprint=holder.fingerprint,
        version=4,
        algorithm="Ed25519",
        block=holder.public_block().decode(),
        state=state,
        key_created_at=EVERYTHING_VALID,
        created_at=EVERYTHING_VALID,
        proven_at=EVERYTHING_VALID,
    )


def holder_of(company: Company) -> OpenPgpHolder:
    """Return the holder of a company's key, registering it on first use."""
    holder = make_holder(company.organization.name)
    if not OpenPgpKey.objects.filter(fingerprint=holder.fingerprint).exists():
        register_key(company.organization, holder)
    return holder


def draft(cast: Cast, *, by: Company | None = None, now: datetime = EVERYTHING_VALID, **options: Any) -> Agreement:
    """A draft of Alder's officer."""
    by = by or cast.alder
    valid: dict[str, Any] = {"terms": make_values(), "partnership": cast.partnership}
    return services.draft(actor=by.officer.actor, now=now, **(valid | options))


def sign(agreement: Agreement, company: Company, *, now: datetime = EVERYTHING_VALID) -> Agreement:
    """Sign with the company's key, as its officer."""
    signature = holder_of(company).sign_detached(bytes(agreement.document))
    return services.sign(actor=company.officer.actor, agreement=agreement, upload=signature, now=now)


def proposed(cast: Cast, *, by: Company | None = None, **options: Any) -> Agreement:
    """A version that Alder signed and that waits for Birch."""
    by = by or cast.alder
    return sign(draft(cast, by=by, **options), by)


def in_force(cast: Cast, **options: Any) -> Agreement:
    """A version that both sides signed."""
    return sign(proposed(cast, **options), cast.birch)


def partnership_of(agreement: Agreement) -> Partnership:
    """Return the partnership as it is in the database now."""
    return Partnership.objects.get(pk=agreement.partnership_id)
