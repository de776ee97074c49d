"""Composing a notice in the browser: its bytes to sign, and what it would do, shown before anything is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portal import errors
from portal.audit import services as audit
from portal.audit.models import Audience
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.agreements import queries as agreements
from trust.certificates.models import Certificate
from trust.notices import consequences, rules, services, subject, telling
from trust.notices import document as documents
from trust.notices.consequences import Loss
from trust.notices.document import Document, NotANotice
from trust.notices.models import NoticeDraft
from trust.notices.reading import MAX_BYTES
from trust.notices.rules import Kind
from trust.stores import queries as stores

MAX_OPEN_DRAFTS = 50


@dataclass(frozen=True)
class Preview:
    """What the receiver will see and what will happen, in words."""

    said: Document
    title: str
    effective_at: datetime
    acknowledge_within: timedelta
    lead: timedelta
    exceptions: tuple[str, ...]
    source: str
    certificate: Certificate | None
    losses: list[Loss]  # what each of the receiver's stores loses, for the revocation of a CA
    services_hit: int | None  # None where the agreement does not share it


@transaction.atomic
def compose(
    *, actor: Actor, now: datetime, partnership: Partnership, kind: Kind, members: dict[str, Any]
) -> NoticeDraft:
    """Make the bytes of a notice to sign and keep them as a draft. Raises Invalid with what is missing, field by field."""
    sender = actor.require(Right.SEND_NOTICE)
    if not partnership.has(sender):
        raise errors.NotFound()
    if NoticeDraft.objects.filter(sender=sender, sent=None, discarded_at=None).count() >= MAX_OPEN_DRAFTS:
        raise errors.Conflict("There are 50 drafts already.", fix="Discard those that you do not need.")
    receiver = partnership.other(sender)
    found = documents.new_members(kind, issuer=sender.slug, partner=receiver.slug, now=now, **members)
    try:
        said = documents.from_members(found)
    except NotANotice as problem:
        raise errors.Invalid(
            "The notice does not say what it must say.", fields={"": problem.problems}, code="notice_schema"
        ) from problem
    seen = preview(said, partnership=partnership, now=now, sender=sender)
    if seen.exceptions and not said.exception_reason:
        raise errors.Invalid(
            " ".join(seen.exceptions),
            code="lead_time",
            fix="Choose a later time, or say why it cannot wait.",
            fields={"exception_reason": [*seen.exceptions, "Say why it cannot wait, or choose a later time."]},
        )
    draft = NoticeDraft.objects.create(
        partnership=partnership,
        sender=sender,
        content=documents.canonical(found),
        created_by=actor.user,
        created_at=now,
    )
    audit.record(
        "notice.drafted",
        now=now,
        actor=actor,
        organization_id=sender.pk,
        partnership_id=partnership.pk,
        audience=Audience.ORGANIZATION,  # a draft is nobody else's business until it is signed and sent
        subject=("notice_draft", draft.pk),
        data={"title": seen.title, "kind": kind, "partner": receiver.name, "rehearsal": said.rehearsal},
    )
    return draft


def preview_of(*, actor: Actor, now: datetime, content: bytes) -> Preview:
    """Return what the unsigned bytes of a notice would say and do. Keeps nothing.

    Raises Invalid for what is no notice to a partner, NotAllowed when it speaks for another organization or about its certificate.
    """
    sender = actor.require(Right.SEND_NOTICE)
    if len(content) > MAX_BYTES:
        raise errors.TooLarge("A notice has at most 256 kB.")
    said = services.read(content)
    return preview(said, partnership=services.partnership_of(said, sender), now=now, sender=sender)


def preview(said: Document, *, partnership: Partnership, now: datetime, sender: Any) -> Preview:
    """Return what a notice would say and do. Raises NotAllowed when it names somebody else's certificate."""
    terms = agreements.terms(partnership)
    lead = terms.notice_lead(rules.MEANINGS[said.kind].change)
    timing = rules.timing(
        said.kind,
        told_at=said.timestamp,
        effective_at=said.effective_at,
        lead=lead,
        reason=said.revocation_reason,
        blackouts=terms.values["operations"]["blackouts"],
    )
    about = subject.find(said, sender=sender, partnership=partnership)
    revoked = about.certificate if said.kind is Kind.CA_REVOCATION else None
    trusting = list(stores.about(sender, partnership).order_by("name"))
    what = telling.common_name(about.certificate.subject) if about.certificate else said.certificate_serial.upper()
    return Preview(
        said=said,
        title=rules.title(said.kind, sender=sender.name, what=what or said.withdraws, rehearsal=said.rehearsal),
        effective_at=timing.effective_at,
        acknowledge_within=terms.acknowledge_within(rules.MEANINGS[said.kind].change),
        lead=lead,
        exceptions=timing.exceptions,
        source=terms.source,
        certificate=about.certificate,
        losses=consequences.losses(revoked, trusting, terms),
        services_hit=consequences.services_hit(trusting, revoked, terms),
    )


@transaction.atomic
def discard(*, actor: Actor, now: datetime, draft: NoticeDraft) -> None:
    """Discard a draft that was not sent. Raises NotFound for another organization's, Conflict when it was sent."""
    if actor.require(Right.SEND_NOTICE).pk != draft.sender_id:
        raise errors.NotFound()
    changed = NoticeDraft.objects.filter(pk=draft.pk, sent=None, discarded_at=None).update(discarded_at=now)
    if not changed:
        raise errors.Conflict("This draft was sent or discarded already.")
