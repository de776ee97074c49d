"""Showing that somebody holds a key: the text to sign, its answer, and the old key's word for the next one."""

import secrets
from datetime import datetime

from django.db import IntegrityError, transaction

from portal import errors, words
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from trust import verdicts
from trust.keys import calls, holding, queries, reading, rules, telling
from trust.keys.models import KeyChallenge, OpenPgpKey
from trust.keys.private_keys import refuse_private_keys
from trust.keys.rules import Action, Event, State
from trust.keys.signals import key_proven
from trust.pki.openpgp import keys as reader
from trust.pki.openpgp.challenge import challenge_text, judge_answer
from trust.pki.openpgp.key_facts import KeyFacts


def issue_challenge(*, key: OpenPgpKey, actor: Actor, now: datetime) -> KeyChallenge:
    """Return the text to sign for a key: the open one while it lasts, else a new one.

    Raises Conflict for a key that is proven already, NotFound for strangers.
    """
    organization = actor.require(Right.UPLOAD)
    with transaction.atomic():
        key = holding.held(key, organization)
        holding.require(key, Action.PROVE)
        return open_challenge(key, now) or new_challenge(key, now)


def open_challenge(key: OpenPgpKey, now: datetime) -> KeyChallenge | None:
    """Return the text that waits to be signed, or None."""
    waiting = KeyChallenge.objects.filter(key=key, answered_at=None, expires_at__gt=now)
    return waiting.order_by("-issued_at").first()


def prove_possession(*, key: OpenPgpKey, answer: bytes, actor: Actor, now: datetime) -> OpenPgpKey:
    """Take the clearsigned challenge; the key is proven, and every partner is asked to verify it by phone.

    Raises Invalid (``signature_…`` with what is wrong), Conflict when the text has expired, the key is proven already, or
    another organization has proven the same key or one of its subkeys.
    """
    organization = actor.require(Right.UPLOAD)
    key = queries.get(organization, key.pk)
    holding.require(key, Action.PROVE)
    refuse_private_keys(answer, actor=actor, now=now)
    challenge = open_challenge(key, now)
    if challenge is None:
        raise errors.Conflict(
            "The text to sign has expired.", code="challenge_expired", fix="Download a new one and sign that."
        )
    holding.refuse_oversized(answer)
    with reading.refusing("answer"):
        report = judge_answer(answer, text=challenge.text, ring=[holding.ring_key(key)], now=now)
    verdicts.count("key", report)
    reading.refuse_bad_signature(report, field="answer")
    with reading.refusing("answer"):
        facts = reader.read_public_key(key.block.encode(), now=now)
    try:
        with transaction.atomic():
            return _prove(key, challenge, answer, facts, actor=actor, now=now)
    except IntegrityError as error:
        raise holding.taken() from error


def vouch(*, key: OpenPgpKey, statement: bytes, actor: Actor, now: datetime) -> OpenPgpKey:
    """Take the statement, clearsigned by the active key, that the next key follows it.

    Partners see it beside the new key before they call. It replaces no call: a verification is never inherited.

    Raises Invalid (``signature_…``), Conflict when the key is not a next key or the active one cannot vouch any more.
    """
    organization = actor.require(Right.UPLOAD)
    refuse_private_keys(statement, actor=actor, now=now)
    holding.refuse_oversized(statement)
    key = queries.get(organization, key.pk)
    text, old = succession(key)
    with reading.refusing("statement"):
        report = judge_answer(statement, text=text, ring=[holding.ring_key(old)], now=now)
    verdicts.count("key", report)
    reading.refuse_bad_signature(report, field="statement")
    with transaction.atomic():
        key = holding.held(key, organization)
        if succession(key)[1].pk != old.pk:
            raise errors.Conflict("The active key changed meanwhile.", code="key_race", fix="Look again.")
        key.vouched_at, key.vouching = now, statement
        key.save(update_fields=["vouched_at", "vouching"])
        telling.partners(Event.VOUCHED, key=key, actor=actor, now=now, old=words.concealed(old.fingerprint))
    return key


def succession(key: OpenPgpKey) -> tuple[str, OpenPgpKey]:
    """Return the text that vouches for a next key, and the active key that signs it. Raises Conflict if there is none."""
    old = key.replaces
    if not key.is_next or key.state not in rules.HELD or old is None or old.state != State.PROVEN:
        raise errors.Conflict(
            "No active key can vouch for this one.", code="nothing_to_vouch", fix="Partners verify it by phone."
        )
    text = rules.succession_text(organization=key.organization.name, old=old.fingerprint, new=key.fingerprint)
    return text, old


def _prove(
    key: OpenPgpKey, challenge: KeyChallenge, answer: bytes, facts: KeyFacts, *, actor: Actor, now: datetime
) -> OpenPgpKey:
    key = holding.held(key, key.organization)
    key.state, key.proven_at = rules.after(key.state, holding.require(key, Action.PROVE)), now
    holding.refuse_taken(key.organization, facts)
    key.save(update_fields=["state", "proven_at"])
    holding.keep_components(key, facts)
    if not KeyChallenge.objects.filter(pk=challenge.pk, answered_at=None).update(answered_at=now, answer=answer):
        raise errors.Conflict("This text was signed and sent already.", code="challenge_used")
    telling.owner(Event.PROVEN, key=key, actor=actor, now=now)
    for partnership in partnerships.of(key.organization).exclude(state="ended"):
        calls.ask(key, partnership, actor=actor, now=now)
    key_proven.send(sender=OpenPgpKey, key=key, actor=actor, now=now)
    return key


def new_challenge(key: OpenPgpKey, now: datetime) -> KeyChallenge:
    expires_at = now + rules.CHALLENGE_LIFETIME
    text = challenge_text(
        organization=key.organization.name,
        key=words.concealed(key.fingerprint).replace("…", "..."),
        nonce=secrets.token_hex(16),
        issued_at=now,
        expires_at=expires_at,
    )
    return KeyChallenge.objects.create(key=key, text=text, issued_at=now, expires_at=expires_at)
