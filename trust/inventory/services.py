"""Writing the inventory: service certificates, and telling of expiries."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Min

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import PORTAL, Actor
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.agreements import checks
from trust.agreements.trying import certificate as read_one
from trust.certificates import services as certificates
from trust.certificates.models import Certificate
from trust.inventory import rules
from trust.inventory.models import ExpiryTold, ServiceCertificate
from trust.pki.certificates import read_certificate
from trust.submissions.models import Submission, SubmissionCertificate


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


@dataclass(frozen=True)
class _Ending:
    """Something that ends soon, for one partnership, or for its owner alone."""

    certificate: Certificate
    owner_id: uuid.UUID
    partnership_id: uuid.UUID | None
    label: str

    @property
    def scope(self) -> str:
        return str(self.partnership_id or self.owner_id)


def tell_expiries(*, now: datetime) -> int:
    """Record each step of a coming expiry that was not told yet, and return how many. Running it again changes nothing.

    CA certificates of accepted submissions and service certificates; OpenPGP keys tell of themselves (``trust.keys``).
    """
    rows = ExpiryTold.objects.values_list("scope", "identifier").annotate(least=Min("step"))
    told = {(scope, identifier): least for scope, identifier, least in rows}
    count = 0
    for each in _ending(now):
        step = rules.step(
            _tier(each.certificate),
            ends_at=each.certificate.not_after,
            told=told.get((each.scope, each.certificate.sha256)),
            now=now,
        )
        if step is not None:
            count += _tell(each, step, now)
    return count


def _ending(now: datetime) -> Iterator[_Ending]:
    window = {"certificate__not_after__lte": now + rules.HORIZON, "certificate__not_after__gt": now - rules.LATE}
    places = (
        SubmissionCertificate.objects.filter(submission__state=Submission.State.ACCEPTED, **window)
        .exclude(submission__partnership__state=Partnership.State.ENDED)
        .select_related("certificate")
        .order_by("certificate_id")
        .values_list("certificate_id", "submission__owner_id", "submission__partnership_id")
        .distinct()
    )
    listed = list(places)
    rows = Certificate.objects.in_bulk({digest for digest, _, _ in listed})
    for digest, owner, partnership in listed:
        name = rows[digest].facts.get("common_name") or rows[digest].subject
        yield _Ending(rows[digest], owner, partnership, name)
    for service in ServiceCertificate.objects.filter(retired_at=None, **window).select_related("certificate"):
        label = f"A certificate of {service.service_name}"
        yield _Ending(service.certificate, service.organization_id, service.partnership_id, label)


def _tier(certificate: Certificate) -> str:
    return checks.tier(read_certificate(bytes(certificate.der)))


def _tell(ending: _Ending, step: int, now: datetime) -> bool:
    certificate = ending.certificate
    with transaction.atomic():
        _, new = ExpiryTold.objects.get_or_create(
            scope=ending.scope, identifier=certificate.sha256, step=step, defaults={"told_at": now}
        )
        if not new:
            return False
        kind = "inventory.expired" if step == rules.EXPIRED else "inventory.expires_soon"
        audit.record(
            kind,
            now=now,
            actor=PORTAL,
            organization_id=ending.owner_id,
            partnership_id=ending.partnership_id,
            subject=("certificate", certificate.sha256),
            data={
                "label": ending.label,
                "days": max((certificate.not_after - now).days, 0),
                "step": step,
                "not_after": certificate.not_after.isoformat(),
                "sha256": certificate.sha256,
            },
        )
    return True
