"""A rehearsal: a call about a made-up fingerprint, of which one group on the reader's sheet is wrong on purpose."""

import secrets
from datetime import datetime

from django.db import transaction

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships.models import Contact, Partnership
from trust.verifications import groups
from trust.verifications.calls import start_call
from trust.verifications.locks import tell
from trust.verifications.models import ItemKind, Verification, VerificationRequest

_BYTES = 32


@transaction.atomic
def start_rehearsal(*, partnership: Partnership, contact: Contact, actor: Actor, now: datetime) -> Verification:
    """Start a rehearsal call with the partner's ``contact``; return it. Neither side is told which group is wrong.

    The fingerprint is random and never counts for anything. Raises NotFound, NotAllowed and Conflict as ``start_call``.
    """
    organization = actor.organization
    if organization is None or not partnership.has(organization):
        raise errors.NotFound()
    actor.require_person(Right.CALL, step_up=False)
    fingerprint = secrets.token_hex(_BYTES)
    request = VerificationRequest.objects.create(
        partnership=partnership,
        owner=partnership.other(organization),
        relying=organization,
        item_kind=ItemKind.REHEARSAL,
        fingerprint=fingerprint,
        label="REHEARSAL",
        reading_command="",
        source_label="a rehearsal",
        created_at=now,
    )
    tell("requested", request=request, actor=actor, now=now, source="rehearsal")
    call = start_call(request=request, contact=contact, actor=actor, now=now)
    call.rehearsal_sheet = _sheet(fingerprint)
    call.save(update_fields=["rehearsal_sheet"])
    return call


def _sheet(fingerprint: str) -> str:
    """Return the fingerprint with one group changed, neither the first nor the last."""
    wrong = 2 + secrets.randbelow(groups.group_count(fingerprint) - 2)
    at = (wrong - 1) * groups.GROUP_LENGTH + secrets.randbelow(groups.GROUP_LENGTH)
    other = secrets.choice([digit for digit in "0123456789abcdef" if digit != fingerprint[at]])
    return fingerprint[:at] + other + fingerprint[at + 1 :]
