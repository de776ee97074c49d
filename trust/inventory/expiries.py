"""Telling in time that something ends: certificates, CRLs and the portal's own signed roots, once for each step of their ladder."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Min

from portal.audit import services as audit
from portal.organizations.acting import PORTAL
from portal.partnerships.models import Partnership
from trust.agreements import checks
from trust.certificates.models import Certificate
from trust.inventory import rules
from trust.inventory.models import ExpiryTold, ServiceCertificate
from trust.pki.certificates import read_certificate
from trust.revocations import queries as revocations
from trust.revocations.seeing import name_of
from trust.stores.tuf import rules as tuf
from trust.stores.tuf.models import TufRepository
from trust.submissions.models import Submission, SubmissionCertificate


@dataclass(frozen=True)
class _Ending:
    """Something that ends soon, for one partnership, or for its owner alone.

    ``identifier`` is what was told is remembered by; ``subject`` what the event is about, as kind and id.
    """

    tier: str
    identifier: str
    begins_at: datetime | None
    ends_at: datetime
    owner_id: uuid.UUID
    partnership_id: uuid.UUID | None
    label: str
    subject: tuple[str, str]

    @property
    def scope(self) -> str:
        return str(self.partnership_id or self.owner_id)


def tell_expiries(*, now: datetime) -> int:
    """Record each step of a coming expiry that was not told yet, and return how many. Running it again changes nothing.

    CA certificates of accepted submissions, service certificates, CRLs, and the roots of stores as TUF repositories; OpenPGP keys
    tell of themselves (``trust.keys``).
    """
    rows = ExpiryTold.objects.values_list("scope", "identifier").annotate(least=Min("step"))
    told = {(scope, identifier): least for scope, identifier, least in rows}
    count = 0
    for each in (*_certificates(now), *_services(now), *_crls(now), *_metadata(now)):
        step = rules.step(
            each.tier,
            ends_at=each.ends_at,
            told=told.get((each.scope, each.identifier)),
            now=now,
            begins_at=each.begins_at,
        )
        # That a CRL is over is told of its address, which is then out of date; an unsigned root stops what operators watch.
        if step is not None and not (step == rules.EXPIRED and each.tier in ("crl", "metadata")):
            count += _tell(each, step, now)
    return count


def _certificates(now: datetime) -> Iterator[_Ending]:
    places = (
        SubmissionCertificate.objects.filter(submission__state=Submission.State.ACCEPTED, **_window(now))
        .exclude(submission__partnership__state=Partnership.State.ENDED)
        .order_by("certificate_id")
        .values_list("certificate_id", "submission__owner_id", "submission__partnership_id")
        .distinct()
    )
    listed = list(places)
    found = Certificate.objects.in_bulk({digest for digest, _, _ in listed})
    for digest, owner, partnership in listed:
        row = found[digest]
        yield _of_certificate(row, owner, partnership, row.facts.get("common_name") or row.subject)


def _services(now: datetime) -> Iterator[_Ending]:
    for service in ServiceCertificate.objects.filter(retired_at=None, **_window(now)).select_related("certificate"):
        label = f"A certificate of {service.service_name}"
        yield _of_certificate(service.certificate, service.organization_id, service.partnership_id, label)


def _window(now: datetime) -> dict[str, datetime]:
    return {"certificate__not_after__lte": now + rules.HORIZON, "certificate__not_after__gt": now - rules.LATE}


def _of_certificate(row: Certificate, owner: uuid.UUID, partnership: uuid.UUID | None, label: str) -> _Ending:
    return _Ending(
        tier=checks.tier(read_certificate(bytes(row.der))),
        identifier=row.sha256,
        begins_at=row.not_before,
        ends_at=row.not_after,
        owner_id=owner,
        partnership_id=partnership,
        label=label,
        subject=("certificate", row.sha256),
    )


def _crls(now: datetime) -> Iterator[_Ending]:
    for source, partnerships in revocations.ending_lists(now):
        assert source.crl is not None
        for partnership in partnerships:
            yield _Ending(
                tier="crl",
                identifier=source.crl.sha256,
                begins_at=source.crl.this_update,
                ends_at=source.crl.next_update,
                owner_id=source.owner_id,
                partnership_id=partnership.pk,
                label=f"The {name_of(source)}",
                subject=("revocation_source", str(source.pk)),
            )


def _metadata(now: datetime) -> Iterator[_Ending]:
    found = TufRepository.objects.filter(root_expires_at__gt=now, root_expires_at__lte=now + rules.HORIZON)
    for repository in found.select_related("store"):
        assert repository.root_expires_at is not None
        yield _Ending(
            tier="metadata",
            identifier=f"{repository.pk.hex}-root-{repository.root_version}",
            begins_at=repository.root_expires_at - tuf.LIFE[tuf.ROOT],
            ends_at=repository.root_expires_at,
            owner_id=repository.store.relying_id,
            partnership_id=None,
            label=f"The signed root {repository.root_version} of trust store {repository.store.name}",
            subject=("trust_store", str(repository.store_id)),
        )


def _tell(ending: _Ending, step: int, now: datetime) -> bool:
    with transaction.atomic():
        _, new = ExpiryTold.objects.get_or_create(
            scope=ending.scope, identifier=ending.identifier, step=step, defaults={"told_at": now}
        )
        if not new:
            return False
        kind = "inventory.expired" if step == rules.EXPIRED else "inventory.expires_soon"
        audit.record(
            "inventory.metadata_expires_soon" if ending.tier == "metadata" else kind,
            now=now,
            actor=PORTAL,
            organization_id=ending.owner_id,
            partnership_id=ending.partnership_id,
            subject=ending.subject,
            data={
                "label": ending.label,
                "days": max((ending.ends_at - now).days, 0),
                "step": step,
                "not_after": ending.ends_at.isoformat(),
                "sha256": ending.subject[1] if ending.subject[0] == "certificate" else "",
            },
        )
    return True
