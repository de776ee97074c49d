"""Finding what a repository serves, and how fresh all of them are."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Min

from portal import errors
from trust.stores.models import Artifact, TrustStore
from trust.stores.serve.access import Access, require_live
from trust.stores.tuf import rules
from trust.stores.tuf.models import TufMetadata, TufRepository, TufTarget


@dataclass(frozen=True)
class File:
    """One file of a repository of a store. ``lasting`` when these bytes never change under this name.

    ``number`` is the version of the store that it is, or None for what is no version: metadata, and what the partner signed.
    """

    store_id: UUID
    content: bytes
    content_type: str
    lasting: bool
    number: int | None = None

    @property
    def etag(self) -> str:
        """Return the strong entity tag: the digest of the exact bytes."""
        return f'"{hashlib.sha256(self.content).hexdigest()}"'


def metadata(access: Access, store_name: str, file: str) -> File:
    """Return a metadata file of a store. Raises NotFound alike for what does not exist and what is not the asker's."""
    repository = _repository(access, store_name)
    asked = rules.metadata_name(file)
    if asked is None:
        raise errors.NotFound()
    found = TufMetadata.objects.filter(repository=repository, role=asked.role, served=True)
    if asked.version is not None:
        found = found.filter(version=asked.version)
    row = found.order_by("-version").first()
    if row is None:
        raise errors.NotFound()
    return File(repository.store_id, bytes(row.content), "application/json", lasting=asked.version is not None)


def target(access: Access, store_name: str, path: str) -> File:
    """Return a target by its path with the digest in it. Raises NotFound like ``metadata``."""
    repository = _repository(access, store_name)
    asked = rules.target_name(path)
    if asked is None:
        raise errors.NotFound()
    extension = asked.path.removeprefix(f"{store_name}.")
    # Of versions with the same bytes, the newest is what the metadata offers.
    versions = Artifact.objects.filter(
        version__store_id=repository.store_id, format=extension, sha256=asked.sha256
    ).order_by("-version__number")
    artifact = versions.select_related("version").first()
    if "/" not in asked.path and extension != asked.path and artifact is not None:
        content, number = bytes(artifact.content), artifact.version.number
        return File(repository.store_id, content, artifact.content_type, lasting=True, number=number)
    row = TufTarget.objects.filter(repository=repository, path=asked.path, sha256=asked.sha256).first()
    if row is None:
        raise errors.NotFound()
    return File(repository.store_id, bytes(row.content), "application/octet-stream", lasting=True)


def _repository(access: Access, store_name: str) -> TufRepository:
    mine = TrustStore.objects.filter(relying_id=access.organization_id, name=store_name)
    store = mine.select_related("partnership").first()
    if store is None or not access.opens(store.pk):
        raise errors.NotFound()
    require_live(access, store)
    repository = TufRepository.objects.filter(store=store).first()
    if repository is None or repository.root_version is None:
        raise errors.NotFound(
            f"{store.name} is not a TUF repository yet.",
            code="root_not_signed",
            fix="The portal's operator has its root signed: manage.py tuf_root.",
        )
    return repository


def due(now: datetime) -> list[UUID]:
    """Return the ids of repositories of which something may have to be signed again."""
    latest = now + rules.LIFE[rules.TIMESTAMP] * rules.SIGN_AGAIN_BELOW[rules.TIMESTAMP]
    return list(
        TufRepository.objects.filter(timestamp_expires_at__lt=latest)
        .values_list("pk", flat=True)
        .order_by("created_at")
    )


def alarming(now: datetime) -> dict[str, datetime]:
    """Return the roles of which a repository has less than a third of its life left, with the nearest expiry."""
    return {role: at for role, at in nearest().items() if rules.is_alarming(role, at, now)}


def nearest() -> dict[str, datetime]:
    """Return the nearest expiry of each role over all repositories; a role that nothing is signed for is left out."""
    columns = {role: Min(f"{role}_expires_at") for role in (rules.ROOT, *rules.ONLINE_ROLES)}
    found = TufRepository.objects.aggregate(**columns)
    return {role: at for role, at in found.items() if at is not None}


def unsigned_roots() -> list[str]:
    """Return the stores whose root waits for signatures, the first or the next one."""
    waiting = TufRepository.objects.filter(root_version=None) | TufRepository.objects.filter(
        metadata__role=rules.ROOT, metadata__served=False
    )
    return sorted(set(waiting.values_list("store__name", flat=True)))


def first_root_digest(store: TrustStore) -> str:
    """Return the SHA-256 (lower-case hex) of a store's first root, which agents pin; empty while it waits for its signatures."""
    found = TufMetadata.objects.filter(repository__store=store, role=rules.ROOT, version=1, served=True)
    content = found.values_list("content", flat=True).first()
    return hashlib.sha256(bytes(content)).hexdigest() if content else ""
