"""What notices do to trust stores, when their moment has come. Everything here can be run again without harm."""

import logging
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import locks
from trust.consumers.models import Consumer, PullRecord
from trust.notices import signatures
from trust.notices.document import hexadecimal, serial
from trust.notices.models import DenyEntry, Notice
from trust.notices.rules import Action, Kind, State, next_state
from trust.stores import services as stores
from trust.stores.models import StoreEntry, TrustStore

logger = logging.getLogger(__name__)


def apply_now(notice: Notice, *, now: datetime) -> None:
    """Let a notice take effect if its moment has come. A failure is recorded and told, and tried again by the sweep."""
    if notice.state != State.ANNOUNCED or notice.effective_at > now:
        return
    try:
        apply(notice_id=notice.pk, actor=acting.PORTAL, now=now)
    except errors.Refusal as refusal:
        _record_failure(notice, refusal.sentence, now)
    except Exception:
        # The notice is kept and shown whatever goes wrong here; a person can still remove the certificate.
        logger.exception("Notice %s could not take effect", notice.label)
        _record_failure(notice, "The portal made a mistake. Remove the certificate yourself now.", now)
    notice.refresh_from_db()


@transaction.atomic
def apply(*, notice_id: uuid.UUID, actor: Actor, now: datetime) -> Notice:
    """Let an announced notice take effect: remove the CA from the receiver's stores, or deny the service certificate.

    The state moves by compare-and-set, so that two workers and a person who publishes early do it once. Raises what
    ``trust.stores.services.withdraw_certificates`` raises.
    """
    locks.hold(Notice.objects.values_list("partnership_id", flat=True).get(pk=notice_id))
    notice = (
        Notice.objects.select_for_update(of=("self",), no_key=True)
        .select_related("certificate", "issuing_ca", "sender", "receiver", "partnership")
        .get(pk=notice_id)
    )
    target = next_state(State(notice.state), Action.EXECUTE)
    if target is None:
        return notice
    done = [] if notice.rehearsal else _effects(notice, actor, now)
    Notice.objects.filter(pk=notice.pk, state=notice.state).update(
        state=target, executed_at=now, effects=done, apply_failure=""
    )
    notice.refresh_from_db()
    audit.record(
        "notice.executed",
        now=now,
        actor=actor,
        organization_id=notice.sender_id,
        partnership_id=notice.partnership_id,
        subject=("notice", notice.pk),
        data={
            "label": notice.label,
            "title": notice.title,
            "urgent": notice.meaning.urgent,
            "rehearsal": notice.rehearsal,
            "effect": _sentence(notice, done),
            # Names and versions of stores are the receiver's own; the sender is told only whether there was an effect.
            "stores": len(done),
        },
    )
    return notice


@transaction.atomic
def publish_removal_early(*, notice: Notice, actor: Actor, now: datetime) -> Notice:
    """Let a person of the receiving organization carry out a revocation before its time: the emergency lane.

    A responder can, alone, since the notice is signed by a verified key; an officer reviews it within 24 hours. Raises
    NotAllowed, StepUpRequired, NotFound, and Conflict when there is nothing left to do.
    """
    actor.require_person(Right.PUBLISH_REMOVAL)
    if actor.require(Right.PUBLISH_REMOVAL).pk != notice.receiver_id:
        raise errors.NotFound()
    if notice.kind not in (Kind.CA_REVOCATION, Kind.CERTIFICATE_REVOCATION) or notice.rehearsal:
        raise errors.Conflict("This notice removes nothing.", code="nothing_to_remove")
    if notice.state == State.UNVERIFIED:
        raise errors.Conflict(
            "We cannot tell who sent this notice, so nothing is removed because of it.",
            code="key_not_verified",
            fix="Call your partner on a number from the directory.",
        )
    if notice.state != State.ANNOUNCED:
        raise errors.Conflict(f"{notice.label} took effect already.", code="already_executed")
    return apply(notice_id=notice.pk, actor=actor, now=now)


def grounds_of(notice: Notice, now: datetime) -> stores.NoticeGrounds:
    """Return the notice as the reason for a removal. The receiver's verification of the key is asked anew."""
    named = frozenset({notice.certificate.sha256}) if notice.certificate else frozenset()
    verified = signatures.is_verified(notice.signer_fingerprint, notice.receiver, now)
    return stores.NoticeGrounds(label=notice.label, digests=named, key_verified=verified)


