"""Telling in time that a key expires: owner and partners, once for each step of days."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from portal.organizations import acting
from trust.keys import holding, rules, telling
from trust.keys.models import OpenPgpKey
from trust.keys.rules import Event, State


def tell_expiries(*, now: datetime) -> int:
    """Record each step of a coming expiry that was not told yet, and return how many. Running it again changes nothing."""
    horizon = now + timedelta(days=max(rules.EXPIRY_STEPS))
    due = OpenPgpKey.objects.filter(state=State.PROVEN, expires_at__gt=now, expires_at__lte=horizon)
    return sum(_tell(key.pk, now) for key in due)


@transaction.atomic
def _tell(key_id: uuid.UUID, now: datetime) -> bool:
    key = OpenPgpKey.objects.select_related("organization").get(pk=key_id)
    holding.lock(key.organization)
    key.refresh_from_db()
    step = rules.expiry_step(key.expires_at, told=key.expiry_told_days, now=now, begins_at=key.key_created_at)
    if step is None or key.state != State.PROVEN:
        return False
    assert key.expires_at is not None
    key.expiry_told_days = step
    key.save(update_fields=["expiry_told_days"])
    days = (key.expires_at - now).days
    telling.owner(Event.EXPIRES_SOON, key=key, actor=acting.PORTAL, now=now, days=days)
    telling.each_partner(Event.PARTNERS_KEY_EXPIRES_SOON, key=key, actor=acting.PORTAL, now=now, days=days)
    return True
