"""The highest version of each store, kept in a folder outside of the database (``VERSION_FLOOR_DIR``).

A database that was restored from a backup of yesterday is sound in itself: its log holds, and its stores agree with it. Only
something outside can tell that services have a later version already. Then nothing is published until a person decides to go
on, and the next number is above every one that was ever given away: services refuse a number that goes back.
"""

import json
import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.audit.models import Event
from portal.organizations.acting import Actor
from trust.stores.models import TrustStore

logger = logging.getLogger(__name__)
ACCEPTED = "store.went_on_from_backup"


@dataclass(frozen=True)
class Behind:
    """A store of which the database knows less than was published."""

    store: TrustStore
    known: int  # the current version in the database
    published: int  # the highest that was given away

    @property
    def sentence(self) -> str:
        return (
            f"{self.store.name} was published up to v{self.published}, and the database ends at v{self.known}: "
            "it is older than what services have."
        )


def behind(store: TrustStore) -> Behind | None:
    """Return how far the database is behind, or None when it is not, or when a person decided to go on.

    Raises Unavailable when the folder cannot be read: nobody knows then.
    """
    published = _kept(store.pk)
    known = last_number(store)
    return Behind(store, store.current_number, published) if published > known else None


def last_number(store: TrustStore) -> int:
    """Return the highest number that was given away, as far as the database knows: the next one is above it."""
    return max(store.current_number, _accepted(store))


def require(store: TrustStore) -> None:
    """Raise Conflict when the database is older than what was published."""
    found = behind(store)
    if found is not None:
        raise errors.Conflict(
            f"{found.sentence} Nothing is published until the operator has decided.",
            code="database_is_older",
            fix="The operator looks for a later backup, or lets it go on: manage.py version_floor go-on.",
        )


def keep(store_id: UUID, number: int) -> None:
    """Write down that ``number`` was published, after its transaction committed. A failure is logged: it is published."""
    if not settings.VERSION_FLOOR_DIR:
        return
    path = _path(store_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.part")
        aside.write_text(json.dumps({"version": max(number, _kept(store_id))}) + "\n", encoding="utf-8")
        os.replace(aside, path)
    except (OSError, errors.Unavailable):
        logger.exception("The version floor of store %s could not be kept in %s", store_id, path.parent)


@transaction.atomic
def go_on(*, store: TrustStore, actor: Actor, reason: str, now: datetime) -> int:
    """Decide that the store goes on from this database, and return the number that its next version will have.

    Raises Conflict when the database is not behind, and Invalid without a reason.
    """
    if not reason.strip():
        raise errors.Invalid("The decision needs a reason.", fields={"reason": ["Say why the later database is gone."]})
    found = behind(store)
    if found is None:
        raise errors.Conflict(f"{store.name} is not behind what was published.", code="not_behind")
    audit.record(
        ACCEPTED,
        now=now,
        actor=actor,
        organization_id=store.relying_id,
        partnership_id=store.partnership_id,
        subject=("store", store.pk),
        data={"store": store.name, "known": found.known, "version": found.published, "reason": reason.strip()[:500]},
    )
    return found.published + 1


def _path(store_id: UUID) -> Path:
    return Path(settings.VERSION_FLOOR_DIR) / f"{store_id}.json"


def _kept(store_id: UUID) -> int:
    if not settings.VERSION_FLOOR_DIR:
        return 0
    try:
        return int(json.loads(_path(store_id).read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.Unavailable(
            "The portal cannot read which versions it has published, so it publishes nothing.",
            code="version_floor_unreadable",
            fix="The operator mends the folder VERSION_FLOOR_DIR.",
        ) from error


def _accepted(store: TrustStore) -> int:
    last = Event.objects.filter(kind=ACCEPTED, subject_kind="store", subject_id=str(store.pk)).order_by("-sequence")
    event = last.first()
    return int(event.data["version"]) if event else 0
