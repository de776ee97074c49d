"""What watching adds to the page of a certificate (S12): the live check of CRL and OCSP, with its time."""

from datetime import datetime

from portal import words
from portal.organizations.models import Organization
from trust.certificates.models import Certificate
from trust.certificates.showing import Related
from trust.revocations import queries, seeing
from trust.revocations.models import RevocationSource, SeenRevocation


def seen_about(organization: Organization, certificate: Certificate, now: datetime) -> list[Related]:
    """Return how the addresses stand at which a revocation of the certificate is seen, and those of the CA that it is."""
    about = queries.about(certificate, organization, now)
    lines = [_revoked(about.seen)] if about.seen else []
    lines += [_line("Where its revocation is seen", each, now) for each in about.named]
    return lines + [_line("Its own CRL and OCSP", each, now) for each in about.own]


def _line(group: str, source: RevocationSource, now: datetime) -> Related:
    checked = f", checked {words.relative(source.checked_at, now)}" if source.checked_at else ""
    return Related(
        group=group,
        label=f"{seeing.name_of(source)}{checked}: {source.sentence}"
        if source.sentence
        else f"{seeing.name_of(source)}{checked}",
        state_kind="revocation_list",
        state=source.state,
    )


def _revoked(seen: SeenRevocation) -> Related:
    reason = f" ({seen.reason})" if seen.reason else ""
    if seen.gone_at:
        label = f"{seeing.name_of(seen.source)} revoked it{reason} and does so no more. What was removed stays removed."
        return Related(group="Where its revocation is seen", label=label, at=seen.gone_at)
    label = f"{seeing.name_of(seen.source)} revokes it{reason}"
    return Related(
        group="Where its revocation is seen", label=label, state_kind="certificate", state="revoked", at=seen.revoked_at
    )
