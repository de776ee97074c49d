"""CRLs and OCSP responders of both sides of a partnership, and where they disagree with notices."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.organizations import acting
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from trust.agreements import queries as agreements
from trust.revocations import queries, seeing
from trust.revocations.models import RevocationSource
from trust.revocations.rules import GapKind, Standing

CLOSED_SHOWN = 20


@dataclass(frozen=True)
class Watched:
    """One source as it is shown."""

    source: RevocationSource
    name: str

    @property
    def in_trouble(self) -> bool:
        """Say whether the sentence tells what is wrong, rather than what the other columns show too."""
        return self.source.state != Standing.FRESH


@require_safe
def of_partnership(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what is watched on both sides and since when it stands as it does, then the disagreements."""
    organization = acting.of(request).require(Right.READ)
    partnership = partnerships.get(organization, slug)
    partner = partnership.other(organization)
    gaps = list(queries.gaps_of(partnership)[: CLOSED_SHOWN * 5])
    context = {
        "partnership": partnership,
        "organization": organization,
        "partner": partner,
        "sides": [
            (side, _watched(queries.of_partnership(partnership, side, request.now))) for side in (organization, partner)
        ],
        "open_gaps": [each for each in gaps if each.closed_at is None],
        "closed_gaps": [each for each in gaps if each.closed_at][:CLOSED_SHOWN],
        "notice_missing": GapKind.NOTICE_MISSING.value,
        "terms": agreements.terms(partnership),
        "trail": [
            ("Partnerships", reverse("partnerships")),
            (partner.name, reverse("partnership", args=[slug])),
        ],
    }
    return render(request, "trust/revocations/partnership.html", context)


def _watched(found: Iterable[RevocationSource]) -> list[Watched]:
    return [Watched(each, seeing.name_of(each)) for each in found]
