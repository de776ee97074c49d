"""The one way a version comes to be: locked, composed, made, read back, saved and told in one transaction."""

import logging
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations.acting import Actor
from portal.organizations.models import User
from portal.partnerships import locks
from trust.agreements import queries as agreements
from trust.certificates.models import Certificate
from trust.stores import floor, formats, holding, refused, rules
from trust.stores.formats.content import StoreCertificate, StoreContent
from trust.stores.models import Artifact, StoreEntry, StoreVersion, TrustStore
from trust.stores.serve import generation
from trust.stores.tuf import services as tuf
from trust.submissions.models import Submission

logger = logging.getLogger(__name__)


def lock(store: TrustStore) -> TrustStore:
    """Return the store as it is now, held until the transaction ends, so that versions are made one after the other."""
    if not connection.in_atomic_block:
        raise RuntimeError("A store is locked inside a transaction.")
    locks.hold(store.partnership_id)
    return (
        TrustStore.objects.select_for_update(of=("self",), no_key=True)
        .select_related("relying", "owner", "partnership")
        .get(pk=store.pk)
    )


def current_version(store: TrustStore) -> StoreVersion | None:
    """Return the version that is served as current, or None before the first."""
    return store.versions.filter(number=store.current_number).first() if store.current_number else None


def publish(
    *,
    store: TrustStore,
    composition: rules.Composition,
    kind: StoreVersion.Kind,
    actor: Actor,
    now: datetime,
    reason: str,
    first_people: Iterable[User] = (),
    submission: Submission | None = None,
    notice_label: str = "",
    withdrawal: bool = False,
    emergency: bool = False,
) -> StoreVersion:
    """Publish the next version of a locked store and return it. Callers have checked who may; this checks what may.

    ``emergency`` says that what is removed cannot wait for services, whatever the agreement says of planned removals. Raises
    Conflict when nothing changes, the store would be emptied by accident, the agreement holds the removal (``holding``), somebody
    else published first, the database is older than what was published (``floor``), or OpenSSL does not take a certificate
    (``refused``); NotAllowed when an addition has one person behind it only; Unavailable when an artifact does not read back as
    what was meant for any other reason.
    """
    rules.require_publishable(composition, withdrawal=withdrawal)
    floor.require(store)
    if composition.removed and not emergency and not notice_label:
        holding.require(store, composition, now)
    people = [person for person in first_people if person is not None]
    rules.require_two_people(composition, first=[str(person.pk) for person in people], approver=actor.id)
    first = next((person for person in people if str(person.pk) != actor.id), None)
    version = StoreVersion(
        store=store,
        number=rules.next_number(floor.last_number(store)),
        kind=kind,
        published_at=now,
        published_by=actor.user,
        published_by_label=actor.label,
        first_person=first,
        reason=reason,
        submission=submission,
        notice_label=notice_label,
        withdrawal=withdrawal,
        emergency=emergency,
        adds=len(composition.added),
        removes=len(composition.removed),
        review_due_at=rules.review_due_at(composition, now, people=2 if first else 1),
    )
    version.save(force_insert=True)
    made = _save_contents(version, composition)
    _advance(store, version)
    tuf.publish(version=version, content=content_of(version), made=made, now=now)
    _tell(version, composition, made, actor=actor, now=now)
    return version


def _advance(store: TrustStore, version: StoreVersion) -> None:
    """Move the store to the new number, unless somebody else moved it since it was read."""
    moved = TrustStore.objects.filter(pk=store.pk, current_number=store.current_number).update(
        current_number=version.number
    )
    if not moved:
        raise errors.Conflict(
            f"Somebody else published v{version.number} while you were looking.",
            code="published_meanwhile",
            fix="See what changed, then try again.",
        )
    store.current_number = version.number
    transaction.on_commit(partial(floor.keep, store.pk, version.number))


def _save_contents(version: StoreVersion, composition: rules.Composition) -> list[formats.Made]:
    StoreEntry.objects.bulk_create(
        StoreEntry(
            version=version,
            certificate_id=entry.sha256,
            position=position,
            role=entry.role,
            submission_id=entry.submission_id,
            signer_fingerprint=entry.signer_fingerprint,
            verification_id=entry.verification_id,
        )
        for position, entry in enumerate(composition.entries, start=1)
    )
    content = content_of(version)
    try:
        made = formats.make_all(content)
    except formats.Unreadable as error:
        refused.require_read(content, composition, version.submission)
        logger.exception("An artifact did not read back; nothing was published")
        raise errors.Unavailable(
            "The portal could not write the store in every format, so nothing was published.",
            code="artifact_unreadable",
            fix="Tell the portal's operator: the log names the format.",
        ) from error
    Artifact.objects.bulk_create(
        Artifact(
            version=version,
            format=each.extension,
            content_type=each.content_type,
            content=each.content,
            sha256=each.sha256,
            length=len(each.content),
        )
        for each in made
    )
    return made


def content_of(version: StoreVersion) -> StoreContent:
    """Return a version as the plain value that formats are made from."""
    store = version.store
    rows = version.entries.select_related("certificate", "submission").order_by("position")
    return StoreContent(
        name=store.name,
        owner=store.owner.name,
        relying=store.relying.name,
        purpose=store.purpose,
        environment=store.environment,
        number=version.number,
        published_at=version.published_at,
        withdrawn=version.withdrawal,
        certificates=tuple(_certificate(row.certificate, row) for row in rows),
        trust_domain=_trust_domain(store),
        constraints=_constraints(store),
    )


def _constraints(store: TrustStore) -> dict[str, Any] | None:
    """Return which names the agreement allows to services of the owner, or None when it says nothing of them."""
    terms = agreements.terms(store.partnership)
    party = terms.identity_of(store.owner.slug)
    names = {name: list(party[name]) for name in _NAMES} if party else {}
    return {"agreement": terms.version, **names} if any(names.values()) else None


_NAMES = ("trust_domains", "dns_suffixes", "subject_organizations")


def _trust_domain(store: TrustStore) -> str:
    binding = getattr(store, "spiffe", None)
    return binding.trust_domain if binding else ""


def _certificate(certificate: Certificate, row: StoreEntry) -> StoreCertificate:
    return StoreCertificate(
        der=bytes(certificate.der),
        sha256=certificate.sha256,
        spki_sha256=certificate.spki_sha256,
        subject=certificate.subject,
        issuer=certificate.issuer,
        serial=certificate.serial,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        role=row.role,
        submission_number=row.submission.number,
        submission_sha256=row.submission.content_sha256,
        signer_fingerprint=row.signer_fingerprint,
        verification_id=str(row.verification_id) if row.verification_id else None,
    )


def _tell(
    version: StoreVersion,
    composition: rules.Composition,
    made: list[formats.Made],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    store = version.store
    generation.changed([generation.store_key(store.relying_id, store.name)])
    audit.record(
        "store.published",
        now=now,
        actor=actor,
        organization_id=store.relying_id,
        partnership_id=store.partnership_id,
        subject=("store_version", version.pk),
        data={
            "store": store.name,
            "version": version.number,
            "kind": version.kind,
            "added": [entry.sha256 for entry in composition.added],
            "removed": [entry.sha256 for entry in composition.removed],
            "left_out": [entry.sha256 for entry in composition.left_out],
            "certificates": len(composition.entries),
            "withdrawal": version.withdrawal,
            "emergency": version.emergency,
            "submission": version.submission.number if version.submission else None,
            "notice": version.notice_label,
            "reason": version.reason,
            # What is served is held against these, so that changed bytes in the database are noticed.
            "artifacts": {each.extension: each.sha256 for each in made},
        },
    )
