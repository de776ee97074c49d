"""The root of each store: begun here, signed with keys from files, in force once enough different keys have signed.

A root names the root keys, how many of them must sign, and the keys of the other roles. Root N+1 needs the signatures that root N
asks for and those that it asks for itself (TUF specification 5.3.4).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from securesystemslib.signer import Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from portal import errors
from trust.stores.models import TrustStore
from trust.stores.tuf import root_files, rules, signing
from trust.stores.tuf.models import TufMetadata, TufRepository, TufRootKeys


def begin(repository: TufRepository, online: Mapping[str, Key], now: datetime) -> TufMetadata | None:
    """Write the next root down, unsigned except with the keys on this machine, and return it.

    It replaces a root that was begun and not signed. Returns None when there are no root keys yet: ``manage.py tuf_root`` says
    how to make them, and begins the roots that are missing.
    """
    keys = current_keys(now)
    if keys is None:
        return None
    version = (repository.root_version or 0) + 1
    root = signing.root(
        version=version,
        expires=rules.expires_at(rules.ROOT, now),
        root_keys=keys.keys,
        threshold=keys.threshold,
        online=online,
        about={"store": repository.store.name, "organization": str(repository.store.relying_id)},
    )
    repository.metadata.filter(role=rules.ROOT, version=version, served=False).delete()
    made = TufMetadata.objects.create(
        repository=repository,
        role=rules.ROOT,
        version=version,
        content=signing.sign(root, root_files.local_keys()),
        expires_at=root.expires,
        served=False,
    )
    _serve_when_signed(repository, made)
    return made


def renew_locally(repository: TufRepository, now: datetime) -> None:
    """Renew a root that runs out where its keys are on this machine, as in the embedded profile."""
    expires = repository.root_expires_at
    if expires is None or rules.life_left(rules.ROOT, expires, now) > 0.5 or not root_files.local_keys():
        return
    begin(repository, _online_keys(repository), now)


def take(repository: TufRepository, content: bytes) -> bool:
    """Add the signatures of a file to the root that waits, and say whether it is in force now.

    Raises NotFound when none waits, Invalid when the file is not that root.
    """
    waiting = repository.metadata.filter(role=rules.ROOT, served=False).order_by("-version").first()
    if waiting is None:
        raise errors.NotFound(f"No root of {repository.store.name} waits for signatures.", code="no_root_waits")
    try:
        offered: Metadata[Root] = Metadata[Root].from_bytes(content)
    except RepositoryError as error:
        raise errors.Invalid("This file is no TUF root.", code="not_a_root") from error
    held: Metadata[Root] = Metadata[Root].from_bytes(bytes(waiting.content))
    if offered.signed_bytes != held.signed_bytes:
        raise errors.Invalid(
            f"This is not the root {waiting.version} of {repository.store.name} that waits.",
            code="other_root",
            fix="Export it again, and sign that file.",
        )
    held.signatures.update(offered.signatures)
    waiting.content = signing.to_bytes(held)
    waiting.save(update_fields=["content"])
    return _serve_when_signed(repository, waiting)


def use_keys(*, keys: Mapping[str, Any], threshold: int, now: datetime) -> TufRootKeys:
    """Have the next roots name these root keys. Raises Invalid for a threshold that cannot be met."""
    if not 1 <= threshold <= len(keys):
        raise errors.Invalid("The threshold is between 1 and the number of keys.", code="bad_threshold")
    number = (TufRootKeys.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    return TufRootKeys.objects.create(number=number, keys=dict(keys), threshold=threshold, created_at=now)


def waiting() -> list[TufMetadata]:
    """Return the roots that wait for signatures."""
    return list(TufMetadata.objects.filter(role=rules.ROOT, served=False).select_related("repository__store__relying"))


def store_of(content: bytes) -> TrustStore:
    """Return the store that a root's file names. Raises Invalid for what is no root of ours, NotFound for an unknown store."""
    try:
        about = Metadata[Root].from_bytes(content).signed.unrecognized_fields["x-trust-exchange"]
        found = TrustStore.objects.filter(name=about["store"], relying_id=about["organization"]).first()
    except (RepositoryError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise errors.Invalid("This file is no root of a trust store.", code="not_a_root") from error
    if found is None:
        raise errors.NotFound(f"There is no store {about['store']} here.")
    return found


def current_keys(now: datetime) -> TufRootKeys | None:
    """Return the newest set of root keys; in the embedded profile made from the file on first use."""
    found = TufRootKeys.objects.first()
    if found is not None:
        return found
    public = [signing.public(pem) for pem in root_files.local_keys()]
    if not public:
        return None
    try:
        with transaction.atomic():
            return use_keys(keys={key.keyid: key.to_dict() for key in public}, threshold=len(public), now=now)
    except IntegrityError:  # another process was first
        return TufRootKeys.objects.first()


def _online_keys(repository: TufRepository) -> dict[str, Key]:
    last = repository.metadata.filter(role=rules.ROOT).order_by("-version").first()
    if last is None:
        return {}
    root = Metadata[Root].from_bytes(bytes(last.content)).signed
    return {role: root.keys[root.roles[role].keyids[0]] for role in rules.ONLINE_ROLES}


def _serve_when_signed(repository: TufRepository, root: TufMetadata) -> bool:
    before = repository.metadata.filter(role=rules.ROOT, version=root.version - 1, served=True).first()
    if signing.missing_signatures(bytes(root.content), bytes(before.content) if before else None):
        return False
    root.served = True
    root.save(update_fields=["served"])
    repository.root_version, repository.root_expires_at = root.version, root.expires_at
    if repository.sealed_next_keys:
        repository.sealed_keys, repository.sealed_next_keys = repository.sealed_next_keys, ""
    repository.save()
    return True
