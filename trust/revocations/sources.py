"""Which addresses are watched: those that accepted certificates and packages name, and shared service certificates.

A certificate's distribution point leads to the CRL of the CA that *issued* it, and its authority information access to the
responder that answers for that CA (RFC 5280 4.2.1.13 and 4.2.2.1).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.organizations.models import Organization
from portal.outbound.guard import MAX_URL
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.pki import bounded
from trust.pki.certificates import CertificateFacts, read_certificate
from trust.pki.endpoints import named_endpoints
from trust.pki.signatures import is_signed_by
from trust.revocations.models import RevocationMention, RevocationReading, RevocationSource
from trust.revocations.rules import SourceKind
from trust.submissions.models import Submission

BATCH = 50
MOST_PER_SUBMISSION = 200


@dataclass(frozen=True)
class _Named:
    kind: SourceKind
    url: str
    issuer: CertificateFacts | None
    certificate: Certificate | None


def known_cas(owner: Organization) -> QuerySet[Certificate]:
    """Return the CA certificates of an organization that some partner accepted."""
    return Certificate.objects.filter(
        is_ca=True, submissions__owner=owner, submissions__state=Submission.State.ACCEPTED
    ).distinct()


def read_new(*, now: datetime) -> set[Organization]:
    """Read the addresses of accepted submissions that were not read yet, and return whose submissions those were."""
    unread = (
        Submission.objects.filter(state=Submission.State.ACCEPTED)
        .exclude(Exists(RevocationReading.objects.filter(submission=OuterRef("pk"))))
        .select_related("owner", "partnership")
        .order_by("received_at")[:BATCH]
    )
    return {submission.owner for submission in unread if _read(submission, now)}


def watch_service_certificate(
    *, certificate: Certificate, owner: Organization, partnership: Partnership | None, now: datetime
) -> None:
    """Watch what a service certificate names, in the transaction that adds it to the inventory."""
    facts = read_certificate(bytes(certificate.der))
    issuers = [read_certificate(bytes(each.der)) for each in known_cas(owner)]
    _keep(owner, partnership, None, list(_of_certificate(facts, certificate, issuers))[:MOST_PER_SUBMISSION], now)


def watched(now: datetime) -> QuerySet[RevocationSource]:
    """Return the sources that somebody still relies on: named by a certificate that is not over, in a partnership that goes on."""
    going_on = ~Q(partnership__state=Partnership.State.ENDED) | Q(partnership=None)
    in_time = Q(certificate=None) | Q(certificate__not_after__gt=now)
    mentions = RevocationMention.objects.filter(going_on, in_time, source=OuterRef("pk"))
    return RevocationSource.objects.filter(Exists(mentions))


def _read(submission: Submission, now: datetime) -> bool:
    rows = list(submission.certificates.all())
    facts = {row.sha256: read_certificate(bytes(row.der)) for row in rows}
    issuers = [*facts.values(), *(read_certificate(bytes(each.der)) for each in known_cas(submission.owner))]
    named = [each for row in rows for each in _of_certificate(facts[row.sha256], row, issuers)]
    named += [_Named(kind, url, None, None) for kind, url in _in_package(submission, now)]
    with transaction.atomic():
        _, new = RevocationReading.objects.get_or_create(submission=submission, defaults={"read_at": now})
        if new:
            _keep(submission.owner, submission.partnership, submission, named[:MOST_PER_SUBMISSION], now)
    return new


def _of_certificate(facts: CertificateFacts, row: Certificate, issuers: Iterable[CertificateFacts]) -> Iterator[_Named]:
    if not (facts.crl_urls or facts.ocsp_urls):
        return
    loaded = facts.load()
    issuer = next(
        (each for each in issuers if each.subject.der == facts.issuer.der and is_signed_by(loaded, each.load())), None
    )
    for url in facts.crl_urls:
        yield _Named(SourceKind.CRL, url, issuer, row)
    for url in facts.ocsp_urls:
        yield _Named(SourceKind.OCSP, url, issuer, row)


def _in_package(submission: Submission, now: datetime) -> Iterator[tuple[SourceKind, str]]:
    """Yield the addresses of the package's endpoints.json. Only with a detached signature: then the bytes are the signed ones."""
    if not submission.signature or "endpoints.json" not in str(submission.members):
        return
    examined = bounded.examine(bytes(submission.content), filename_hint=submission.file_name, now=now)
    for name, content in examined.reading.documents.items():
        if name.endswith("endpoints.json"):
            for kind, url in named_endpoints(content):
                yield SourceKind(kind), url


def _keep(
    owner: Organization,
    partnership: Partnership | None,
    submission: Submission | None,
    named: Iterable[_Named],
    now: datetime,
) -> None:
    for each in named:
        # LDAP and files are not asked. Where an address leads is judged by the guard, each time that it is called.
        if not each.url.lower().startswith(("http://", "https://")) or len(each.url) > MAX_URL:
            continue
        source, _ = RevocationSource.objects.get_or_create(
            owner=owner,
            kind=each.kind,
            url=each.url,
            issuer_id=each.issuer.sha256 if each.issuer else None,
            defaults={"created_at": now, "next_check_at": now},
        )
        RevocationMention.objects.get_or_create(
            source=source, partnership=partnership, certificate=each.certificate, submission=submission
        )
