"""Making and renewing the TUF metadata of stores. Publishing calls ``publish`` inside its own transaction."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from securesystemslib.signer import Key
from tuf.api.metadata import MetaFile, Snapshot, TargetFile, Targets, Timestamp

from portal import sealing
from portal.audit import services as audit
from portal.organizations import acting
from portal.partnerships import locks
from trust.stores import formats
from trust.stores.formats.content import StoreContent
from trust.stores.formats.json_document import moment, provenance
from trust.stores.formats.spiffe import REFRESH_HINT
from trust.stores.models import StoreVersion, TrustStore
from trust.stores.tuf import originals, roots, rules, signing
from trust.stores.tuf.models import TufMetadata, TufRepository

LEAP = 100_000


def publish(
    *, version: StoreVersion, content: StoreContent, made: Iterable[formats.Made], now: datetime
) -> TufRepository:
    """Sign what a new version offers, in the transaction that publishes it, and return the repository.

    Nothing is served before the root has its signatures; publishing does not wait for them.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Metadata is signed inside the transaction of its version.")
    repository = repository_of(version.store, now)
    targets = _targets(repository, version, content, made, now)
    _sign_targets(repository, targets)
    _sign_snapshot(repository, now)
    _sign_timestamp(repository, now)
    repository.save()
    return repository


def repository_of(store: TrustStore, now: datetime) -> TufRepository:
    """Return a store's repository, held until the transaction ends; made with new online keys and root 1 when there is none."""
    found = TufRepository.objects.select_for_update(of=("self",)).filter(store=store).first()
    if found is not None:
        found.store = store
        return found
    keys = {role: signing.new_key() for role in rules.ONLINE_ROLES}
    repository = TufRepository.objects.create(store=store, created_at=now, sealed_keys=sealing.seal(json.dumps(keys)))
    roots.begin(repository, _public(keys), now)
    return repository


@transaction.atomic
def refresh(*, repository_id: UUID, now: datetime) -> bool:
    """Sign again what is due of one repository, and say whether anything was. Tells once when its root runs out."""
    locks.hold(TufRepository.objects.values_list("store__partnership_id", flat=True).get(pk=repository_id))
    repository = TufRepository.objects.select_for_update(of=("self",)).select_related("store").get(pk=repository_id)
    if repository.timestamp_expires_at is None:
        return False
    before = repository.sealed_keys
    roots.renew_locally(repository, now)
    if repository.sealed_keys != before:
        sign_all_again(repository, now)
    due = {role for role in rules.ONLINE_ROLES if _is_due(repository, role, now)}
    if rules.TARGETS in due:
        _renew_targets(repository, now)
    if due & {rules.TARGETS, rules.SNAPSHOT}:
        _sign_snapshot(repository, now)
    if due:
        _sign_timestamp(repository, now)
    _alarm(repository, now)
    repository.save()
    return bool(due)


@transaction.atomic
def replace_online_keys(*, store: TrustStore, now: datetime) -> TufMetadata | None:
    """Make new online keys and the root that names them; they sign once that root has its signatures. Returns the root."""
    repository = repository_of(store, now)
    keys = {role: signing.new_key() for role in rules.ONLINE_ROLES}
    repository.sealed_next_keys = sealing.seal(json.dumps(keys))
    repository.save(update_fields=["sealed_next_keys"])
    return _begin(repository, keys, now)


@transaction.atomic
def renew_root(*, store: TrustStore, now: datetime) -> TufMetadata | None:
    """Begin the next root of a store, with the newest root keys and the online keys that it has. Returns the root."""
    repository = repository_of(store, now)
    sealed = repository.sealed_next_keys or repository.sealed_keys
    return _begin(repository, json.loads(sealing.unseal(sealed)), now)


@transaction.atomic
def take_signed_root(*, store: TrustStore, content: bytes, now: datetime) -> bool:
    """Take the signatures of a root that waits, and say whether it is in force now. Raises Invalid, NotFound."""
    repository = repository_of(store, now)
    in_force = roots.take(repository, content)
    if in_force:
        sign_all_again(repository, now)
    return in_force


@transaction.atomic
def leap(*, store: TrustStore, now: datetime) -> None:
    """Sign everything with numbers far above any that a restored database may have forgotten.

    Clients refuse metadata whose number goes back. An hourly timestamp needs years for so many.
    """
    repository = repository_of(store, now)
    if repository.targets_version:
        repository.snapshot_version += LEAP
        repository.timestamp_version += LEAP
        _renew_targets(repository, now, by=LEAP)
        _sign_snapshot(repository, now)
        _sign_timestamp(repository, now)
        repository.save()


def sign_all_again(repository: TufRepository, now: datetime) -> None:
    """Sign everything with the keys that the root in force names."""
    if repository.targets_version:
        _renew_targets(repository, now)
        _sign_snapshot(repository, now)
        _sign_timestamp(repository, now)
    repository.save()


