"""Ending keys: the next one takes the place of the active one, an unproven one is dropped, any is revoked."""

from datetime import datetime

from django.db import transaction

from portal import errors, words
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from trust.keys import calls, holding, queries, reading, rules, telling
from trust.keys.models import KeyChallenge, OpenPgpKey
from trust.keys.private_keys import refuse_private_keys
from trust.keys.rules import Action, Event, State
from trust.keys.signals import key_ending, key_replaced, key_revoked
from trust.pki.openpgp import keys as reader

MAX_REASON = 300


def replace_active(*, key: OpenPgpKey, actor: Actor, now: datetime) -> OpenPgpKey:
    """Retire the active key and put the proven next one in its place.

    Until then both count, so do it when the partners have verified the new one.

    Raises Conflict unless ``key`` is a proven next key.
    """
    organization = actor.require(Right.UPLOAD)
    with transaction.atomic():
        key = holding.held(key, organization)
        if not key.is_next or key.state != State.PROVEN:
            raise errors.Conflict(
                "Only a proven next key can take the place of the active one.",
                code="not_a_proven_next_key",
                fix="Prove it first.",
            )
        old = queries.active(organization)
        if old is not None:
            key_ending.send(sender=OpenPgpKey, key=old)
            _retire(old, actor=actor, now=now)
        key.is_next = False
        key.save(update_fields=["is_next"])
        gone = words.concealed(old.fingerprint) if old else ""
        telling.partners(Event.REPLACED, key=key, actor=actor, now=now, old=gone)
        if old is not None:
            key_replaced.send(sender=OpenPgpKey, key=old, successor=key, actor=actor, now=now)
    return key


def discard(*, key: OpenPgpKey, actor: Actor, now: datetime) -> None:
    """Drop a key that was never proven. Raises Conflict for any other."""
    organization = actor.require(Right.UPLOAD)
    with transaction.atomic():
        key = holding.held(key, organization)
        holding.require(key, Action.DISCARD)
        telling.owner(Event.DISCARDED, key=key, actor=actor, now=now)
        KeyChallenge.objects.filter(key=key).delete()
        key.replaced_by.update(replaces=None)
        key.delete()
        holding.promote(organization)


def revoke_key(
    *, key: OpenPgpKey, certificate: bytes | None = None, reason: str = "", actor: Actor, now: datetime
) -> OpenPgpKey:
    """Revoke a key: with its revocation ``certificate`` at any time, without one by a person with a fresh second factor.

    From then on every signature of it is refused, whatever its date. One person is enough, since this only removes trust. A
    revoked key stays revoked.

    Raises Invalid (no certificate of this key; no reason), Conflict when it is revoked already or was never proven.
    """
    organization = actor.require(Right.UPLOAD)
    key = queries.get(organization, key.pk)
    holding.require(key, Action.REVOKE)
    block = None
    if certificate is not None:
        refuse_private_keys(certificate, actor=actor, now=now)
        with reading.refusing("certificate"):
            facts = reader.with_revocation(key.block.encode(), certificate, now=now)
        block = facts.public_block.decode()
    else:
        actor.require_person(Right.UPLOAD)
        if not reason.strip():
            raise errors.Invalid(
                "Say why.", code="reason_missing", fields={"reason": ["Say why; your partners read it."]}
            )
    with transaction.atomic():
        key = holding.held(key, organization)
        revoke(key, block, reason.strip() or "Its own revocation certificate.", actor=actor, now=now)
    return key


def revoke(key: OpenPgpKey, block: str | None, reason: str, *, actor: Actor, now: datetime) -> None:
    key_ending.send(sender=OpenPgpKey, key=key)
    key.state, key.revoked_at = rules.after(key.state, holding.require(key, Action.REVOKE)), now
    key.revocation_reason, key.is_next = reason[:MAX_REASON], False
    key.block = block or key.block
    key.save()
    holding.promote(key.organization)
    calls.withdraw(key, actor=actor, now=now, reason="The key was revoked.")
    telling.partners(Event.REVOKED, key=key, actor=actor, now=now, reason=key.revocation_reason)
    key_revoked.send(sender=OpenPgpKey, key=key, actor=actor, now=now)


def _retire(old: OpenPgpKey, *, actor: Actor, now: datetime) -> None:
    if old.state == State.UPLOADED:
        raise errors.Conflict("The active key was never proven.", code="active_key_unproven", fix="Discard it first.")
    old.state, old.replaced_at = rules.after(old.state, Action.RETIRE), now
    old.save(update_fields=["state", "replaced_at"])
    calls.withdraw(old, actor=actor, now=now, reason="The key was replaced.")
