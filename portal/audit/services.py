"""Writing the log."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from django.db import connection, transaction

from portal.audit import rules
from portal.audit.models import Audience, ChainHead, Event
from portal.audit.signals import event_recorded


class Acting(Protocol):
    """Whoever causes an event: a member, a token or the portal itself."""

    @property
    def kind(self) -> str: ...

    @property
    def id(self) -> str: ...

    @property
    def label(self) -> str: ...


def record(
    kind: str,
    *,
    now: datetime,
    actor: Acting,
    organization_id: uuid.UUID | None = None,
    partnership_id: uuid.UUID | None = None,
    audience: Audience | None = None,
    subject: tuple[str, object] = ("", ""),
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Add one line to the log inside the caller's transaction, and return it.

    ``audience`` is the partnership when one is given, else the organization, else the portal's operators. ``data`` is
    plain JSON and must hold no secret: both organizations may be able to read it. Writers queue on the chain's head
    until they commit, so record as late in the transaction as the act allows.

    Raises RuntimeError outside a transaction: a fact and its event commit together or not at all.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An event is recorded inside the transaction of the change it tells of.")
    head, _ = ChainHead.objects.select_for_update().get_or_create(id=1)
    event = Event(
        sequence=head.sequence + 1,
        at=now,
        kind=kind,
        actor_kind=actor.kind,
        actor_id=str(actor.id),
        actor_label=actor.label[:200],
        organization_id=organization_id,
        partnership_id=partnership_id,
        audience=audience or _natural_audience(organization_id, partnership_id),
        subject_kind=subject[0],
        subject_id=str(subject[1]),
        data=rules.storable(data or {}),
        previous_hash=head.hash,
    )
    event.hash = rules.chain(event.previous_hash, event.facts())
    event.save(force_insert=True)
    ChainHead.objects.filter(id=1).update(sequence=event.sequence, hash=event.hash)
    transaction.on_commit(partial(event_recorded.send_robust, sender=Event, sequence=event.sequence), robust=True)
    return event


def _natural_audience(organization_id: uuid.UUID | None, partnership_id: uuid.UUID | None) -> Audience:
    if partnership_id:
        return Audience.PARTNERSHIP
    return Audience.ORGANIZATION if organization_id else Audience.PORTAL