def _begin(repository: TufRepository, keys: dict[str, str], now: datetime) -> TufMetadata | None:
    root = roots.begin(repository, _public(keys), now)
    if root is not None and root.served:
        sign_all_again(repository, now)
    return root


def _public(keys: dict[str, str]) -> dict[str, Key]:
    return {role: signing.public(pem) for role, pem in keys.items()}


def _targets(
    repository: TufRepository, version: StoreVersion, content: StoreContent, made: Iterable[formats.Made], now: datetime
) -> Targets:
    about = {"store": content.name, "version": content.number, "withdrawn": content.withdrawn}
    listed = [
        _target(
            rules.artifact_path(content.name, each.extension),
            each.content,
            {**about, "format": each.extension, "loses": list(formats.BY_EXTENSION[each.extension].loses)},
        )
        for each in made
    ]
    listed += [_target(each.path, each.content, each.custom) for each in originals.of(repository, version)]
    store = {
        **about,
        "organization": str(version.store.relying_id),
        "relying": content.relying,
        "owner": content.owner,
        "purpose": content.purpose,
        "environment": content.environment,
        "published_at": moment(content.published_at),
        "set_sha256": content.set_sha256,
        "refresh_hint": REFRESH_HINT,
        "certificates": [
            {"sha256": each.sha256, "role": each.role, **provenance(each)} for each in content.certificates
        ],
    }
    return Targets(
        version=repository.targets_version + 1,
        expires=rules.expires_at(rules.TARGETS, now),
        targets={each.path: each for each in listed},
        unrecognized_fields={"x-trust-store": store},
    )


def _target(path: str, content: bytes, custom: dict[str, object]) -> TargetFile:
    digest = hashlib.sha256(content).hexdigest()
    return TargetFile(len(content), {"sha256": digest}, path, {"custom": custom})


def _is_due(repository: TufRepository, role: str, now: datetime) -> bool:
    expires = getattr(repository, f"{role}_expires_at")
    return expires is not None and rules.must_sign_again(role, expires, now)


def _sign_targets(repository: TufRepository, targets: Targets) -> None:
    _save(repository, rules.TARGETS, targets)


def _renew_targets(repository: TufRepository, now: datetime, *, by: int = 1) -> None:
    last = repository.metadata.get(role=rules.TARGETS, version=repository.targets_version)
    targets = signing.read_targets(bytes(last.content))
    targets.version, targets.expires = repository.targets_version + by, rules.expires_at(rules.TARGETS, now)
    _save(repository, rules.TARGETS, targets)


def _sign_snapshot(repository: TufRepository, now: datetime) -> None:
    content = repository.metadata.get(role=rules.TARGETS, version=repository.targets_version).content
    meta = {"targets.json": _meta_file(repository.targets_version, bytes(content))}
    version, expires = repository.snapshot_version + 1, rules.expires_at(rules.SNAPSHOT, now)
    _save(repository, rules.SNAPSHOT, Snapshot(version=version, expires=expires, meta=meta))


def _sign_timestamp(repository: TufRepository, now: datetime) -> None:
    content = repository.metadata.get(role=rules.SNAPSHOT, version=repository.snapshot_version).content
    meta = _meta_file(repository.snapshot_version, bytes(content))
    version, expires = repository.timestamp_version + 1, rules.expires_at(rules.TIMESTAMP, now)
    _save(repository, rules.TIMESTAMP, Timestamp(version=version, expires=expires, snapshot_meta=meta))
    repository.metadata.filter(role=rules.TIMESTAMP, version__lt=version).delete()


def _meta_file(version: int, content: bytes) -> MetaFile:
    return MetaFile(version, len(content), {"sha256": hashlib.sha256(content).hexdigest()})


def _save(repository: TufRepository, role: str, signed: Targets | Snapshot | Timestamp) -> None:
    pem = json.loads(sealing.unseal(repository.sealed_keys))[role]
    TufMetadata.objects.create(
        repository=repository,
        role=role,
        version=signed.version,
        content=signing.sign(signed, [pem]),
        expires_at=signed.expires,
    )
    setattr(repository, f"{role}_version", signed.version)
    setattr(repository, f"{role}_expires_at", signed.expires)


def _alarm(repository: TufRepository, now: datetime) -> None:
    """Tell the operators once that a root runs out: only they can have it signed."""
    expires, version = repository.root_expires_at, repository.root_version
    if expires is None or repository.root_alarm_version == version or not rules.is_alarming(rules.ROOT, expires, now):
        return
    repository.root_alarm_version = version
    audit.record(
        "store.root_expires_soon",
        now=now,
        actor=acting.PORTAL,
        subject=("trust_store", repository.store_id),
        data={"store": repository.store.name, "root": version, "expires_at": moment(expires)},
    )
