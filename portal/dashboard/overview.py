"""Partnerships at a glance, the trust mirror of one (what each side trusts of the other), releases and people to call."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q

from portal.organizations.models import Organization
from portal.partnerships import contact_queries
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Contact, Partnership
from trust.consumers import queries as consumers
from trust.consumers.lanes import Lane, lanes_of
from trust.keys.models import OpenPgpKey
from trust.onboarding import queries as onboarding
from trust.onboarding.board_rules import Status
from trust.stores.models import StoreVersion, TrustStore
from trust.verifications.models import VerificationRequest

# Worst first.
_ORDER = {"suspended": 0, "onboarding": 1, "invited": 2, "active": 3, "ended": 4}


@dataclass
class Glance:
    """One line about a partnership."""

    partnership: Partnership
    partner: Organization
    key_verified: bool = False
    anchors_verified: int = 0
    waiting: int = 0
    stores: list[TrustStore] = field(default_factory=list)


def glance(organization: Organization, now: datetime) -> list[Glance]:
    """Return one line for each partnership of ``organization``, worst first, in a constant number of queries."""
    rows = {each.pk: Glance(each, each.other(organization)) for each in partnerships.of(organization)}
    counts = (
        VerificationRequest.objects.filter(partnership__in=rows, relying=organization)
        .values("partnership")
        .annotate(
            keys=Count("id", filter=Q(state="approved", item_kind="openpgp_key")),
            anchors=Count("id", filter=Q(state="approved", item_kind="certificate")),
            waiting=Count("id", filter=Q(state__in=["waiting", "recorded"])),
        )
    )
    for count in counts:
        row = rows[count["partnership"]]
        row.key_verified, row.anchors_verified, row.waiting = count["keys"] > 0, count["anchors"], count["waiting"]
    for store in TrustStore.objects.filter(relying=organization, partnership__in=rows):
        rows[store.partnership_id].stores.append(store)
    return sorted(rows.values(), key=lambda row: (_ORDER[row.partnership.state], row.partner.name))


@dataclass(frozen=True)
class Side:
    """What one organization trusts of the other."""

    relying: Organization
    owner: Organization
    keys: list[tuple[OpenPgpKey, VerificationRequest | None]]
    anchors: list[VerificationRequest]
    stores: list[TrustStore]
    # How many services run the current version of all stores, and how many there are; None where that is not for the reader.
    running: tuple[int, int] | None = None


def mirror(partnership: Partnership, organization: Organization, now: datetime, *, shared: bool) -> tuple[Side, Side]:
    """Return both directions of a partnership: what ``organization`` trusts of its partner, then the reverse.

    ``shared`` says that the agreement lets each side count the other's services.
    """
    partner = partnership.other(organization)
    requests = list(VerificationRequest.objects.filter(partnership=partnership).exclude(state="withdrawn"))
    keys = list(OpenPgpKey.objects.filter(organization__in=(organization, partner)).exclude(state="replaced"))
    stores = list(TrustStore.objects.filter(partnership=partnership))

    def side(relying: Organization, owner: Organization, *, counted: bool) -> Side:
        mine = [each for each in requests if each.relying_id == relying.pk]
        by_fingerprint = {each.fingerprint: each for each in mine if each.item_kind == "openpgp_key"}
        served = [each for each in stores if each.relying_id == relying.pk]
        return Side(
            relying=relying,
            owner=owner,
            keys=[(key, by_fingerprint.get(key.fingerprint)) for key in keys if key.organization_id == owner.pk],
            anchors=[each for each in mine if each.item_kind == "certificate"],
            stores=served,
            running=_running(served, now) if counted else None,
        )

    return side(organization, partner, counted=True), side(partner, organization, counted=shared)


def _running(stores: list[TrustStore], now: datetime) -> tuple[int, int] | None:
    counted = consumers.counts_of([each for each in stores if each.current_number], now).values()
    total = sum(each[1] for each in counted)
    return (sum(each[0] for each in counted), total) if total else None


@dataclass(frozen=True)
class Rail:
    """One store: its last versions, oldest first, and the consumers by the version they run."""

    store: TrustStore
    versions: list[StoreVersion]
    lanes: list[Lane]

    @property
    def consumer_count(self) -> int:
        return sum(lane.count for lane in self.lanes)


RAIL_LENGTH = 4


def rails(stores: list[TrustStore], now: datetime) -> list[Rail]:
    """Return the latest versions and the consumers of each store: a few queries for each (a partnership has one to three)."""
    return [
        Rail(
            store=store,
            versions=list(reversed(store.versions.order_by("-number")[:RAIL_LENGTH])),
            lanes=lanes_of(store, now),
        )
        for store in stores
        if store.current_number
    ]


def people(partnership: Partnership, organization: Organization, now: datetime) -> list[tuple[Contact, str]]:
    """Return whom to call at the partner, primary and backup first, with the state of each number."""
    contacts = contact_queries.of_partner(partnership, organization)
    return [(contact, contact.state_at(now)) for contact in contacts[:3]]


@dataclass(frozen=True)
class OpenTask:
    """A task of the checklist that is not completed on both sides."""

    key: str
    title: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Checklist:
    """What is open of the checklist, and how many tasks each side has completed."""

    open: list[OpenTask]
    ours_done: int
    theirs_done: int
    total: int


def checklist(partnership: Partnership, organization: Organization, now: datetime) -> Checklist:
    """Return the checklist as ``organization`` sees it, what is needed to go live first."""
    lines = onboarding.board(partnership, now).lines
    partner = partnership.other(organization)
    sides = [(line, line.cell(organization.slug).status, line.cell(partner.slug).status) for line in lines]
    done = Status.COMPLETED
    left = [(line, ours, theirs) for line, ours, theirs in sides if not ours == theirs == done]
    left.sort(key=lambda each: not each[0].required)
    return Checklist(
        open=[OpenTask(line.item.key, line.item.title, ours, theirs) for line, ours, theirs in left],
        ours_done=sum(ours == done for _, ours, _ in sides),
        theirs_done=sum(theirs == done for _, _, theirs in sides),
        total=len(sides),
    )
