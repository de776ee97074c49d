"""Reading the inventory: the certificates and OpenPGP keys of one organization and of its partners.

A relying organization sees a partner's certificate once its fingerprint was heard by phone, as on the certificate's own page.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from portal.organizations.models import Organization
from portal.partnerships import queries as partnerships
from trust.certificates.models import Certificate
from trust.inventory import rows
from trust.inventory.models import ServiceCertificate
from trust.inventory.rules import Filters, Kind, Row, Search, State
from trust.keys import queries as keys
from trust.keys.models import OpenPgpKey
from trust.keys.rules import State as KeyState
from trust.notices.models import Notice
from trust.notices.rules import Kind as NoticeKind
from trust.revocations.models import SeenRevocation
from trust.stores.models import StoreEntry
from trust.submissions.models import Submission, SubmissionCertificate

_SENT = (Submission.State.WAITING_FOR_CALL, Submission.State.WAITING_FOR_APPROVAL, Submission.State.ACCEPTED)
_HEARD = (Submission.State.WAITING_FOR_APPROVAL, Submission.State.ACCEPTED)
_REVOCATIONS = (NoticeKind.CA_REVOCATION, NoticeKind.CERTIFICATE_REVOCATION)
BATCH = 500
COUNTED = 10_000


def places_of(organization: Organization) -> QuerySet[SubmissionCertificate]:
    """Return the places of CA certificates that members of an organization may see."""
    own = Q(submission__owner=organization, submission__state__in=_SENT)
    heard = Q(submission__relying=organization, submission__state__in=_HEARD)
    return SubmissionCertificate.objects.filter(own | heard)


def services_of(organization: Organization) -> QuerySet[ServiceCertificate]:
    """Return the service certificates that members of an organization may see: its own, and those that partners share."""
    shared = Q(partnership__first_organization=organization) | Q(partnership__second_organization=organization)
    return ServiceCertificate.objects.filter(Q(organization=organization) | shared, retired_at=None)


def _trusted(organization: Organization) -> QuerySet[StoreEntry]:
    current = StoreEntry.objects.filter(version__number=F("version__store__current_number"))
    return current.filter(Q(version__store__relying=organization) | Q(version__store__owner=organization))


def _called_revoked() -> QuerySet[SeenRevocation]:
    """Return what CAs' own lists call revoked, whether a notice says so too or not."""
    return SeenRevocation.objects.filter(gone_at=None)


def _revoking(organization: Organization) -> QuerySet[Notice]:
    return Notice.objects.filter(
        Q(sender=organization) | Q(receiver=organization),
        kind__in=_REVOCATIONS,
        rehearsal=False,
        executed_at__isnull=False,
    )


def certificates(organization: Organization, filters: Filters, now: datetime) -> QuerySet[Certificate]:
    """Return the certificates that fit the filters, the first to end first."""
    places, services = places_of(organization), services_of(organization)
    if filters.side:
        owner = Q(submission__owner=organization)
        places = places.filter(owner if filters.side == "own" else ~owner)
        mine = Q(organization=organization)
        services = services.filter(mine if filters.side == "own" else ~mine)
    if filters.partnership:
        places = places.filter(submission__partnership__slug=filters.partnership)
        services = services.filter(partnership__slug=filters.partnership)
    as_ca = Exists(places.filter(certificate=OuterRef("pk")))
    as_service = Exists(services.filter(certificate=OuterRef("pk")))
    found = Certificate.objects.filter(
        {Kind.CA: as_ca, Kind.SERVICE: as_service}.get(filters.kind, as_ca | as_service)  # type: ignore[call-overload]
    )
    if filters.expiring is not None:
        found = found.filter(not_after__gt=now, not_after__lte=now + timedelta(days=filters.expiring))
    found = _in_state(found, organization, filters.state, now)
    return _searched(found, filters.search, services).order_by("not_after", "sha256")


def _in_state(
    found: QuerySet[Certificate], organization: Organization, state: str, now: datetime
) -> QuerySet[Certificate]:
    if not state:
        return found
    revoked = Exists(_revoking(organization).filter(certificate=OuterRef("pk"))) | Exists(
        _called_revoked().filter(certificate=OuterRef("pk"))
    )
    trusted = Exists(_trusted(organization).filter(certificate=OuterRef("pk")))
    if state == State.REVOKED:
        return found.filter(revoked)
    if state == State.EXPIRED:
        return found.filter(~revoked, not_after__lte=now)
    alive = found.filter(~revoked, not_after__gt=now)
    return alive.filter(trusted) if state == State.TRUSTED else alive.filter(~trusted)


def _searched(
    found: QuerySet[Certificate], search: Search, services: QuerySet[ServiceCertificate]
) -> QuerySet[Certificate]:
    wanted = Q(pk__in=())
    if search.serial:
        wanted |= Q(serial=search.serial)
    if search.start:
        wanted |= Q(sha256__startswith=search.start) | Q(spki_sha256__startswith=search.start)
    if search.text:
        # Not by a join: rows would come twice, and "distinct" compares every column of each.
        named = services.filter(certificate=OuterRef("pk"), service_name__icontains=search.text)
        wanted |= Q(subject__icontains=search.text) | Q(Exists(named))
    return found.filter(wanted) if search else found


