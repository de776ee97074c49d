"""Finding the bytes for a pull in the database, and refusing bytes that are not the ones that were published."""

import hashlib
import logging

from portal import errors
from portal.audit.models import Event
from trust.stores.models import Artifact, TrustStore
from trust.stores.serve.access import Access, require_live
from trust.stores.serve.answer import Served, Wanted

logger = logging.getLogger(__name__)


def artifact(access: Access, asked: Wanted) -> Served:
    """Return what ``asked`` names, as published, for whoever has ``access``.

    Raises NotFound alike for what does not exist and what is not the asker's, and Unavailable when the stored bytes are not those
    that the log says were published. Raises Conflict for a machine before the partnership went live.
    """
    mine = TrustStore.objects.filter(relying_id=access.organization_id, name=asked.name)
    store = mine.select_related("partnership").first()
    if store is None or not access.opens(store.pk):
        raise errors.NotFound()
    require_live(access, store)
    number = store.current_number if asked.number is None else asked.number
    row = (
        Artifact.objects.select_related("version")
        .filter(version__store=store, version__number=number, format=asked.extension)
        .first()
    )
    if row is None:
        raise _nothing(store, asked)
    return _served(store, row, current=asked.number is None)


def _nothing(store: TrustStore, asked: Wanted) -> errors.NotFound:
    if not store.current_number:
        return errors.NotFound(f"{store.name} has no version yet.", code="no_version_yet")
    offered = Artifact.objects.filter(version__store=store, version__number=asked.number or store.current_number)
    extensions = sorted(offered.values_list("format", flat=True))
    if not extensions:
        return errors.NotFound(f"{store.name} has no version {asked.number}.", code="no_such_version")
    return errors.NotFound(
        f"There is no .{asked.extension} of {store.name}.",
        code="no_such_format",
        fix=f"Ask for one of these: {', '.join(extensions)}.",
    )


def _served(store: TrustStore, row: Artifact, *, current: bool) -> Served:
    content = bytes(row.content)
    digest = hashlib.sha256(content).hexdigest()
    if digest != row.sha256 or digest != _published_digest(row):
        logger.error("Artifact %s of %s v%s is not what was published", row.format, store.name, row.version.number)
        raise errors.Unavailable(
            "The stored bytes are not those that were published, so they are not served.",
            code="artifact_changed",
            fix="Keep the version you have, and tell the portal's operator.",
        )
    return Served(
        store_id=store.pk,
        name=store.name,
        number=row.version.number,
        extension=row.format,
        content_type=row.content_type,
        content=content,
        sha256=digest,
        current=current,
    )


def _published_digest(row: Artifact) -> str:
    """Return the digest that the hash-chained log recorded when the version was published."""
    event = Event.objects.filter(
        kind="store.published", subject_kind="store_version", subject_id=str(row.version_id)
    ).first()
    recorded = event.data.get("artifacts", {}).get(row.format, "") if event else ""
    return str(recorded)
