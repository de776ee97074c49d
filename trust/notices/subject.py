"""Which certificate a notice is about, and whether its sender may speak about it."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from portal import errors
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.notices.document import Document
from trust.notices.rules import ABOUT_A_CA, Kind
from trust.pki import names
from trust.submissions.models import Submission

REFUSED = (Submission.State.REFUSED, Submission.State.QUARANTINED)


@dataclass(frozen=True)
class Subject:
    """What the portal knows of the certificate that a notice names; nothing when it does not know it."""

    certificate: Certificate | None = None
    issuing_ca: Certificate | None = None

    @property
    def matched(self) -> bool:
        return self.certificate is not None or self.issuing_ca is not None


def find(document: Document, *, sender: Organization, partnership: Partnership) -> Subject:
    """Return what the notice is about.

    A certificate that nobody sent to the portal is *unmatched*: the notice is kept and passed on, and changes no store. Raises
    NotAllowed when the certificate is known to be another partner's and was never the sender's.
    """
    receiver = partnership.other(sender)
    if document.kind in ABOUT_A_CA:
        mine = _one(_named(document, of(sender, receiver)))
        if mine is None and _named(document, _of_others(sender, receiver)).exists():
            raise _not_entitled()
        return Subject(certificate=mine)
    if document.kind is Kind.CERTIFICATE_REVOCATION:
        # Of several with one name any will do: the certificate is refused below all of them.
        issuer = _issuer(document, of(sender, receiver)).order_by("-not_before", "sha256").first()
        if issuer is None and _issuer(document, _of_others(sender, receiver)).exists():
            raise _not_entitled()
        return Subject(issuing_ca=issuer)
    return Subject()


def of(sender: Organization, receiver: Organization) -> QuerySet[Certificate]:
    """Return the CA certificates that ``sender`` gave ``receiver`` in signed submissions: those it may speak about."""
    given = Submission.objects.filter(owner=sender, relying=receiver).exclude(state__in=REFUSED)
    return Certificate.objects.filter(submissions__in=given).distinct()


def named_alike(ca: Certificate, sender: Organization, receiver: Organization) -> QuerySet[Certificate]:
    """Return a CA of the sender with those that have its name: a renewal keeps it, and a serial counts below the name."""
    return of(sender, receiver).filter(subject=ca.subject, is_ca=True)


def _of_others(sender: Organization, receiver: Organization) -> QuerySet[Certificate]:
    """Return what the receiver was given by its other partners. Others' partnerships are none of this one's business."""
    given = Submission.objects.filter(relying=receiver).exclude(owner=sender).exclude(state__in=REFUSED)
    return Certificate.objects.filter(submissions__in=given).distinct()


def _named(document: Document, among: QuerySet[Certificate]) -> QuerySet[Certificate]:
    """Return the certificates that a notice names: by digest, or by issuer and serial; a serial alone names nothing."""
    if document.certificate_sha256:
        return among.filter(sha256=document.certificate_sha256)
    issued = Q(issuer__in=_written(document.certificate_issuer))
    if document.certificate_issuer_sha256:
        subjects = among.filter(sha256=document.certificate_issuer_sha256).values("subject")
        issued = Q(issuer__in=subjects)
    with_serial = Q(serial__iexact=document.certificate_serial) | Q(serial__iexact=f"0{document.certificate_serial}")
    return among.filter(issued & with_serial)


def _issuer(document: Document, among: QuerySet[Certificate]) -> QuerySet[Certificate]:
    if document.certificate_issuer_sha256:
        return among.filter(sha256=document.certificate_issuer_sha256, is_ca=True)
    return among.filter(subject__in=_written(document.certificate_issuer), is_ca=True)


def _written(name: str) -> list[str]:
    """Return how a name may be kept that a notice gives; nothing for none."""
    return [name, *names.texts_of(name)] if name else []


def _one(found: QuerySet[Certificate]) -> Certificate | None:
    """Return the only one. Two CAs of one name (a renewal) cannot be told apart by name, so neither is taken."""
    first = list(found.order_by("sha256")[:2])
    return first[0] if len(first) == 1 else None


def _not_entitled() -> errors.NotAllowed:
    return errors.NotAllowed(
        "The notice names a certificate that is not yours.",
        code="not_entitled",
        fix="An organization can only speak about certificates that it submitted itself.",
    )
