"""Whether what the database holds of published versions is what the hash-chained log says was published."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Max

from portal.audit.models import Event
from trust.stores.models import Artifact, StoreVersion, TrustStore


@dataclass(frozen=True)
class Damage:
    """One row that is not as published: which, and what is wrong with it."""

    row: str
    sentence: str


def damages() -> Iterator[Damage]:
    """Yield every difference between stores, versions and artifacts and the log, a version at a time.

    It relies on the log, so check that first (``portal.audit.queries.verify``).
    """
    published = Event.objects.filter(kind="store.published").order_by("sequence")
    seen = set()
    for event in published.iterator(chunk_size=200):
        seen.add(event.subject_id)
        version = StoreVersion.objects.filter(pk=event.subject_id).select_related("store").first()
        if version is None:
            yield Damage(_named(event), "The log says that it was published, and there is no such row.")
        else:
            yield from _of_version(version, event)
    for version in StoreVersion.objects.select_related("store").order_by("store", "number").iterator(chunk_size=200):
        if str(version.pk) not in seen:
            yield Damage(str(version), "Nothing in the log says that it was published.")
    yield from _of_stores()


def _named(event: Event) -> str:
    return f"{event.data.get('store')} v{event.data.get('version')}"


def _of_version(version: StoreVersion, event: Event) -> Iterator[Damage]:
    said = event.data
    if (version.store.name, version.number) != (said.get("store"), said.get("version")):
        yield Damage(str(version), f"It was published as {_named(event)} (event {event.sequence}).")
    if version.withdrawal != said.get("withdrawal") or version.kind != said.get("kind"):
        yield Damage(str(version), f"Its kind is not the one of event {event.sequence}.")
    if version.entries.count() != said.get("certificates"):
        yield Damage(str(version), f"It has not the {said.get('certificates')} certificates of event {event.sequence}.")
    recorded = dict(said.get("artifacts", {}))
    for artifact in Artifact.objects.filter(version=version).order_by("format").iterator(chunk_size=5):
        expected = recorded.pop(artifact.format, None)
        found = hashlib.sha256(bytes(artifact.content)).hexdigest()
        if expected is None:
            yield Damage(f"{version}.{artifact.format}", "It was never published.")
        elif not expected == found == artifact.sha256:
            yield Damage(f"{version}.{artifact.format}", f"Its bytes are not those of event {event.sequence}.")
    for extension in recorded:
        yield Damage(f"{version}.{extension}", "It was published and is gone.")


def _of_stores() -> Iterator[Damage]:
    for store in TrustStore.objects.annotate(highest=Max("versions__number")).order_by("name"):
        if store.current_number != (store.highest or 0):
            yield Damage(store.name, f"It says v{store.current_number} is current; the last is v{store.highest or 0}.")
