"""Binding a store to a trust domain, and opening or closing its public endpoint: an officer's act, with a second factor."""

from datetime import datetime

from django.db import IntegrityError, transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from trust.agreements import queries as agreements
from trust.stores.federation import rules
from trust.stores.federation.models import SpiffeBinding
from trust.stores.models import TrustStore
from trust.stores.services import require_relying


@transaction.atomic
def bind(*, store: TrustStore, trust_domain: str, public: bool, actor: Actor, now: datetime) -> SpiffeBinding:
    """Say which trust domain a store stands for, and whether anybody may fetch its bundle.

    Raises NotAllowed and StepUpRequired for the wrong person, NotFound for strangers, Invalid for a name that is none or that the
    agreement does not name, Conflict when another store of the organization has it, or before the partnership is live.
    """
    person = actor.require_person(Right.PUBLISH_ADDITION)
    require_relying(store.relying_id, actor.require(Right.PUBLISH_ADDITION))
    name = trust_domain.strip()
    problem = rules.trust_domain_problem(name, agreed_domains(store))
    if problem:
        raise errors.Invalid(
            "This is no trust domain for this store.", code="not_a_trust_domain", fields={"trust_domain": [problem]}
        )
    if public and store.partnership.activated_at is None:
        raise errors.Conflict(
            f"{store.name} is not served to services yet: the partnership is not live.",
            code="partnership_not_live",
            fix="Finish the onboarding checklist; then both sides say that they are ready.",
        )
    held = SpiffeBinding.objects.filter(store=store).first()
    was_public = held.public_since if held else None
    if held and held.trust_domain == name and bool(was_public) == public:
        return held
    fields = {
        "trust_domain": name,
        "public_since": (was_public or now) if public else None,
        "changed_at": now,
        "changed_by": person,
    }
    try:
        with transaction.atomic():
            binding, _ = SpiffeBinding.objects.update_or_create(
                store=store, defaults=fields, create_defaults={**fields, "relying": store.relying}
            )
    except IntegrityError as error:
        raise errors.Conflict(
            f"Another store of yours stands for {name} already.",
            code="trust_domain_taken",
            fix="A trust domain belongs to one store. Choose another, or change that store first.",
        ) from error
    audit.record(
        "store.spiffe_changed",
        now=now,
        actor=actor,
        organization_id=store.relying_id,
        partnership_id=store.partnership_id,
        subject=("trust_store", store.pk),
        data={"store": store.name, "trust_domain": name, "public": public, "reach": _reach(public)},
    )
    return binding


def agreed_domains(store: TrustStore) -> list[str]:
    """Return the trust domains that the agreement in force names for the store's owner; none when it names none."""
    party = agreements.terms(store.partnership).identity_of(store.owner.slug)
    return list(party["trust_domains"]) if party else []


def _reach(public: bool) -> str:
    return "anybody may fetch its bundle" if public else "only with a token"
