"""Recording what happened to a key. No event holds a whole fingerprint: it may still have to be read in a call."""

from datetime import datetime

from portal import words
from portal.audit.services import Acting, record
from portal.partnerships import queries as partnerships
from trust.keys.models import OpenPgpKey
from trust.keys.rules import Event


def owner(kind: Event, *, key: OpenPgpKey, actor: Acting, now: datetime, **data: object) -> None:
    """Record a fact for the members of the key's organization only."""
    record(
        kind,
        now=now,
        actor=actor,
        organization_id=key.organization_id,
        subject=("openpgp_key", key.pk),
        data={"fingerprint": words.concealed(key.fingerprint)} | data,
    )


def partners(kind: Event, *, key: OpenPgpKey, actor: Acting, now: datetime, **data: object) -> None:
    """Record a fact once for each partnership of the key's organization, for both sides; without any, for the owner."""
    running = list(partnerships.of(key.organization).exclude(state="ended"))
    if not running or key.proven_at is None:
        owner(kind, key=key, actor=actor, now=now, **data)
        return
    for partnership in running:
        record(
            kind,
            now=now,
            actor=actor,
            organization_id=key.organization_id,
            partnership_id=partnership.pk,
            subject=("openpgp_key", key.pk),
            data={"fingerprint": words.concealed(key.fingerprint)} | data,
        )
