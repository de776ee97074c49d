"""Writing keys: upload, prove, vouch, replace, revoke.

Each act locks the organization's row first, so that two acts on its keys come one after the other. Reading an upload
happens before that lock, since it takes some 30 ms in gpg.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import IntegrityError, transaction

from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from trust.keys import holding, queries, reading, rules, telling
from trust.keys.ending import discard, replace_active, revoke, revoke_key
from trust.keys.expiry import tell_expiries
from trust.keys.models import OpenPgpKey
from trust.keys.private_keys import refuse_exposed, refuse_private_keys
from trust.keys.proving import issue_challenge, new_challenge, open_challenge, prove_possession, succession, vouch
from trust.keys.rules import Action, Event, State
from trust.pki.openpgp import keys as reader
from trust.pki.openpgp.key_facts import KeyFacts

__all__ = [
    "Uploaded",
    "discard",
    "issue_challenge",
    "open_challenge",
    "prove_possession",
    "replace_active",
    "revoke_key",
    "succession",
    "tell_expiries",
    "upload_key",
    "vouch",
]


@dataclass(frozen=True)
class Uploaded:
    """What an upload did: a ``new`` key, an ``updated`` one (newer expiry, new subkeys, its revocation), or nothing."""

    key: OpenPgpKey
    outcome: Literal["new", "updated", "unchanged"]


def upload_key(*, block: bytes, actor: Actor, now: datetime) -> Uploaded:
    """Take the organization's public key: the first becomes its active key, the second its next one.

    A key that the organization already has is brought up to date instead: a newer expiry or subkey is taken, and a revocation
    in it revokes the key. The key counts nowhere until it is proven, and nowhere beyond that until it is verified.

    Raises Invalid (``private_key_found``, or what is wrong with the key), TooLarge, Conflict (there is a next key already, or
    another organization holds the key), NotAllowed, Unavailable when gpg is missing.
    """
    organization = actor.require(Right.UPLOAD)
    refuse_private_keys(block, actor=actor, now=now)
    with reading.refusing("block"):
        facts = reader.read_public_key(block, now=now)
    known = queries.of(organization).filter(fingerprint=facts.fingerprint).first()
    if known is not None:
        return _update(known, block, actor=actor, now=now)
    refuse_exposed(facts.fingerprint)
    reading.refuse_bad_key(facts)
    try:
        with transaction.atomic():
            key = _add(organization, facts, actor=actor, now=now)
    except IntegrityError as error:
        raise errors.Conflict(
            "Somebody else uploaded a key a moment ago.", code="key_race", fix="Look again."
        ) from error
    return Uploaded(key, "new")


def _add(organization: Organization, facts: KeyFacts, *, actor: Actor, now: datetime) -> OpenPgpKey:
    holding.lock(organization)
    active = queries.active(organization)
    if active is not None and queries.following(organization) is not None:
        raise errors.Conflict(
            "You have an active key and a next key already.",
            code="next_key_exists",
            fix="Finish or discard the next key first.",
        )
    holding.refuse_taken(organization, facts)
    key = OpenPgpKey(
        organization=organization,
        fingerprint=facts.fingerprint,
        version=facts.version,
        is_next=active is not None,
        replaces=active,
        uploaded_by=actor.user,
        key_created_at=facts.created_at,
        created_at=now,
    )
    _put(key, facts)
    key.save(force_insert=True)
    new_challenge(key, now)
    telling.owner(Event.UPLOADED, key=key, actor=actor, now=now, is_next=key.is_next)
    return key


def _put(key: OpenPgpKey, facts: KeyFacts) -> None:
    key.algorithm = facts.algorithm if facts.curve else f"{facts.algorithm} {facts.bits}"
    key.user_ids = list(facts.claimed_user_ids)
    key.block = facts.public_block.decode()
    key.facts = reading.stored_facts(facts)
    key.expires_at = facts.expires_at


def _update(known: OpenPgpKey, block: bytes, *, actor: Actor, now: datetime) -> Uploaded:
    """Bring a key up to date with a newer form of it; what was there before is never taken away by an older one."""
    with reading.refusing("block"):
        facts = reader.merged(known.block.encode(), block, now=now)
    with transaction.atomic():
        key = holding.held(known, known.organization)
        if facts.revoked and rules.may(key.state, Action.REVOKE):
            reason = "The key carries its own revocation."
            revoke(key, facts.public_block.decode(), reason, actor=actor, now=now)
            return Uploaded(key, "updated")
        if key.state not in rules.HELD:
            raise errors.Conflict(
                f"This key was {key.get_state_display().lower()}.", code=f"key_{key.state}", fix="Use a new key."
            )
        reading.refuse_bad_key(facts)
        if facts.public_block.decode() == key.block:
            return Uploaded(key, "unchanged")
        holding.refuse_taken(key.organization, facts)
        _put(key, facts)
        key.expiry_told_days = None
        key.save()
        if key.state == State.PROVEN:
            holding.keep_components(key, facts)
        telling.owner(Event.UPDATED, key=key, actor=actor, now=now)
        return Uploaded(key, "updated")
