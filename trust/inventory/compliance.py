"""How the certificates of a partnership stand against its agreement, with drill-down to each."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.agreements import checks
from trust.agreements import queries as agreements
from trust.agreements.checks import Finding
from trust.agreements.clauses import BY_NUMBER
from trust.agreements.terms import Terms
from trust.certificates.models import Certificate
from trust.inventory.queries import places_of, services_of
from trust.inventory.rules import clause_counts
from trust.pki.certificates import CertificateFacts, read_certificate
from trust.pki.findings import Severity


@dataclass(frozen=True)
class Judged:
    """One certificate with what the agreement has to say about it."""

    owner: Organization
    certificate: CertificateFacts
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether nothing breaks a clause, or what does is waived."""
        return all(each.severity is Severity.NOTE for each in self.findings)


@dataclass(frozen=True)
class Compliance:
    """Both sides' certificates held against the terms."""

    terms: Terms
    judged: tuple[Judged, ...]

    def of(self, owner: Organization) -> list[Judged]:
        """Return one side's."""
        return [each for each in self.judged if each.owner == owner]

    @property
    def clauses(self) -> list[tuple[str, str, int]]:
        """Return the citation and title of each broken clause, and how many certificates break it; not what is waived."""
        counts = Counter(
            source
            for each in self.judged
            for source in {one.source for one in each.findings if one.severity is not Severity.NOTE}
        )
        return [(source, _title(source), count) for source, count in clause_counts(counts)]


def _title(source: str) -> str:
    clause = BY_NUMBER.get(source.rpartition(" ")[2])
    return clause.title if clause else ""


def of(partnership: Partnership, viewer: Organization, now: datetime) -> Compliance:
    """Hold what ``viewer`` may see of both sides' certificates against the terms; what is over is left out."""
    terms = agreements.terms(partnership)
    waivers = agreements.waiving(partnership, now)
    judged: list[Judged] = []
    for owner in (partnership.first_organization, partnership.second_organization):
        facts = _certificates(partnership, owner, viewer, now)
        found = checks.check(terms, facts, owner=owner.slug, now=now, waivers=waivers)
        for each in facts:
            about = tuple(one for one in found if one.certificate_sha256 == each.sha256)
            judged.append(Judged(owner, each, about))
    return Compliance(terms, tuple(judged))


def _certificates(
    partnership: Partnership, owner: Organization, viewer: Organization, now: datetime
) -> list[CertificateFacts]:
    places = places_of(viewer).filter(submission__partnership=partnership, submission__owner=owner)
    services = services_of(viewer).filter(organization=owner, partnership=partnership)
    digests = {*places.values_list("certificate_id", flat=True), *services.values_list("certificate_id", flat=True)}
    rows = Certificate.objects.filter(pk__in=digests, not_after__gt=now).order_by("-is_ca", "-self_signed", "sha256")
    return [read_certificate(bytes(each.der)) for each in rows]