def count(found: QuerySet[Certificate]) -> int:
    """Return how many certificates these are, up to ``COUNTED`` and one: beyond that, counting costs more than it tells."""
    return found.order_by()[: COUNTED + 1].count()


def openpgp_keys(organization: Organization, filters: Filters, now: datetime) -> QuerySet[OpenPgpKey]:
    """Return the OpenPGP keys that fit the filters, the first to end first and those that never end last."""
    found = keys.visible_to(organization)
    if filters.side:
        mine = Q(organization=organization)
        found = found.filter(mine if filters.side == "own" else ~mine)
    if filters.partnership:
        partnership = partnerships.get(organization, filters.partnership)
        found = found.filter(organization__in=[partnership.first_organization, partnership.second_organization])
    if filters.expiring is not None:
        found = found.filter(expires_at__gt=now, expires_at__lte=now + timedelta(days=filters.expiring))
    if filters.search:
        # Only the whole of it: with less, whoever must hear a fingerprint on the phone could ask for it digit by digit.
        wanted = Q(fingerprint=filters.search.hex) if filters.search.hex else Q(pk__in=())
        if filters.search.text:
            wanted |= Q(user_ids__icontains=filters.search.text)
        found = found.filter(wanted)
    if filters.state:
        found = found.filter(_key_in_state(filters.state, now))
    return found.order_by(F("expires_at").asc(nulls_last=True), "fingerprint")


def _key_in_state(state: str, now: datetime) -> Q:
    """Return which keys are shown as revoked or expired (``trust.keys.rules.shown_state``); none is trusted or pending."""
    if state == State.REVOKED:
        return Q(state=KeyState.REVOKED)
    return Q(state=KeyState.PROVEN, expires_at__lte=now) if state == State.EXPIRED else Q(pk__in=())


@dataclass(frozen=True)
class Context:
    """What rows need beside the certificates themselves, read for many at once."""

    places: dict[str, list[SubmissionCertificate]]
    services: dict[str, ServiceCertificate]
    trusted: frozenset[str]
    notices: dict[str, Notice]
    seen: dict[str, SeenRevocation]


def context_for(organization: Organization, found: Sequence[Certificate]) -> Context:
    """Return the context of these certificates in five queries, however many they are."""
    digests = [each.sha256 for each in found]
    places: dict[str, list[SubmissionCertificate]] = defaultdict(list)
    for place in (
        places_of(organization)
        .filter(certificate__in=digests)
        .select_related("submission__owner", "submission__partnership__first_organization")
        .select_related("submission__partnership__second_organization")
        .defer("submission__content", "submission__signature")
    ):
        places[place.certificate_id].append(place)
    services = services_of(organization).filter(certificate__in=digests).select_related("organization", "partnership")
    revoking = _revoking(organization).filter(certificate__in=digests).defer("content", "payload", "signature")
    return Context(
        places=places,
        services={each.certificate_id: each for each in services},
        trusted=frozenset(
            _trusted(organization).filter(certificate__in=digests).values_list("certificate_id", flat=True)
        ),
        notices={each.certificate_id: each for each in revoking if each.certificate_id},
        seen={each.certificate_id: each for each in _called_revoked().filter(certificate__in=digests)},
    )


def rows_of(organization: Organization, found: Sequence[Certificate], now: datetime) -> list[Row]:
    """Return the rows of certificates, in their order."""
    context = context_for(organization, found)
    return [
        rows.of_certificate(
            each,
            places=context.places.get(each.sha256, []),
            service=context.services.get(each.sha256),
            trusted=each.sha256 in context.trusted,
            notice=context.notices.get(each.sha256),
            seen=context.seen.get(each.sha256),
            now=now,
        )
        for each in found
    ]


def key_rows(organization: Organization, listed: Iterable[OpenPgpKey], now: datetime) -> list[Row]:
    """Return the rows of OpenPGP keys, in their order."""
    known = list(listed)
    around = keys.around(known)
    return [rows.of_key(key, viewer=organization, now=now, around=around) for key in known]


def every_row(organization: Organization, filters: Filters, now: datetime) -> Iterator[Row]:
    """Yield all rows that fit the filters, in batches, so that memory stays bounded: certificates first, then keys."""
    if filters.kind != Kind.KEY:
        found = certificates(organization, filters, now).iterator(chunk_size=BATCH)
        while batch := list(islice(found, BATCH)):
            yield from rows_of(organization, batch, now)
    if filters.kind in ("", Kind.KEY):
        yield from key_rows(organization, openpgp_keys(organization, filters, now), now)


def soonest(organization: Organization, now: datetime, *, limit: int, partnership: str = "") -> list[Row]:
    """Return what ends first on both sides: certificates that are not over, and keys."""
    filters = Filters(partnership=partnership)
    alive = certificates(organization, filters, now).filter(not_after__gt=now)[:limit]
    ending_keys = openpgp_keys(organization, filters, now).exclude(expires_at=None)[:limit]
    ending = [*rows_of(organization, list(alive), now), *key_rows(organization, ending_keys, now)]
    return sorted(ending, key=lambda row: row.not_after or now)[:limit]
