"""Reading what is watched, from the point of view of one organization."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.organizations.models import Organization
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.certificates.models import Certificate
from trust.revocations import sources
from trust.revocations.models import RevocationGap, RevocationMention, RevocationSource, SeenRevocation
from trust.revocations.rules import TROUBLE


def of_partnership(partnership: Partnership, owner: Organization, now: datetime) -> QuerySet[RevocationSource]:
    """Return the sources of one side that were named in a partnership and are still relied on."""
    named = RevocationMention.objects.filter(source=OuterRef("pk"), partnership=partnership)
    found = sources.watched(now).filter(Exists(named), owner=owner)
    return found.select_related("owner", "issuer", "crl__issuer").defer("crl__der").order_by("kind", "url")


def partnerships_of(source: RevocationSource) -> list[Partnership]:
    """Return the partnerships that go on in which the source was named."""
    named = RevocationMention.objects.filter(source=source).exclude(partnership=None).values("partnership")
    found = Partnership.objects.filter(pk__in=named).exclude(state=Partnership.State.ENDED)
    return list(found.select_related("first_organization", "second_organization").order_by("slug"))


def in_trouble(organization: Organization, now: datetime) -> list[tuple[RevocationSource, Partnership]]:
    """Return the sources on both sides of its partnerships at which a revocation cannot be seen now, with the partnership.

    An own source stands once, however many partners rely on it. Those in trouble for longest come first.
    """
    mine = partnerships.of(organization).exclude(state=Partnership.State.ENDED).order_by().values("pk")
    mentions = (
        RevocationMention.objects.filter(partnership__in=mine, source__state__in=TROUBLE)
        .filter(source__in=sources.watched(now))
        .select_related("source__owner", "source__issuer", "source__crl__issuer", "partnership")
        .defer("source__crl__der")
        .order_by("source__state_since", "partnership__created_at")
    )
    found: dict[object, tuple[RevocationSource, Partnership]] = {}
    for each in mentions:
        own = each.source.owner_id == organization.pk
        key = each.source_id if own else (each.source_id, each.partnership_id)
        if each.partnership is not None:
            found.setdefault(key, (each.source, each.partnership))
    return list(found.values())


def ending_lists(now: datetime, due: Q) -> list[tuple[RevocationSource, list[Partnership]]]:
    """Return the ``due`` sources whose list is not over, with the partnerships that rely on it; the first to end first."""
    found = sources.watched(now).filter(due, crl__next_update__gt=now).select_related("owner", "issuer", "crl__issuer")
    return [(each, partnerships_of(each)) for each in found.defer("crl__der").order_by("crl__next_update")]


def open_gaps(organization: Organization) -> QuerySet[RevocationGap]:
    """Return where notice and CRL disagree, on both sides of the organization's partnerships, oldest first."""
    mine = partnerships.of(organization).order_by().values("pk")
    return (
        RevocationGap.objects.filter(closed_at=None, partnership__in=mine)
        .select_related("partnership", "owner", "certificate", "notice")
        .order_by("since")
    )


def gaps_of(partnership: Partnership) -> QuerySet[RevocationGap]:
    """Return the gaps of a partnership, the open ones first, then the latest closed."""
    found = RevocationGap.objects.filter(partnership=partnership).select_related("owner", "certificate", "notice")
    return found.order_by("-closed_at", "since")


@dataclass(frozen=True)
class About:
    """What is watched about one certificate: where its own revocation is seen, where a CA's list is, and what was seen."""

    named: list[RevocationSource]
    own: list[RevocationSource]
    seen: SeenRevocation | None


def about(certificate: Certificate, organization: Organization, now: datetime) -> About:
    """Return what is watched about a certificate, as far as the organization may see it: its own, and its partnerships'."""
    mine = partnerships.of(organization).order_by().values("pk")
    visible = RevocationMention.objects.filter(Q(partnership__in=mine) | Q(source__owner=organization))
    shown = RevocationSource.objects.filter(Exists(visible.filter(source=OuterRef("pk"))))
    shown = shown.select_related("owner", "issuer", "crl__issuer").defer("crl__der").order_by("kind", "url")
    naming = RevocationMention.objects.filter(source=OuterRef("pk"), certificate=certificate)
    own = Q(issuer=certificate) | Q(crl__issuer=certificate)
    return About(
        named=list(shown.filter(Exists(naming))),
        own=list(shown.filter(own)) if certificate.is_ca else [],
        seen=SeenRevocation.objects.filter(certificate=certificate).select_related("source__issuer").first(),
    )
