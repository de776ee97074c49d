"""What a notice of renewal announces, how far it has come, and laying out the version that adds it.

A notice trusts nothing. What it names comes in a signed submission, is heard in a call where that is asked for, and two people of
the receiver approve it. Here is only said which of these is missing; and what waits for its approval is prepared as a proposal
that is nobody's word.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from portal import errors
from trust.certificates.models import Certificate
from trust.notices import signatures
from trust.notices.alone import alone
from trust.notices.document import hexadecimal, serial
from trust.notices.models import Notice
from trust.notices.rules import ACTED_ON, RENEWALS, State
from trust.pki import names
from trust.stores import compositions, proposals
from trust.stores import queries as stores
from trust.stores.models import StoreDraft
from trust.submissions.models import Submission


class Step(StrEnum):
    """What is missing until a certificate that a notice names is trusted."""

    SUBMIT = "submit"
    MISMATCH = "mismatch"
    CALL = "call"
    APPROVE = "approve"
    RESTORE = "restore"  # it was accepted, and is not in the current version: it was withdrawn from the store
    TRUSTED = "trusted"


_SUBMITTED = {
    Submission.State.ACCEPTED: Step.RESTORE,
    Submission.State.WAITING_FOR_APPROVAL: Step.APPROVE,
    Submission.State.WAITING_FOR_CALL: Step.CALL,
    Submission.State.QUARANTINED: Step.MISMATCH,
}


@dataclass(frozen=True)
class Addition:
    """A certificate that a notice names as new. ``sha256`` is empty while only its serial is known."""

    step: Step
    sha256: str = ""
    serial: str = ""
    certificate: Certificate | None = None
    submission: Submission | None = None

    @property
    def done(self) -> bool:
        """Say whether nothing is missing any more."""
        return self.step is Step.TRUSTED


def of(notice: Notice) -> list[Addition]:
    """Return what a notice of renewal or of a new hierarchy names as new, in its order, each with the step that is missing."""
    if notice.kind not in RENEWALS:
        return []
    named = [hexadecimal(notice.says.get(name, "")) for name in ("new_certificate_sha256", "new_root_sha256")]
    found = [_addition(notice, digest, "") for digest in named if digest]
    for link in notice.members.get("replaces", ()):
        replacement = _replacement(notice, link)
        if replacement is None or replacement.sha256 not in {each.sha256 for each in found}:
            found.append(_addition(notice, replacement.sha256 if replacement else "", serial(link["new_serial"])))
    return found


def missing(notice: Notice) -> bool:
    """Say whether something that the notice names is not trusted yet. A rehearsal misses nothing."""
    return not notice.rehearsal and any(not each.done for each in of(notice))


def _addition(notice: Notice, digest: str, number: str) -> Addition:
    if not digest:
        return Addition(Step.SUBMIT, serial=number)
    certificate = Certificate.objects.filter(pk=digest).first()
    submission = _submission(notice, digest)
    trusted = stores.trusting([digest], notice.receiver).filter(version__store__owner=notice.sender_id).exists()
    step = Step.TRUSTED if trusted else _SUBMITTED[Submission.State(submission.state)] if submission else Step.SUBMIT
    # A certificate that somebody else sent is not shown: the notice only names its digest.
    return Addition(step, digest, number, certificate if submission else None, submission)


def _submission(notice: Notice, digest: str) -> Submission | None:
    """Return the sender's submission that brings the certificate furthest, the newest of several."""
    found = list(_given(notice).filter(certificates=digest).defer("content", "signature").order_by("-number"))
    order = list(_SUBMITTED)
    return min(found, key=lambda each: order.index(Submission.State(each.state)), default=None)


def _given(notice: Notice) -> QuerySet[Submission]:
    return Submission.objects.filter(
        owner=notice.sender_id, relying=notice.receiver_id, state__in=list(_SUBMITTED)
    ).select_related("partnership", "owner", "relying")


def _replacement(notice: Notice, link: Mapping[str, str]) -> Certificate | None:
    """Return the sender's certificate that a link "old serial -> new serial" names, when it can only be one."""
    number = serial(link["new_serial"])
    among = Certificate.objects.filter(submissions__in=_given(notice)).filter(
        Q(serial__iexact=number) | Q(serial__iexact=f"0{number}")
    )
    if link.get("issuer"):
        among = among.filter(issuer__in=[link["issuer"], *names.texts_of(link["issuer"])])
    found = list(among.distinct()[:2])
    return found[0] if len(found) == 1 else None


def prepare(*, now: datetime) -> int:
    """Lay out the next version for each submission that waits for approval and that a notice announced; once for each notice.

    Only a notice of a key that the receiver has verified counts, and it approves nothing. What was prepared and no longer holds is
    closed. Safe to run at any time, by several workers. Returns how many proposals were made.
    """
    for draft in StoreDraft.objects.filter(state=StoreDraft.State.WAITING, proposed_by=None):
        alone(_drop_if_over, draft, now)
    waiting = (
        Submission.objects.filter(state=Submission.State.WAITING_FOR_APPROVAL)
        .exclude(store_drafts__state=StoreDraft.State.WAITING)
        .select_related("owner", "relying", "partnership")
        .defer("content", "signature")
    )
    return sum(alone(_prepare, submission, now) for submission in waiting)


def _prepare(submission: Submission, now: datetime) -> bool:
    brought = set(submission.places.values_list("certificate_id", flat=True))
    for notice in _announcing(submission):
        if not any(each.step is Step.APPROVE and each.sha256 in brought for each in of(notice)):
            continue
        if not signatures.is_verified(notice.signer_fingerprint, notice.receiver, now) or not _adds(submission):
            continue
        try:
            with transaction.atomic():
                proposals.prepare_submission(
                    submission=submission,
                    notice_label=notice.label,
                    now=now,
                    reason=f"{notice.title} ({notice.label}).",
                )
        except (IntegrityError, errors.Conflict):
            return False  # another worker, an officer or the partner was faster
        return True
    return False


def _announcing(submission: Submission) -> Iterable[Notice]:
    prepared = StoreDraft.objects.filter(submission=submission).exclude(notice_label="").values("notice_label")
    return (
        Notice.objects.filter(sender=submission.owner_id, receiver=submission.relying_id, rehearsal=False)
        .filter(kind__in=RENEWALS, state__in=ACTED_ON, key_verified=True)
        # What an officer withdrew is not laid out again.
        .exclude(label__in=prepared)
        .select_related("sender", "receiver")
        .order_by("sequence")
    )


def _adds(submission: Submission) -> bool:
    try:
        return bool(compositions.preview(submission).adds)
    except errors.Invalid:
        return False


def _drop_if_over(draft: StoreDraft, now: datetime) -> bool:
    notice = Notice.objects.filter(label=draft.notice_label).first()
    if notice is not None and notice.state not in (State.SUPERSEDED, State.WITHDRAWN):
        return False
    try:
        proposals.drop_prepared(draft=draft, now=now)
    except errors.Conflict:
        return False  # somebody was faster
    return True