def affected_entries(notice: Notice) -> list[StoreEntry]:
    """Return the places of the revoked CA in the receiver's current versions of stores for this sender.

    Nothing for other kinds: a renewal names the old certificate too, and removes nothing.
    """
    if notice.certificate is None or notice.kind != Kind.CA_REVOCATION:
        return []
    return [
        entry
        for entry in StoreEntry.objects.filter(
            certificate=notice.certificate,
            version__store__relying=notice.receiver_id,
            version__store__owner=notice.sender_id,
        ).select_related("version__store")
        if entry.version.number == entry.version.store.current_number
    ]


def _effects(notice: Notice, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    if notice.kind == Kind.CA_REVOCATION:
        return [_withdraw(notice, entry.version.store, actor, now) for entry in affected_entries(notice)]
    if notice.kind == Kind.CERTIFICATE_REVOCATION and notice.issuing_ca is not None:
        return [_deny(notice, store, now) for store in _stores_of(notice)]
    return []


def _withdraw(notice: Notice, store: TrustStore, actor: Actor, now: datetime) -> dict[str, Any]:
    assert notice.certificate is not None
    version = stores.withdraw_certificates(
        store=store,
        certificates=[notice.certificate.sha256],
        actor=actor,
        now=now,
        reason=f"Revoked by {notice.sender.name} in notice {notice.label}.",
        emergency_notice=grounds_of(notice, now),
        # The partner's own signed word withdraws even the last certificate: serving it on would be worse than an empty store.
        empty_store=True,
    )
    return {"store": store.name, "version": version.number, "removed": notice.certificate.sha256}


def _deny(notice: Notice, store: TrustStore, now: datetime) -> dict[str, Any]:
    assert notice.issuing_ca is not None
    said = notice.says
    entry, _ = DenyEntry.objects.get_or_create(
        store=store,
        issuer_sha256=notice.issuing_ca.sha256,
        serial=serial(said["certificate_serial"]),
        defaults={
            "certificate_sha256": hexadecimal(said.get("certificate_sha256", "")),
            "reason": said.get("revocation_reason", "unspecified"),
            "notice": notice,
            "denied_at": now,
        },
    )
    return {"store": store.name, "denied": entry.serial}


def _stores_of(notice: Notice) -> list[TrustStore]:
    return list(TrustStore.objects.filter(relying=notice.receiver_id, owner=notice.sender_id).order_by("name"))


def _sentence(notice: Notice, done: list[dict[str, Any]]) -> str:
    if notice.rehearsal:
        return "nothing was changed, since this is a rehearsal"
    if notice.kind == Kind.CA_REVOCATION:
        return "the CA was removed from trust" if done else "no trust store held the CA"
    if notice.kind == Kind.CERTIFICATE_REVOCATION:
        return "the certificate is on the deny list" if done else "no trust store knows its CA"
    return "it is in effect"


def _record_failure(notice: Notice, reason: str, now: datetime) -> None:
    """Keep why a notice could not take effect; tell once for each reason."""
    reason = reason[:300]
    changed = Notice.objects.filter(pk=notice.pk).exclude(apply_failure=reason).update(apply_failure=reason)
    if not changed:
        return
    with transaction.atomic():
        audit.record(
            "notice.apply_failed",
            now=now,
            actor=acting.PORTAL,
            organization_id=notice.receiver_id,
            subject=("notice", notice.pk),
            data={"label": notice.label, "title": notice.title, "reason": reason},
        )


def behind(notice: Notice) -> list[dict[str, Any]]:
    """Return the receiver's consumers that still run a version from before the notice took effect, and which."""
    found = []
    for effect in notice.effects:
        if "version" not in effect:
            continue
        store = TrustStore.objects.get(relying=notice.receiver_id, name=effect["store"])
        pulls = {each.consumer_id: each for each in PullRecord.objects.filter(store=store)}
        for consumer in Consumer.objects.filter(stores=store, retired_at=None).order_by("name"):
            pull = pulls.get(consumer.pk)
            if pull is None or pull.runs < effect["version"]:
                found.append({"consumer": consumer, "store": store, "needs": effect["version"], "pull": pull})
    return found
