"""What notices do to trust stores, when their moment has come. Everything here can be run again without harm."""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import locks
from trust.consumers import counting
from trust.consumers.models import Consumer, PullRecord
from trust.notices import queries, signatures, subject
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
    number = serial(said["certificate_serial"])
    alike = subject.named_alike(notice.issuing_ca, notice.sender, notice.receiver).values_list("sha256", flat=True)
    for issuer in {notice.issuing_ca.sha256, *alike}:
        DenyEntry.objects.get_or_create(
            store=store,
            issuer_sha256=issuer,
            serial=number,
            defaults={
                "certificate_sha256": hexadecimal(said.get("certificate_sha256", "")),
                "reason": said.get("revocation_reason", "unspecified"),
                "notice": notice,
                "denied_at": now,
            },
        )
    return {"store": store.name, "denied": number}


def deny_in_new_store(store: TrustStore, *, now: datetime) -> None:
    """Put what its owner revoked before there was this store on its deny list; called when the store is made."""
    earlier = Notice.objects.filter(
        sender=store.owner_id,
        receiver=store.relying_id,
        kind=Kind.CERTIFICATE_REVOCATION,
        rehearsal=False,
        key_verified=True,
        state__in=queries.IN_EFFECT,
    )
    for notice in earlier.exclude(issuing_ca=None).select_related("issuing_ca").order_by("executed_at"):
        _deny(notice, store, now)


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


NAMED = 20


@dataclass(frozen=True)
class Late:
    """A consumer that still runs a version from before a notice took effect; ``pull`` is None if it never pulled."""

    consumer: Consumer
    store: TrustStore
    needs: int
    pull: PullRecord | None


@dataclass(frozen=True)
class Behind:
    """How many consumers have not moved after a notice, and the first ``NAMED`` of them by name."""

    count: int = 0
    first: tuple[Late, ...] = ()

    @property
    def more(self) -> int:
        """Return how many are not named."""
        return self.count - len(self.first)


def behind(notice: Notice) -> Behind:
    """Return the receiver's consumers that still run a version from before the notice took effect; the database counts them."""
    count, first = 0, list[Late]()
    for store, needs in _versions(notice):
        late = counting.not_running(store, needs)
        count += late.count()
        named = list(late[: NAMED - len(first)])
        pulls = {each.consumer_id: each for each in PullRecord.objects.filter(store=store, consumer__in=named)}
        first += [Late(each, store, needs, pulls.get(each.pk)) for each in named]
    return Behind(count, tuple(first))


def anybody_behind(notice: Notice) -> bool:
    """Say whether a consumer of the receiver has not moved yet; asked every few seconds, however many there are."""
    return any(counting.not_running(store, needs).exists() for store, needs in _versions(notice))


def _versions(notice: Notice) -> list[tuple[TrustStore, int]]:
    """Return each store that the notice changed with the version that did it."""
    wanted = {effect["store"]: effect["version"] for effect in notice.effects if "version" in effect}
    stores_by_name = TrustStore.objects.filter(relying=notice.receiver_id, name__in=wanted).order_by("name")
    return [(store, wanted[store.name]) for store in stores_by_name] if wanted else []
