"""What the onboarding checklist asks of notifications; ``trust`` cannot look up here, so it is told at start-up."""

from datetime import datetime

from notifications.acknowledgements.models import EscalationPolicy
from notifications.webhooks import queries as webhooks
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.onboarding import reading, sightings
from trust.onboarding.board_rules import Seen


def connect() -> None:
    """Register what can be seen from here; called once, when the app is ready."""
    sightings.register("webhook_proven", webhook_proven)
    sightings.register("escalation_set", escalation_set)


def webhook_proven(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """An endpoint of the side answered a test, and gets events."""
    both = reading.sides(partnership)
    found = reading.by_side(partnership, "webhooks", lambda: webhooks.of_any(both), "organization_id")
    endpoints = found[organization.pk]
    proven = [each for each in endpoints if each.proven_at and each.sent_to]
    if proven:
        names = ", ".join(each.name for each in proven)
        return Seen(True, f"{names} answered the test.", min(each.proven_at for each in proven if each.proven_at))
    if any(each.proven_at for each in endpoints):
        return Seen(False, "The endpoint is paused, so nothing is sent there.", problem=True)
    return Seen(False, "The endpoint has not answered a test yet." if endpoints else "No webhook endpoint is added.")


def escalation_set(partnership: Partnership, organization: Organization, now: datetime) -> Seen:
    """The side chose its own escalation policy instead of the one that everybody starts with."""
    chosen = EscalationPolicy.objects.filter(organization__in=reading.sides(partnership))
    found = reading.by_side(partnership, "policies", lambda: chosen, "organization_id")[organization.pk]
    policy = found[0] if found else None
    if policy is None:
        return Seen(False, "The policy is the one that everybody starts with; nobody has looked at it.")
    return Seen(True, f"The policy has {len(policy.steps)} steps.", policy.changed_at)
