"""Writing the inventory: service certificates. Expiries are told in ``expiries``."""

import uuid
from datetime import datetime

from django.db import IntegrityError, transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.agreements.trying import certificate as read_one
from trust.certificates import services as certificates
from trust.inventory.models import ServiceCertificate
from trust.revocations import sources as revocations


def add_service_certificate(
    *,
    actor: Actor,
    upload: bytes,
    service_name: str,
    now: datetime,
    environment: str = "",
    team: str = "",
    partnership: Partnership | None = None,
) -> ServiceCertificate:
    """Put a certificate of one of the actor's own services into the inventory; with a partnership the partner sees it too.

    Raises Invalid for anything but one service certificate (PEM or DER), and Conflict when it is there already.
    """
    organization = actor.require(Right.UPLOAD)
    if partnership is not None and not partnership.has(organization):
        raise errors.NotFound()
    facts = read_one(upload)
    if facts.is_ca:
        sentence = "This is a CA certificate. CAs come in with a signed submission."
        raise errors.Invalid(sentence, code="not_a_service_certificate", fields={"certificate": [sentence]})
    service_name, environment, team = service_name.strip(), environment.strip(), team.strip()
    for name, value, longest in (
        ("service_name", service_name, 80),
        ("environment", environment, 40),
        ("team", team, 80),
    ):
        if len(value) > longest or not value.isprintable():
            raise errors.Invalid("A name is too long.", fields={name: [f"At most {longest} printable characters."]})
    if not service_name:
        raise errors.Invalid("Name the service.", fields={"service_name": ["Name the service that uses it."]})
    remarks = certificates.linted([facts])
    try:
        with transaction.atomic():
            (row,) = certificates.keep([facts], remarks=remarks, now=now)
            made = ServiceCertificate.objects.create(
                organization=organization,
                certificate=row,
                partnership=partnership,
                service_name=service_name,
                environment=environment,
                team=team,
                added_by=actor.user,
                added_at=now,
            )
            revocations.watch_service_certificate(certificate=row, owner=organization, partnership=partnership, now=now)
            _record("inventory.service_certificate_added", actor, made, now)
    except IntegrityError:
        raise errors.Conflict("This certificate is in the inventory already.", code="already_there") from None
    return made


def retire_service_certificate(*, actor: Actor, service_certificate_id: uuid.UUID | str, now: datetime) -> None:
    """Take a certificate of one of the actor's own services out of the inventory. Raises NotFound for any other."""
    organization = actor.require(Right.UPLOAD)
    with transaction.atomic():
        found = (
            ServiceCertificate.objects.select_for_update()
            .filter(pk=service_certificate_id, organization=organization, retired_at=None)
            .first()
        )
        if found is None:
            raise errors.NotFound()
        found.retired_at = now
        found.save(update_fields=["retired_at"])
        _record("inventory.service_certificate_retired", actor, found, now)


def _record(kind: str, actor: Actor, made: ServiceCertificate, now: datetime) -> None:
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=made.organization_id,
        partnership_id=made.partnership_id,
        subject=("certificate", made.certificate_id),
        data={"service": made.service_name, "environment": made.environment, "team": made.team},
    )
