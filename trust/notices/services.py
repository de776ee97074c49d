"""Taking notices: signature, entitlement, freshness and novelty, in that order; then the row and its event together."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from portal import errors
from portal.audit import services as audit
from portal.audit.models import Audience
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import locks
from portal.partnerships.models import Partnership
from trust.agreements import queries as agreements
from trust.agreements.terms import Terms
from trust.notices import document as documents
from trust.notices import effects, links, rules, signatures, subject, telling
from trust.notices.document import Document, NotANotice
from trust.notices.models import Notice, NoticeDraft
from trust.notices.reading import MAX_BYTES, Unreadable
from trust.notices.rules import Kind, State

MAX_SIGNATURE = 64 * 1024
ANYBODY = acting.Actor(kind="anybody", id="", label="Somebody who held the signed notice")


@dataclass(frozen=True)
class Submitted:
    """A notice, the answer to give for it (text, the same for ever), and whether it had come before."""

    notice: Notice
    answer: str
    replayed: bool


def submit(
    *,
    actor: Actor,
    now: datetime,
    content: bytes,
    signature: bytes | None,
    partnership: Partnership | None = None,
    draft: NoticeDraft | None = None,
) -> Submitted:
    """Take a signed notice of the actor's organization.

    The same signed bytes again get the first answer. Raises Invalid (signature, form, freshness, lead time), NotAllowed
    (not the sender's certificate or organization), Conflict (another notice with this message id, or nothing left to withdraw),
    NotFound (no such partnership).
    """
    sender = actor.require(Right.SEND_NOTICE)
    if actor.user is not None:
        actor.require_person(Right.SEND_NOTICE)
    return _take(actor, sender, now, content, signature, partnership, draft, in_advance=False)


def hand_in_distress(*, now: datetime, content: bytes, signature: bytes | None) -> Submitted:
    """Take a distress notice from anybody who holds it: a revocation that was signed in advance and kept offline.

    Nobody needs to sign in, so that a partner who is locked out can still withdraw trust. It takes effect once. Raises
    Invalid for everything that is not a good distress notice.
    """
    _require_size(content, signature)
    sender = signatures.sender_by_hint(content=content, signature=signature, now=now)
    if sender is None:
        raise errors.Invalid("We do not know the key that signed this.", code="signature_unknown_key")
    return _take(ANYBODY, sender, now, content, signature, None, None, in_advance=True)


def _take(
    actor: Actor,
    sender: Organization,
    now: datetime,
    content: bytes,
    signature: bytes | None,
    expected: Partnership | None,
    draft: NoticeDraft | None,
    *,
    in_advance: bool,
) -> Submitted:
    # 1. Size, then the signature over the raw bytes, before anything in them is believed.
    _require_size(content, signature)
    earlier = _replay(sender, content, signature)
    if earlier:
        return earlier
    try:
        signed = signatures.check(content=content, signature=signature, sender=sender, now=now)
        # 2. One way of reading only, and the schema of the kind.
        said = read(signed.payload)
        # 3. Who speaks to whom.
        partnership = partnership_of(said, sender, expected)
        # 4. New for this sender, for ever.
        _require_new(said, sender, signed, partnership, actor, now)
        # 5. Fresh, or signed in advance and still good.
        _require_fresh(said, signed, now, in_advance=in_advance)
        # 6. Early enough by the agreement, or with a reason.
        terms = agreements.terms(partnership)
        timing = _timing(said, terms, now, in_advance=in_advance)
        # 7. About the sender's own certificates.
        about = subject.find(said, sender=sender, partnership=partnership)
    except (errors.Invalid, errors.NotAllowed) as refusal:
        _record_refusal(sender, actor, now, content, refusal)
        raise
    try:
        with transaction.atomic():
            notice = _keep(actor, sender, now, content, signature, signed, said, partnership, terms, timing, about)
            if draft is not None:
                NoticeDraft.objects.filter(pk=draft.pk).update(sent=notice)
    except IntegrityError:
        # Somebody handed in the same notice in this very moment; theirs is the first.
        again = _replay(sender, content, signature)
        if again:
            return again
        raise
    # In a transaction of its own: a store that cannot be published must not lose the notice. The scheduler tries again.
    effects.apply_now(notice, now=now)
    return Submitted(notice, notice.answer, replayed=False)


def _require_size(content: bytes, signature: bytes | None) -> None:
    if len(content) > MAX_BYTES + MAX_SIGNATURE or len(signature or b"") > MAX_SIGNATURE:
        raise errors.TooLarge("A notice has at most 256 kB, and its signature 64 kB.")


def _replay(sender: Organization, content: bytes, signature: bytes | None) -> Submitted | None:
    """Return the first answer when exactly these bytes came before; their signature was checked then."""
    digest = hashlib.sha256(content).hexdigest()
    for each in Notice.objects.filter(sender=sender, content_sha256=digest):
        if bytes(each.signature) == (signature or b""):
            return Submitted(each, each.answer, replayed=True)
    return None


def read(payload: bytes) -> Document:
    """Return what the bytes of a notice say. Raises Invalid with what they do not say, member by member."""
    try:
        return documents.read(payload)
    except Unreadable as problem:
        raise errors.Invalid(problem.sentence, code=f"notice_{problem.code}") from problem
    except NotANotice as problem:
        raise errors.Invalid(
            f"The notice does not say what it must say: {problem.problems[0]}.",
            code=f"notice_{problem.code}",
            fix="Hold it against the schema of its kind: /api/v1/notice-schemas/.",
            fields={"": problem.problems},
        ) from problem


def partnership_of(said: Document, sender: Organization, expected: Partnership | None = None) -> Partnership:
    """Return the partnership that a notice of ``sender`` belongs to.

    Raises NotAllowed for another issuer, Invalid when there is no such partner, it has ended, or it is not the ``expected`` one.
    """
    if said.issuer != sender.slug:
        raise errors.NotAllowed(
            f"The notice names {said.issuer} as its issuer, and its key is {sender.name}'s.", code="issuer_mismatch"
        )
    found = (
        Partnership.objects.select_related("first_organization", "second_organization")
        .filter(first_organization__slug__in=(said.issuer, said.partner))
        .filter(second_organization__slug__in=(said.issuer, said.partner))
        .first()
    )
    if found is None or not found.has(sender) or said.partner == said.issuer:
        raise errors.Invalid(
            "You have no partnership with the organization that the notice names.", code="partner_unknown"
        )
    if found.state == Partnership.State.ENDED:
        raise errors.Invalid("This partnership has ended.", code="partnership_ended")
    if expected is not None and expected.pk != found.pk:
        raise errors.Invalid("The notice names another partner than this page.", code="partner_mismatch")
    return found


def _require_new(
    said: Document,
    sender: Organization,
    signed: signatures.Signed,
    partnership: Partnership,
    actor: Actor,
    now: datetime,
) -> None:
    earlier = Notice.objects.filter(sender=sender, message_id=said.message_id).first()
    if earlier is None:
        return
    if earlier.payload_sha256 == hashlib.sha256(signed.payload).hexdigest():
        raise errors.Conflict(
            f"This notice was taken before, as {earlier.label}, with another signature.",
            code="already_taken",
            extra={"notice": earlier.label},
        )
    with transaction.atomic():
        audit.record(
            "notice.message_id_reused",
            now=now,
            actor=actor,
            organization_id=sender.pk,
            partnership_id=partnership.pk,
            subject=("notice", earlier.pk),
            data={"message_id": said.message_id, "label": earlier.label},
        )
    raise errors.Conflict(
        f"You signed another notice with this message_id before: {earlier.label}.",
        code="message_id_reused",
        fix="Give each notice a message_id of its own. Both organizations were told.",
        extra={"notice": earlier.label},
    )


def _require_fresh(said: Document, signed: signatures.Signed, now: datetime, *, in_advance: bool) -> None:
    if in_advance and not said.distress:
        raise errors.Invalid(
            "This is not a distress notice.", code="not_distress", fix="Sign in and send it as any other notice."
        )
    if said.distress:
        assert said.valid_until is not None  # the schema asks for it
        stale = rules.distress_freshness(timestamp=said.timestamp, valid_until=said.valid_until, now=now)
    else:
        stale = rules.freshness(timestamp=said.timestamp, signed_at=signed.signed_at, now=now)
    if stale:
        raise errors.Invalid(stale.sentence, code=f"notice_{stale.code}", fix="Write and sign it again.")


def _timing(said: Document, terms: Terms, now: datetime, *, in_advance: bool) -> rules.Timing:
    if said.distress:
        return rules.Timing(now)
    found = rules.timing(
        said.kind,
        told_at=now if in_advance else said.timestamp,
        effective_at=said.effective_at,
        lead=terms.notice_lead(rules.MEANINGS[said.kind].change),
        reason=said.revocation_reason,
        blackouts=terms.values["operations"]["blackouts"],
    )
    if found.exceptions and not said.exception_reason:
        raise errors.Invalid(
            " ".join(found.exceptions),
            code="lead_time",
            fix="Choose a later effective_date, or say in exception_reason why it cannot wait.",
            fields={"effective_date": list(found.exceptions)},
        )
    return found


def _keep(
    actor: Actor,
    sender: Organization,
    now: datetime,
    content: bytes,
    signature: bytes | None,
    signed: signatures.Signed,
    said: Document,
    partnership: Partnership,
    terms: Terms,
    timing: rules.Timing,
    about: subject.Subject,
) -> Notice:
    # The sender's row serializes its labels, the partnership's its sequence; always locked in this order.
    Organization.objects.select_for_update(no_key=True).get(pk=sender.pk)
    locked = locks.hold(partnership.pk)
    receiver = partnership.other(sender)
    linked = links.resolve(said, sender=sender, partnership=partnership)
    verified = signatures.is_verified(signed.fingerprint, receiver, now)
    what = _what(said, about, linked)
    notice = Notice(
        label=_next_label(sender, now),
        partnership=partnership,
        sequence=locked.last_notice_number + 1,
        sender=sender,
        receiver=receiver,
        kind=said.kind,
        message_id=said.message_id,
        content=content,
        content_sha256=hashlib.sha256(content).hexdigest(),
        signature=signature or b"",
        payload=signed.payload,
        payload_sha256=hashlib.sha256(signed.payload).hexdigest(),
        members=dict(said.members),
        signer_fingerprint=signed.fingerprint,
        signature_report=signed.report,
        signed_at=signed.signed_at,
        key_verified=verified,
        handed_in_by=actor.user,
        handed_in_by_label=actor.label[:200],
        written_at=said.timestamp,
        received_at=now,
        effective_at=timing.effective_at,
        acknowledge_by=now + terms.acknowledge_within(rules.MEANINGS[said.kind].change),
        exceptions=list(timing.exceptions),
        title=rules.title(said.kind, sender=sender.name, what=what, rehearsal=said.rehearsal)[:300],
        severity="info" if said.rehearsal else rules.severity(said.kind, said.revocation_reason),
        rehearsal=said.rehearsal,
        distress=said.distress,
        certificate=about.certificate,
        issuing_ca=about.issuing_ca,
        matched=about.matched,
        state=State.ANNOUNCED if verified else State.UNVERIFIED,
        **linked.fields,
    )
    notice.answer = json.dumps(_answer(notice), separators=(",", ":"))
    notice.save(force_insert=True)
    Partnership.objects.filter(pk=partnership.pk).update(last_notice_number=notice.sequence)
    links.act_on(linked, notice, actor=actor, now=now)
    audit.record(
        "notice.received" if verified else "notice.unverified",
        now=now,
        actor=actor,
        organization_id=sender.pk,
        partnership_id=partnership.pk,
        subject=("notice", notice.pk),
        data=telling.event_data(notice),
    )
    return notice


def _next_label(sender: Organization, now: datetime) -> str:
    taken = Notice.objects.filter(sender=sender, received_at__year=now.year).count()
    label = rules.label(sender.short_code, now.year, taken + 1)
    # Two organizations may share a short code; their notices may not share a name.
    while Notice.objects.filter(label=label).exists():
        taken += 1
        label = rules.label(sender.short_code, now.year, taken + 1)
    return label


def _what(said: Document, about: subject.Subject, linked: "links.Links") -> str:
    """Return what a title names: the certificate's common name, its serial, or the earlier notice."""
    if said.kind is Kind.WITHDRAWAL:
        return linked.withdraws.label if linked.withdraws else said.withdraws
    if about.certificate is not None:
        return telling.common_name(about.certificate.subject)
    if said.kind is Kind.CERTIFICATE_REVOCATION:
        return f"with serial {said.certificate_serial.upper()}"
    return str(said.members.get("certificate_name") or said.certificate_sha256.upper()[:16] or "a CA")


def _answer(notice: Notice) -> dict[str, Any]:
    return {
        "notice": notice.label,
        "message_id": notice.message_id,
        "kind": notice.kind,
        "accepted": notice.key_verified,
        # As it was received, so that the answer is the same for ever; the notice's own address has what came later.
        "state": notice.state,
        "takes_effect": "at_once" if notice.effective_at <= notice.received_at else "later",
        "sequence": notice.sequence,
        "received_at": documents.stamp(notice.received_at),
        "effective_at": documents.stamp(notice.effective_at),
        "acknowledge_by": documents.stamp(notice.acknowledge_by),
        "matched": notice.matched,
        "rehearsal": notice.rehearsal,
        "payload_sha256": notice.payload_sha256,
        "exceptions": notice.exceptions,
    }


def _record_refusal(sender: Organization, actor: Actor, now: datetime, content: bytes, refusal: errors.Refusal) -> None:
    """Leave a trace with the organization in whose name it came; nothing of the content is kept but its digest."""
    with transaction.atomic():
        audit.record(
            "notice.refused",
            now=now,
            actor=actor,
            organization_id=sender.pk,
            audience=Audience.ORGANIZATION,
            subject=("organization", sender.pk),
            data={
                "reason": refusal.sentence[:300],
                "code": refusal.code,
                "sha256": hashlib.sha256(content).hexdigest(),
            },
        )
