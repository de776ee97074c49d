"""The mail that wakes somebody: a notice in the words of its receiver, whose stores the sender must not read about in the log."""

from dataclasses import dataclass

from notifications.deliveries.models import Delivery
from portal import words
from trust.notices import effects
from trust.notices.models import Notice
from trust.notices.rules import REASON_WORDS, Kind
from trust.notices.telling import common_name
from trust.verifications import queries as verifications
from trust.verifications.models import ItemKind

# Told to the receiver's people, who are asked to acknowledge.
ASKING = frozenset({"notice.received", "acknowledgement.reminded", "acknowledgement.escalated"})


@dataclass(frozen=True)
class About:
    """What the mail says besides its subject."""

    lead: str
    facts: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    call: str


def of(delivery: Delivery) -> About | None:
    """Return what a mail that asks to acknowledge a notice says, or None for every other mail."""
    if delivery.event.kind not in ASKING:
        return None
    notice = (
        Notice.objects.select_related("sender", "receiver", "certificate")
        .filter(pk=delivery.event.subject_id, receiver=delivery.organization)
        .first()
    )
    if notice is None:
        return None
    affected = [entry.version.store for entry in effects.affected_entries(notice)]
    return About(
        lead=_lead(delivery.event.kind, notice, bool(affected or notice.effects)),
        facts=tuple((label, text) for label, text in _facts(notice) if text),
        steps=_steps(notice, [f"{store.name} v{store.current_number + 1}" for store in affected]),
        call=notice.sender.name,
    )


def _lead(kind: str, notice: Notice, affected: bool) -> str:
    silence = "" if kind == "notice.received" else "Nobody has acknowledged this yet. "
    rehearsal = "This is a rehearsal: nothing here is real but the clocks. " if notice.rehearsal else ""
    return f"{rehearsal}{silence}{_what(notice, affected)}"


def _what(notice: Notice, affected: bool) -> str:
    sender = notice.sender.name
    if notice.kind == Kind.CA_REVOCATION and affected:
        return f"{sender} has revoked one of the CAs your services trust."
    if notice.kind == Kind.CA_REVOCATION:
        return f"{sender} has revoked one of its CAs. None of your trust stores holds it."
    if notice.kind == Kind.CERTIFICATE_REVOCATION:
        return f"{sender} has revoked a service certificate. Your services must refuse it."
    return f"{sender} {notice.meaning.did.replace('{what}', notice_subject(notice))}."


def notice_subject(notice: Notice) -> str:
    """Return what a notice is about, in the words of its title."""
    if notice.certificate is not None:
        return common_name(notice.certificate.subject)
    return notice.title.rsplit(" ", 1)[-1]


def _facts(notice: Notice) -> list[tuple[str, str]]:
    said = notice.says
    digest = notice.certificate.sha256 if notice.certificate else said.get("certificate_sha256", "")
    urgent = notice.meaning.urgent
    return [
        ("Certificate", common_name(notice.certificate.subject) if notice.certificate else ""),
        ("SHA-256", words.spaced(digest)),
        ("Serial", "" if notice.certificate else said.get("certificate_serial", "")),
        ("Reason", REASON_WORDS.get(said.get("revocation_reason", ""), "")),
        *_effect(notice),
        # What is urgent has its deadline in the subject.
        ("Acknowledge", "" if urgent else f"by {words.exact(notice.acknowledge_by)}"),
        ("Signed by", _signed_by(notice)),
        ("Short notice", " ".join(notice.exceptions)),
        ("Marking", said.get("tlp", "TLP:AMBER")),
    ]


def _effect(notice: Notice) -> list[tuple[str, str]]:
    """Return when the notice takes effect; once it has, what it did to the receiver's stores."""
    if notice.executed_at is None:
        return [("Takes effect", words.exact(notice.effective_at))]
    took = ("Took effect", words.exact(notice.executed_at))
    if notice.rehearsal:
        return [took]
    without = [f"{each['store']} v{each['version']}" for each in notice.effects if "version" in each]
    denied = [each["store"] for each in notice.effects if "denied" in each]
    return [
        took,
        ("Published", f"{words.listed(without)}, without this CA" if without else ""),
        ("Deny list", f"of {words.listed(denied)} has the certificate" if denied else ""),
    ]


def _signed_by(notice: Notice) -> str:
    key = f"{notice.sender.name}'s key {words.shortened(notice.signer_fingerprint)}"
    call = verifications.approved_record(notice.receiver, ItemKind.OPENPGP_KEY, notice.signer_fingerprint)
    if call is None or call.ended_at is None:
        return f"{key}, verified by phone" if notice.key_verified else key
    return f"{key}, verified by phone on {words.day(call.ended_at)}"


def _steps(notice: Notice, drafts: list[str]) -> tuple[str, ...]:
    if notice.rehearsal or notice.kind != Kind.CA_REVOCATION:
        return (notice.says.get("action_required") or notice.meaning.todo,)
    if notice.effects:
        return ("See on the same page which services have moved.",)
    if not drafts:
        return ()
    ready = "The draft is ready." if len(drafts) == 1 else "The drafts are ready."
    return (f"Publish {words.listed(drafts)} from the same page. {ready}",)
