"""Proposing, approving and closing a merged export. Two different officers read the warning; one can close."""

import re
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from trust.stores.drafts import require_reason
from trust.stores.merging.models import MergedExport
from trust.stores.models import TrustStore
from trust.stores.services import require_relying

WARNING = (
    "A service that reads a merged file accepts any of these partners in the name of any other: whoever gets hold of one"
    " partner's CA can pose as all of them. What keeps partners apart is lost: the separate stores, the trust domains, and the"
    " names that each agreement allows."
)
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MOST = 50


@transaction.atomic
def propose(
    *, name: str, stores: Iterable[TrustStore], reason: str, read: bool, actor: Actor, now: datetime
) -> MergedExport:
    """Propose one file with the anchors of several partners. It is served after another officer approved.

    ``read`` says that the proposer read the warning. Raises NotAllowed and StepUpRequired for the wrong person, NotFound for stores
    of others, Invalid for unusable fields, Conflict when the name is taken.
    """
    person = actor.require_person(Right.PUBLISH_ADDITION)
    relying = actor.require(Right.PUBLISH_ADDITION)
    chosen = list({store.pk: store for store in stores}.values())
    for store in chosen:
        require_relying(store.relying_id, relying)
    _require_fields(name, chosen)
    _require_read(read)
    reason = require_reason(reason)
    try:
        with transaction.atomic():
            export = MergedExport.objects.create(
                relying=relying, name=name, reason=reason, proposed_by=person, proposed_at=now
            )
    except IntegrityError as error:
        raise errors.Conflict(
            f"There is a merged export called {name} already.", code="name_taken", fix="Choose another name."
        ) from error
    export.stores.set(chosen)
    _record("store.merge_proposed", export, actor, now, stores=sorted(store.name for store in chosen), reason=reason)
    return export


@transaction.atomic
def approve(*, export: MergedExport, read: bool, actor: Actor, now: datetime) -> MergedExport:
    """Have a merged export served. Raises NotAllowed for who proposed it, Conflict when it does not wait any more, and as above."""
    person = actor.require_person(Right.PUBLISH_ADDITION)
    require_relying(export.relying_id, actor.require(Right.PUBLISH_ADDITION))
    if export.proposed_by_id == person.pk:
        raise errors.NotAllowed(
            "You proposed this, so you cannot approve it.", code="own_work", fix="Another security officer can."
        )
    _require_read(read)
    waiting = MergedExport.objects.filter(pk=export.pk, state=MergedExport.State.WAITING)
    if not waiting.update(state=MergedExport.State.OPEN, approved_by=person, approved_at=now):
        raise errors.Conflict("This merged export does not wait for approval.", code="not_waiting")
    export.refresh_from_db()
    _record("store.merge_approved", export, actor, now)
    return export


@transaction.atomic
def close(*, export: MergedExport, actor: Actor, now: datetime) -> MergedExport:
    """End a merged export, or the proposal of one. One officer can. Raises Conflict when it is closed."""
    person = actor.require_person(Right.PUBLISH_ADDITION, step_up=False)
    require_relying(export.relying_id, actor.require(Right.PUBLISH_ADDITION))
    live = MergedExport.objects.filter(pk=export.pk).exclude(state=MergedExport.State.CLOSED)
    if not live.update(state=MergedExport.State.CLOSED, closed_by=person, closed_at=now):
        raise errors.Conflict("This merged export is closed.", code="already_closed")
    export.refresh_from_db()
    _record("store.merge_closed", export, actor, now)
    return export


def _require_read(read: bool) -> None:
    if not read:
        raise errors.Invalid(
            "Read the warning first.",
            code="warning_not_read",
            fields={"read": ["Say that you read what a merged file gives away."]},
        )


def _require_fields(name: str, stores: list[TrustStore]) -> None:
    fields: dict[str, list[str]] = {}
    if not NAME.fullmatch(name) or len(name) > 80:
        fields["name"] = ["Use lower-case letters, digits and hyphens, at most 80, like all-partners."]
    if len({store.owner_id for store in stores}) < 2 or len(stores) > MOST:
        fields["stores"] = [
            f"Choose stores of at least two partners, at most {MOST}; one partner's store needs no merging."
        ]
    elif len({store.environment for store in stores}) > 1:
        fields["stores"] = ["Choose stores of one environment: a test CA has no place in a file for production."]
    elif {TrustStore.Purpose.SERVER, TrustStore.Purpose.CLIENT} <= {store.purpose for store in stores}:
        fields["stores"] = [
            "Choose stores of one purpose: a CA for servers says nothing of services that call, nor the other way."
        ]
    if fields:
        raise errors.Invalid("The export cannot be proposed as it is.", fields=fields)


def _record(kind: str, export: MergedExport, actor: Actor, now: datetime, **data: object) -> None:
    audit.record(
        kind,
        now=now,
        actor=actor,
        organization_id=export.relying_id,
        subject=("merged_export", export.pk),
        data={"export": export.name, **data},
    )
