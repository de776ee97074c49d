"""What the portal knows about the questions of a review, on each side, at a moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from portal import words
from portal.audit.models import Event
from portal.organizations.models import Organization
from portal.partnerships import contact_queries
from portal.partnerships.models import Partnership
from trust.consumers import queries as consumers
from trust.inventory import compliance
from trust.inventory import queries as inventory
from trust.inventory.models import ExpirySweep
from trust.inventory.rules import Filters
from trust.notices.models import Notice
from trust.onboarding import review_rules
from trust.onboarding.models import ReviewFinding
from trust.onboarding.review_rules import Fact
from trust.pki.findings import Severity
from trust.stores.models import StoreEntry, TrustStore

Look = Callable[[Partnership, Organization, datetime], tuple[bool, str]]
RECENT = timedelta(days=90)
LOOKS_AT_LEAST = timedelta(days=2)  # the sweep of expiries runs every hour
_LIFETIME_CODES = frozenset({"agreement_lifetime_long"})
_ALGORITHM_CODES = frozenset({"agreement_key", "agreement_digest"})


def facts(partnership: Partnership, now: datetime) -> list[Fact]:
    """Return what is seen about each question that the portal can answer, for both sides."""
    return [
        Fact(question.key, side.slug, *_LOOKS[question.seen](partnership, side, now))
        for question in review_rules.QUESTIONS
        if question.seen
        for side in (partnership.first_organization, partnership.second_organization)
    ]


def _inventory(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    found = Filters(side="own", partnership=partnership.slug)
    count = inventory.certificates(side, found, now).count()
    return count > 0, f"{count} certificates are in the inventory."


def _partner_inventory(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    return _inventory(partnership, partnership.other(side), now)


def _none_expired(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    over = StoreEntry.objects.filter(
        version__in=_current_versions(partnership, side), certificate__not_after__lte=now
    ).count()
    return over == 0, f"{over} expired certificates are in the current trust store."


def _current_versions(partnership: Partnership, relying: Organization) -> list[UUID]:
    stores = TrustStore.objects.filter(partnership=partnership, relying=relying, current_number__gt=0)
    found = [each.versions.filter(number=each.current_number).first() for each in stores]
    return [each.pk for each in found if each is not None]


def _broken(codes: frozenset[str]) -> Look:
    def look(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
        judged = compliance.of(partnership, side, now).of(side)
        broken = [
            each
            for each in judged
            if any(one.code in codes and one.severity is not Severity.NOTE for one in each.findings)
        ]
        kept = len(judged) - len(broken)
        return not broken, f"{kept} of {len(judged)} certificates keep to it."

    return look


def _expiry_alerts(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    swept = ExpirySweep.objects.values_list("seen_until", flat=True).first()
    if swept is None or now - swept > LOOKS_AT_LEAST:
        last = f"since {words.exact(swept)}" if swept else "yet"
        return False, f"The portal has not looked for coming expiries {last}."
    told = Event.objects.filter(
        kind="inventory.expires_soon", partnership_id=partnership.pk, organization_id=side.pk, at__gt=now - RECENT
    ).count()
    return True, f"The portal looks for coming expiries, and told of {told} in the last 90 days."


def _consumers(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    standings = [
        each for each in consumers.standings(consumers.of(side), now) if each.store.partnership_id == partnership.pk
    ]
    late = [each for each in standings if each.state.value in ("behind", "silent")]
    return not late, f"{len(standings) - len(late)} of {len(standings)} consumers are current."


def _rehearsed(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    recent = Notice.objects.filter(
        partnership=partnership, sender=side, rehearsal=True, executed_at__gt=now - RECENT
    ).count()
    return recent > 0, f"{recent} rehearsals in the last 90 days."


def _channels(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    reachable = contact_queries.callable_at(contact_queries.of(side), now)
    return len(reachable) >= 2, f"{len(reachable)} contacts can be called."


def _contacts(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    due = contact_queries.due_for_review(side, now)
    return not due, f"{len(due)} entries wait for somebody to say that they are still right."


def _notices(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    late = Notice.objects.filter(
        partnership=partnership, receiver=side, rehearsal=False, closed_at=None, acknowledge_by__lt=now
    ).count()
    return late == 0, f"{late} notices are open past their deadline."


def _findings(partnership: Partnership, side: Organization, now: datetime) -> tuple[bool, str]:
    late = ReviewFinding.objects.filter(partnership=partnership, closed_at=None, due_on__lt=now.date()).count()
    return late == 0, f"{late} findings are overdue."


_LOOKS: dict[str, Look] = {
    "inventory": _inventory,
    "partner_inventory": _partner_inventory,
    "none_expired": _none_expired,
    "lifetimes": _broken(_LIFETIME_CODES),
    "algorithms": _broken(_ALGORITHM_CODES),
    "expiry_alerts": _expiry_alerts,
    "consumers": _consumers,
    "rehearsed": _rehearsed,
    "channels": _channels,
    "contacts": _contacts,
    "notices": _notices,
    "findings": _findings,
}
