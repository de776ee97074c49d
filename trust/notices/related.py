"""What notices add to the page of a certificate: what was said about it."""

from datetime import datetime

from django.urls import NoReverseMatch, reverse

from portal.organizations.models import Organization
from trust.certificates.models import Certificate
from trust.certificates.showing import Related
from trust.notices import queries


def said_about(organization: Organization, certificate: Certificate, now: datetime) -> list[Related]:
    """Return the notices about a certificate that the organization sent or received."""
    return [
        Related(
            group="Notices about it",
            label=f"{notice.label}: {notice.get_kind_display()}",
            url=_address(notice.label),
            state_kind="notice",
            state=notice.state,
            at=notice.received_at,
        )
        for notice in queries.about(certificate.sha256, organization)
    ]


def _address(label: str) -> str:
    # The page of a notice stands in the domain that asks for answers, above this one.
    try:
        return reverse("notice", args=[label])
    except NoReverseMatch:
        return ""
