"""What waits for others: said with since when, so that a silent partner is as visible as one's own task."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from portal.organizations.models import Organization
from portal.partnerships.models import PartnershipInvitation
from trust.submissions.models import Submission
from trust.verifications.models import VerificationRequest

LIMIT = 20


@dataclass(frozen=True)
class Waiting:
    """Something that somebody else has to do: what, who, since when, and where one can see it."""

    title: str
    who: str
    since: datetime
    url: str
    icon: str
    partnership_id: object = None


def of(organization: Organization, now: datetime, *, partnership_id: object = None) -> list[Waiting]:
    """Return what others have to do for ``organization`` to go on, the longest wait first."""
    found = [*_calls(organization), *_submissions(organization), *_invitations(organization, now)]
    if partnership_id is not None:
        found = [each for each in found if each.partnership_id == partnership_id]
    return sorted(found, key=lambda each: each.since)


def _calls(organization: Organization) -> Iterable[Waiting]:
    waiting = VerificationRequest.objects.filter(
        owner=organization, state__in=[VerificationRequest.State.WAITING, VerificationRequest.State.RECORDED]
    ).exclude(item_kind="rehearsal")
    for request in waiting.select_related("relying", "partnership").order_by("created_at")[:LIMIT]:
        called = request.state == VerificationRequest.State.RECORDED
        yield Waiting(
            title=f"{'Approve' if called else 'Verify'} {request.label}" + ("" if called else " by phone"),
            who=request.relying.name,
            since=request.created_at,
            url=reverse("partnership", args=[request.partnership.slug]),
            icon="phone-call",
            partnership_id=request.partnership_id,
        )


def _submissions(organization: Organization) -> Iterable[Waiting]:
    waiting = Submission.objects.filter(owner=organization, state=Submission.State.WAITING_FOR_APPROVAL)
    for each in waiting.select_related("relying", "partnership").defer("content", "signature")[:LIMIT]:
        yield Waiting(
            title=f"Approve submission {each.number}",
            who=each.relying.name,
            since=each.received_at,
            url=reverse("partnership", args=[each.partnership.slug]),
            icon="upload",
            partnership_id=each.partnership_id,
        )


def _invitations(organization: Organization, now: datetime) -> Iterable[Waiting]:
    waiting = PartnershipInvitation.objects.filter(
        organization=organization, accepted_at=None, withdrawn_at=None, expires_at__gt=now
    )
    for each in waiting[:LIMIT]:
        yield Waiting(
            title="Accept your invitation",
            who=each.invited_name,
            since=each.created_at,
            url=reverse("partnerships"),
            icon="mail",
        )
