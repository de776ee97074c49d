"""Suspending an organization: its members and tokens only read, until an operator resumes it. Its services go on pulling."""

import uuid
from datetime import datetime

from django.db import transaction

from portal import errors
from portal.audit.services import record
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.events import Kind
from portal.organizations.models import Organization

LONGEST_REASON = 300


@transaction.atomic
def suspend(*, organization_id: uuid.UUID, reason: str, actor: Actor, now: datetime) -> Organization:
    """Suspend an active organization; the reason stands in its own audit log and is told to its people.

    Trust stores are served as before: taking them away would break connections that nobody called wrong. For operators, with a
    fresh second factor. Raises NotFound, Invalid without a reason, and Conflict when it is not active.
    """
    acting.require_operator(actor, step_up=True)
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON or not reason.isprintable():
        sentence = f"Say why, in at most {LONGEST_REASON} characters: the organization reads it."
        raise errors.Invalid("The organization was not suspended.", fields={"reason": [sentence]})
    return _move(
        organization_id,
        Organization.State.ACTIVE,
        Organization.State.SUSPENDED,
        Kind.ORGANIZATION_SUSPENDED,
        {"reason": reason},
        actor,
        now,
    )


@transaction.atomic
def resume(*, organization_id: uuid.UUID, actor: Actor, now: datetime) -> Organization:
    """Let a suspended organization act again. For operators, as ``suspend``."""
    acting.require_operator(actor, step_up=True)
    return _move(
        organization_id,
        Organization.State.SUSPENDED,
        Organization.State.ACTIVE,
        Kind.ORGANIZATION_RESUMED,
        {},
        actor,
        now,
    )


def _move(
    organization_id: uuid.UUID, before: str, after: str, kind: Kind, data: dict[str, str], actor: Actor, now: datetime
) -> Organization:
    changed = Organization.objects.filter(pk=organization_id, state=before).update(state=after)
    found = Organization.objects.filter(pk=organization_id).first()
    if found is None:
        raise errors.NotFound()
    if not changed:
        raise errors.Conflict(
            f"{found.name} is {found.get_state_display().lower()}.",
            code="organization_state",
            fix="Look at it again: somebody may have been faster.",
        )
    record(
        kind,
        now=now,
        actor=actor,
        organization_id=found.pk,
        subject=("organization", found.pk),
        data={"name": found.name, **data},
    )
    return found
