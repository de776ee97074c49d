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
    if not each_partner(kind, key=key, actor=actor, now=now, **data):
        owner(kind, key=key, actor=actor, now=now, **data)


def each_partner(kind: Event, *, key: OpenPgpKey, actor: Acting, now: datetime, **data: object) -> int:
    """Record a fact once for each running partnership, for both sides, and return how many there are."""
    running = list(partnerships.of(key.organization).exclude(state="ended"))
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
    return len(running)
