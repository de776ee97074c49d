"""Telling in time that something ends: certificates, CRLs and the portal's own signed roots, once for each step of their ladder."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Min, Q

from portal.audit import services as audit
from portal.organizations.acting import PORTAL
from portal.partnerships.models import Partnership
from trust.agreements import checks
from trust.certificates.models import Certificate
from trust.inventory import rules
from trust.inventory.models import ExpirySweep, ExpiryTold, ServiceCertificate
from trust.pki.certificates import read_certificate
from trust.revocations import queries as revocations
from trust.revocations.models import RevocationMention, RevocationReading
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


# How far a sweep looks back behind the one before: longer than any transaction lasts that it could not see yet.
OVERLAP = timedelta(minutes=10)
_AT_ONCE = 500


@dataclass(frozen=True)
class _Stretch:
    """The time that a sweep looks at: since the one before, or everything when there was none."""

    since: datetime | None
    now: datetime

    def ends(self, field: str, days: Sequence[int]) -> Q:
        """Return whether ``field`` came to so many days away within the stretch; at the first sweep, whether it is near."""
        now = self.now
        if self.since is None:
            return Q(**{f"{field}__lte": now + rules.HORIZON, f"{field}__gt": now - rules.LATE})
        reached = [
            Q(**{f"{field}__lte": now + timedelta(days=each), f"{field}__gt": self.since + timedelta(days=each)})
            for each in days
        ]
        return reduce(or_, reached)

    def came(self, field: str) -> Q:
        """Return whether something came within the stretch, at ``field``; the first sweep finds everything by its end."""
        return Q(**{f"{field}__gt": self.since}) if self.since else Q(pk__in=())


def tell_expiries(*, now: datetime) -> int:
    """Record each step of a coming expiry that was not told yet, and return how many. Running it again changes nothing.

    CA certificates of accepted submissions, service certificates, CRLs, and the roots of stores as TUF repositories; OpenPGP keys
    tell of themselves (``trust.keys``). Only what came to a step, or came at all, since the last sweep is read, so that its work
    grows with what changes and not with what there is.
    """
    stretch = _Stretch(_since(now), now)
    endings = [*_certificates(stretch), *_services(stretch), *_crls(stretch), *_metadata(stretch)]
    told = _told({each.identifier for each in endings})
    count = 0
    for each in endings:
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
    # Last of all: a sweep that was cut short is done again.
    ExpirySweep.objects.update_or_create(pk=1, defaults={"seen_until": now})
    return count


def _since(now: datetime) -> datetime | None:
    seen_until = ExpirySweep.objects.values_list("seen_until", flat=True).first()
    return min(seen_until, now) - OVERLAP if seen_until else None


def _told(identifiers: set[str]) -> dict[tuple[str, str], int]:
    """Return the smallest step told of each of these, by scope and identifier."""
    listed, told = sorted(identifiers), {}
    for at in range(0, len(listed), _AT_ONCE):
        rows = ExpiryTold.objects.filter(identifier__in=listed[at : at + _AT_ONCE])
        for scope, identifier, least in rows.values_list("scope", "identifier").annotate(least=Min("step")):
            told[scope, identifier] = least
    return told


def _certificates(stretch: _Stretch) -> Iterator[_Ending]:
    # Two questions and not one with "or": each has its own index.
    places = (
        SubmissionCertificate.objects.filter(submission__state=Submission.State.ACCEPTED)
        .exclude(submission__partnership__state=Partnership.State.ENDED)
        .order_by()
        .values_list("certificate_id", "submission__owner_id", "submission__partnership_id")
    )
    came_to_a_step = places.filter(stretch.ends("certificate__not_after", rules.STEPS))
    came = places.filter(stretch.came("submission__decided_at"))
    listed = sorted({*came_to_a_step, *came})
    found = Certificate.objects.in_bulk({digest for digest, _, _ in listed})
    for digest, owner, partnership in listed:
        row = found[digest]
        if row.not_after <= stretch.now + rules.HORIZON:
            yield _of_certificate(row, owner, partnership, row.facts.get("common_name") or row.subject)


def _services(stretch: _Stretch) -> Iterator[_Ending]:
    watched = ServiceCertificate.objects.filter(retired_at=None)
    due = stretch.ends("certificate__not_after", rules.STEPS) | stretch.came("added_at")
    for service in watched.filter(due).select_related("certificate"):
        label = f"A certificate of {service.service_name}"
        yield _of_certificate(service.certificate, service.organization_id, service.partnership_id, label)


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


def _crls(stretch: _Stretch) -> Iterator[_Ending]:
    # A list that came, or that somebody new relies on, may have passed a step before.
    read = RevocationReading.objects.filter(stretch.came("read_at")).values("pk")
    added = ServiceCertificate.objects.filter(stretch.came("added_at")).values("certificate")
    relied = RevocationMention.objects.filter(Q(submission__in=read) | Q(certificate__in=added)).values("source")
    due = stretch.ends("crl__next_update", rules.LADDERS["crl"]) | stretch.came("crl__seen_at") | Q(pk__in=relied)
    for source, partnerships in revocations.ending_lists(stretch.now, due):
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


def _metadata(stretch: _Stretch) -> Iterator[_Ending]:
    due = stretch.ends("root_expires_at", rules.LADDERS["metadata"])
    for repository in TufRepository.objects.filter(due, root_expires_at__gt=stretch.now).select_related("store"):
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
