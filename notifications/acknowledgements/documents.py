"""A signed acknowledgement: an answer that the sender can prove without the portal, bound to the notice's own digest."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifications.acknowledgements import services
from notifications.acknowledgements.models import NoticeAnswer
from notifications.acknowledgements.rules import FORMAT, Answer
from portal import errors
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from trust.notices import document as documents
from trust.notices import rules, signatures
from trust.notices.models import Notice
from trust.notices.reading import Unreadable, read_object

MAX_BYTES = 32 * 1024
REQUIRED = {"format", "notice", "payload_sha256", "answer", "issuer", "timestamp"}
ALLOWED = REQUIRED | {"message", "evidence_sha256"}


@dataclass(frozen=True)
class Said:
    """What a signed acknowledgement says."""

    notice: str
    payload_sha256: str
    answer: Answer
    issuer: str
    timestamp: datetime
    message: str
    evidence_sha256: str


def members_to_sign(notice: Notice, answer: Answer, *, now: datetime, message: str = "") -> dict[str, Any]:
    """Return the members of an acknowledgement for the receiver to sign."""
    return {
        "format": FORMAT,
        "notice": notice.label,
        "payload_sha256": notice.payload_sha256,
        "answer": answer.value,
        "issuer": notice.receiver.slug,
        "timestamp": documents.stamp(now),
    } | ({"message": message} if message else {})


def take(*, notice: Notice, actor: Actor, now: datetime, content: bytes, signature: bytes | None) -> services.Answered:
    """Take a signed acknowledgement of the actor's organization. The same document again changes nothing.

    Raises Invalid for a bad signature or one that is bound to other bytes than the notice's, NotFound for strangers.
    """
    organization = actor.require(Right.ACKNOWLEDGE)
    if organization.pk != notice.receiver_id:
        raise errors.NotFound()
    if len(content) > MAX_BYTES:
        raise errors.TooLarge("An acknowledgement has at most 32 kB.")
    digest = hashlib.sha256(content).hexdigest()
    if NoticeAnswer.objects.filter(notice=notice, document_sha256=digest).exists():
        from notifications.acknowledgements import queries

        return services.Answered(queries.clock_of(notice), first=False)
    signed = signatures.check(content=content, signature=signature, sender=organization, now=now)
    said = _read(signed.payload)
    if said.notice != notice.label or said.payload_sha256 != notice.payload_sha256:
        raise errors.Invalid(
            "The acknowledgement is for another notice, or for other bytes than this notice's.", code="bound_elsewhere"
        )
    if said.issuer != organization.slug:
        raise errors.Invalid("The acknowledgement names another organization.", code="issuer_mismatch")
    stale = rules.freshness(timestamp=said.timestamp, signed_at=signed.signed_at, now=now)
    if stale:
        raise errors.Invalid(stale.sentence, code=f"acknowledgement_{stale.code}", fix="Write and sign it again.")
    proof = services.Proof(content, signature or b"", digest, signed.fingerprint)
    return services.answer(
        notice=notice,
        actor=actor,
        now=now,
        answer=said.answer,
        message=said.message,
        evidence_sha256=said.evidence_sha256,
        proof=proof,
    )


def _read(payload: bytes) -> Said:
    try:
        members = read_object(payload)
    except Unreadable as problem:
        raise errors.Invalid(problem.sentence.replace("notice", "acknowledgement"), code=problem.code) from problem
    texts = all(isinstance(value, str) and len(value) <= services.MAX_MESSAGE for value in members.values())
    answers = {Answer.ACKNOWLEDGED.value, Answer.DONE.value, Answer.CANNOT_ACT.value}
    if (
        not REQUIRED <= set(members) <= ALLOWED
        or not texts
        or members["format"] != FORMAT
        or members["answer"] not in answers
    ):
        raise errors.Invalid(
            f"The acknowledgement needs exactly {', '.join(sorted(REQUIRED))} as texts, and may have "
            f"{', '.join(sorted(ALLOWED - REQUIRED))}.",
            code="acknowledgement_form",
        )
    try:
        timestamp = datetime.fromisoformat(members["timestamp"].replace("Z", "+00:00"))
    except ValueError as problem:
        raise errors.Invalid("The timestamp is no moment.", code="acknowledgement_form") from problem
    if timestamp.tzinfo is None:
        raise errors.Invalid("The timestamp has no time zone.", code="acknowledgement_form")
    return Said(
        notice=members["notice"],
        payload_sha256=members["payload_sha256"],
        answer=Answer(members["answer"]),
        issuer=members["issuer"],
        timestamp=timestamp,
        message=members.get("message", ""),
        evidence_sha256=documents.hexadecimal(members.get("evidence_sha256", ""))[:64],
    )
