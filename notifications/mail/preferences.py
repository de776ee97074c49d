"""What a member wants mailed about what is not urgent."""

from datetime import datetime

from django.db import transaction

from notifications.mail.models import MailPreference
from notifications.mail.rules import NEWS_CHOICES, TASK_CHOICES
from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.models import Membership
from portal.organizations.rules import Right


def of(membership: Membership) -> MailPreference:
    """Return what a member chose, or what everybody starts with (unsaved)."""
    try:
        return membership.mail_preference
    except MailPreference.DoesNotExist:
        return MailPreference(membership=membership)


@transaction.atomic
def change(*, actor: Actor, tasks: str, news: str, now: datetime) -> MailPreference:
    """Choose how often the acting member is mailed: about what waits for them, and about what is only to know.

    Alarms, such as revocations, are in no choice. Raises Invalid for a choice that is not offered, NotAllowed for programs.
    """
    actor.require_person(Right.READ, step_up=False)
    assert actor.membership is not None
    fields: dict[str, list[str]] = {}
    if tasks not in {each.value for each in TASK_CHOICES}:
        fields["tasks"] = ["Choose at_once or daily. What waits for you cannot be turned off."]
    if news not in {each.value for each in NEWS_CHOICES}:
        fields["news"] = ["Choose at_once, daily or none."]
    if fields:
        raise errors.Invalid("This cannot be chosen.", code="mail_preference", fields=fields)
    before = of(actor.membership)
    if before.pk and not before._state.adding and (before.tasks, before.news) == (tasks, news):
        return before
    found, _ = MailPreference.objects.update_or_create(
        membership=actor.membership, defaults={"tasks": tasks, "news": news, "changed_at": now}
    )
    audit.record(
        "mail.preference_changed",
        now=now,
        actor=actor,
        organization_id=actor.membership.organization_id,
        subject=("member", actor.membership.pk),
        data={"tasks": tasks, "news": news},
    )
    return found
