"""Registering consumers, and giving and taking their tokens."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations import tokens
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from trust.consumers import counting, rules
from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.stores.models import TrustStore
from trust.stores.serve import generation

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@transaction.atomic
def register(
    *,
    name: str,
    stores: Iterable[TrustStore],
    actor: Actor,
    now: datetime,
    owner: str = "",
    interval: timedelta = timedelta(minutes=5),
    lifetime: timedelta = rules.TOKEN_LIFETIME,
) -> tuple[Consumer, str]:
    """Register a service that pulls ``stores``; return it with its first token, which is shown once and never stored.

    ``interval`` is how often it promises to pull. Raises Invalid for unusable fields, NotFound for stores of others, Conflict when
    the name is taken.
    """
    organization = _require_giver(actor)
    name = name.strip().lower()
    chosen = _own_stores(organization, stores)
    _require_fields(name, owner, interval, chosen)
    if taken := _named(organization, name):
        raise _name_taken(taken)
    try:
        with transaction.atomic():
            consumer = Consumer.objects.create(
                organization=organization,
                name=name,
                owner=owner.strip(),
                interval_seconds=int(interval.total_seconds()),
                created_at=now,
                created_by=actor.user,
            )
    except IntegrityError as error:  # a second click, or a colleague, was first
        if taken := _named(organization, name):
            raise _name_taken(taken) from error
        raise
    consumer.stores.set(chosen)
    secret, token = _new_token(consumer, now, lifetime)
    _record(
        "consumer.registered",
        consumer,
        actor,
        now,
        stores=[store.name for store in chosen],
        interval_seconds=consumer.interval_seconds,
        owner=consumer.owner,
        hint=token.hint,
    )
    return consumer, secret


@transaction.atomic
def change(
    *, consumer: Consumer, stores: Iterable[TrustStore], owner: str, interval: timedelta, actor: Actor, now: datetime
) -> Consumer:
    """Change what a consumer may pull, who runs it and how often it promises to pull. Holds at once for its tokens."""
    organization = actor.require(Right.MANAGE_DELIVERY)
    _require_own(consumer, organization)
    chosen = _own_stores(organization, stores)
    _require_fields(consumer.name, owner, interval, chosen)
    consumer.owner, consumer.interval_seconds = owner.strip(), int(interval.total_seconds())
    consumer.save(update_fields=["owner", "interval_seconds"])
    consumer.stores.set(chosen)
    _tell_processes(consumer)
    _record(
        "consumer.changed",
        consumer,
        actor,
        now,
        stores=[store.name for store in chosen],
        interval_seconds=consumer.interval_seconds,
        owner=consumer.owner,
    )
    return consumer


@transaction.atomic
def rotate_token(
    *,
    consumer: Consumer,
    actor: Actor,
    now: datetime,
    overlap: timedelta = rules.OVERLAP,
    lifetime: timedelta = rules.TOKEN_LIFETIME,
) -> str:
    """Return a new token for a consumer; its other tokens go on working for ``overlap`` and no longer.

    Raises Invalid for an overlap over 14 days or a lifetime over 366, Conflict for a consumer that is switched off.
    """
    _require_own(consumer, _require_giver(actor))
    if consumer.retired_at is not None:
        raise errors.Conflict(
            "This consumer is switched off.",
            code="consumer_retired",
            fix="Switch it on again on its page: that makes a new token.",
        )
    if not timedelta(0) <= overlap <= rules.MAX_OVERLAP:
        raise errors.Invalid("The overlap is at most 14 days.", fields={"overlap": ["Choose between 0 and 14 days."]})
    ends = now + overlap
    older = ConsumerToken.objects.filter(consumer=consumer, revoked_at=None, expires_at__gt=ends)
    digests = list(older.values_list("digest", flat=True))
    older.update(expires_at=ends)
    secret, token = _new_token(consumer, now, lifetime)
    generation.changed(generation.token_key(digest) for digest in digests)
    _record("consumer.token_rotated", consumer, actor, now, hint=token.hint, others_end_at=ends.isoformat())
    return secret


@transaction.atomic
def revoke_token(*, consumer: Consumer, token_id: UUID | str, actor: Actor, now: datetime) -> ConsumerToken:
    """Revoke one token at once, in every process. Raises NotFound."""
    _require_own(consumer, actor.require(Right.MANAGE_DELIVERY))
    token = ConsumerToken.objects.filter(consumer=consumer, pk=token_id).first()
    if token is None:
        raise errors.NotFound()
    if ConsumerToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        generation.changed([generation.token_key(token.digest)])
        _record("consumer.token_revoked", consumer, actor, now, hint=token.hint)
    token.refresh_from_db()
    return token


@transaction.atomic
def retire(*, consumer: Consumer, actor: Actor, now: datetime) -> Consumer:
    """Switch a consumer off: its tokens end, and nobody waits for its pulls any more. Its history stays."""
    _require_own(consumer, actor.require(Right.MANAGE_DELIVERY))
    if not Consumer.objects.filter(pk=consumer.pk, retired_at=None).update(retired_at=now):
        raise errors.Conflict("This consumer is switched off already.", code="consumer_retired")
    ConsumerToken.objects.filter(consumer=consumer, revoked_at=None).update(revoked_at=now)
    _tell_processes(consumer)
    consumer.refresh_from_db()
    _record("consumer.retired", consumer, actor, now)
    return consumer


@transaction.atomic
def switch_on(*, consumer: Consumer, actor: Actor, now: datetime, lifetime: timedelta = rules.TOKEN_LIFETIME) -> str:
    """Switch a consumer on again and return its new token; the tokens that it had stay revoked.

    It may pull what it could before. Its last pulls stay written down, so it is silent or behind until it pulls. Raises Conflict
    for a consumer that is switched on, Invalid for a lifetime over 366 days.
    """
    _require_own(consumer, _require_giver(actor))
    if not Consumer.objects.filter(pk=consumer.pk).exclude(retired_at=None).update(retired_at=None):
        raise errors.Conflict("This consumer is switched on already.", code="consumer_switched_on")
    # Also one that was made in the moment in which the consumer was switched off.
    ConsumerToken.objects.filter(consumer=consumer, revoked_at=None).update(revoked_at=now)
    # Whoever switched it on knows that it does not pull yet: that it is silent is told again once it has pulled.
    PullRecord.objects.filter(consumer=consumer, silence_told_at=None).exclude(counting.fresh(now)).update(
        silence_told_at=now
    )
    secret, token = _new_token(consumer, now, lifetime)
    _tell_processes(consumer)
    consumer.refresh_from_db()
    _record("consumer.switched_on", consumer, actor, now, hint=token.hint)
    return secret


@transaction.atomic
def report_adoption(
    *, consumer: Consumer, store: TrustStore, number: int, stage: str, proof: str, now: datetime
) -> PullRecord:
    """Record what a consumer's agent says it runs: ``stage`` is fetched, written or loaded, ``proof`` what showed it.

    Whoever has a newer version than its last pull that is written down has pulled it. A report about an older one is kept too: an
    agent may have rolled back. Raises Invalid for a version that the store does not have.
    """
    if stage not in PullRecord.Stage.values:
        raise errors.Invalid("The stage is fetched, written or loaded.", fields={"stage": ["Use one of the three."]})
    if not 1 <= number <= store.current_number:
        raise errors.Invalid(
            f"{store.name} has no version {number}.", fields={"version": ["Send the version that you run."]}
        )
    record, _ = PullRecord.objects.select_for_update().get_or_create(
        consumer=consumer, store=store, defaults={"pulled_at": now, "version_number": number}
    )
    if number > record.version_number:
        record.version_number, record.pulled_at = number, max(now, record.pulled_at)
    record.reported_stage, record.reported_number = stage, number
    record.reported_at, record.reported_proof = now, proof[:200]
    record.save(
        update_fields=[
            "version_number", "pulled_at", "reported_stage", "reported_number", "reported_at", "reported_proof",
        ]
    )  # fmt: skip
    return record


def _named(organization: Organization, name: str) -> Consumer | None:
    return Consumer.objects.filter(organization=organization, name=name).first()


def _name_taken(taken: Consumer) -> errors.Conflict:
    off = ", which is switched off and keeps its history" if taken.retired_at else ""
    instead = "Switch it on again on its page" if taken.retired_at else "If its token was lost, rotate it on its page"
    return errors.Conflict(
        f"There is a consumer called {taken.name} already{off}.",
        code="name_taken",
        fix=f"{instead}, or choose another name.",
    )


def _require_giver(actor: Actor) -> Organization:
    """Return the organization of whoever may hand out a secret: a person needs a fresh second factor, a program the scope."""
    if actor.user is not None:
        actor.require_person(Right.MANAGE_DELIVERY)
    return actor.require(Right.MANAGE_DELIVERY)


def _require_own(consumer: Consumer, organization: Organization) -> None:
    if consumer.organization_id != organization.pk:
        raise errors.NotFound()


def _own_stores(organization: Organization, stores: Iterable[TrustStore]) -> list[TrustStore]:
    chosen = list({store.pk: store for store in stores}.values())
    if any(store.relying_id != organization.pk for store in chosen):
        raise errors.NotFound()
    return chosen


def _require_fields(name: str, owner: str, interval: timedelta, stores: list[TrustStore]) -> None:
    fields: dict[str, list[str]] = {}
    # "new" is the address of the form.
    if not NAME.fullmatch(name) or len(name) > 80 or name == "new":
        fields["name"] = ["Use lower-case letters, digits and hyphens, at most 80, like payments-gw."]
    if len(owner.strip()) > 120 or not owner.isprintable():
        fields["owner"] = ["Name the team in at most 120 characters, on one line and without invisible ones."]
    if not rules.MIN_INTERVAL <= interval <= rules.MAX_INTERVAL:
        fields["interval"] = ["Choose between 10 seconds and 31 days."]
    if not stores:
        fields["stores"] = ["Choose at least one trust store."]
    if fields:
        raise errors.Invalid("The consumer cannot be registered as it is.", fields=fields)


def _new_token(consumer: Consumer, now: datetime, lifetime: timedelta) -> tuple[str, ConsumerToken]:
    if not timedelta(0) < lifetime <= rules.TOKEN_MAX_LIFETIME:
        raise errors.Invalid("A token lives at most 366 days.", fields={"lifetime": ["Choose between 1 and 366 days."]})
    secret, hint, digest = tokens.make(tokens.CONSUMER_PREFIX)
    token = ConsumerToken.objects.create(
        consumer=consumer, name=consumer.name, hint=hint, digest=digest, created_at=now, expires_at=now + lifetime
    )
    return secret, token


def _tell_processes(consumer: Consumer) -> None:
    live = ConsumerToken.objects.filter(consumer=consumer)
    generation.changed(generation.token_key(digest) for digest in live.values_list("digest", flat=True))


def _record(kind: str, consumer: Consumer, actor: Actor, now: datetime, **data: object) -> None:
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=consumer.organization_id,
        subject=("consumer", consumer.pk),
        data={"consumer": consumer.name, **data},
    )
