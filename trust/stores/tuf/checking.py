"""Whether the keys that sign a repository are those that its root names."""

import json

from tuf.api.metadata import Metadata, Root

from portal import sealing
from trust.stores.tuf import rules, signing
from trust.stores.tuf.models import TufMetadata, TufRepository


def strangers() -> tuple[int, list[str]]:
    """Return how many repositories have a root in use, and the stores of those whose root names other online keys.

    Raises cryptography.fernet.InvalidToken when their keys cannot be opened.
    """
    repositories = list(TufRepository.objects.exclude(root_version=None).select_related("store"))
    roots = {
        (each.repository_id, each.version): bytes(each.content)
        for each in TufMetadata.objects.filter(role=rules.ROOT, repository__in=repositories)
    }
    found = [
        each.store.name
        for each in repositories
        if each.root_version is None or not _knows(roots.get((each.pk, each.root_version), b""), each)
    ]
    return len(repositories), sorted(found)


def _knows(root: bytes, repository: TufRepository) -> bool:
    if not root:
        return False
    named = Metadata[Root].from_bytes(root).signed
    held = json.loads(sealing.unseal(repository.sealed_keys))
    return all(signing.public(held[role]).keyid in named.roles[role].keyids for role in rules.ONLINE_ROLES)
