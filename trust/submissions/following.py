"""Submissions follow what happens to the fingerprints and keys they stand on. Called inside the fact's transaction."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from portal.audit.services import Acting, record
from portal.organizations import acting
from trust.keys import queries as keys
from trust.keys.models import OpenPgpKey
from trust.submissions import rules, standing
from trust.submissions.deciding import hold
from trust.submissions.models import Submission, SubmissionCertificate
from trust.submissions.rules import Action, State
from trust.submissions.signals import submission_over
from trust.verifications.models import ItemKind, VerificationRequest

_KINDS = {
    Action.ASK_FOR_CALL: "call_needed",
    Action.ASK_FOR_APPROVAL: "approval_needed",
    Action.QUARANTINE: "quarantined",
    Action.LOSE_KEY: "key_lost",
}


def follow_verification(*, request: VerificationRequest, actor: Acting, now: datetime) -> None:
    """Move the submissions that stand on a fingerprint to what they wait for now."""
    for submission in _standing_on(request):
        held = hold(submission)
        _move(held, standing.waits_for(held, now), actor=actor, now=now)


def recheck_waiting(*, now: datetime) -> int:
    """Move waiting submissions whose grounds moved without a call: a verification became too old, a trusted anchor was
    withdrawn, other terms came into force. Return how many moved; idempotent.
    """
    moved = 0
    for pk in list(Submission.objects.filter(state__in=rules.WAITING).values_list("pk", flat=True)):
        with transaction.atomic():
            held = hold(Submission(pk=pk))
            before = held.state
            if before in rules.WAITING:
                _move(held, standing.waits_for(held, now), actor=acting.PORTAL, now=now)
            moved += held.state != before
    return moved


def _standing_on(request: VerificationRequest) -> Iterable[Submission]:
    found = Submission.objects.filter(owner=request.owner_id, relying=request.relying_id)
    if request.item_kind == ItemKind.CERTIFICATE:
        anchor = SubmissionCertificate.Role.ANCHOR
        found = found.filter(places__certificate=request.fingerprint, places__role=anchor)
    elif request.item_kind == ItemKind.OPENPGP_KEY:
        found = found.filter(signer_fingerprint=request.fingerprint)
    elif request.item_kind == ItemKind.PACKAGE:
        found = found.filter(content_sha256=request.fingerprint)
    else:
        return []
    waiting = list(found.filter(state__in=rules.WAITING).order_by("number"))
    # A quarantine stays on what was quarantined. Only the upload that came after it can go on.
    latest = found.order_by("-number").first()
    return [*waiting, latest] if latest is not None and latest.state == State.QUARANTINED else waiting


def hold_for_key(*, key: OpenPgpKey) -> None:
    """Lock the key and what waits with its signature, in this order, for ``follow_key`` at the end of the transaction.

    The caller holds the partnerships of the key's organization.
    """
    OpenPgpKey.objects.select_for_update(of=("self",), no_key=True).get(pk=key.pk)
    list(_waiting_with(key).select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _waiting_with(key: OpenPgpKey) -> QuerySet[Submission]:
    return Submission.objects.filter(
        owner=key.organization_id, signer_fingerprint=key.fingerprint, state__in=rules.WAITING
    )


def follow_key(*, key: OpenPgpKey, actor: Acting, now: datetime) -> None:
    """Refuse what waits and was signed by a key that was revoked or replaced; what was accepted before is the stores'."""
    for submission in _waiting_with(key).order_by("number"):
        held = hold(submission)
        held.refusal_code = "key_lost"
        _move(held, Action.LOSE_KEY, actor=actor, now=now)


def _move(held: Submission, action: Action, *, actor: Acting, now: datetime) -> None:
    if not rules.may(held.state, action):
        return
    held.state = rules.after(held.state, action)
    held.save(update_fields=["state", "refusal_code"])
    key = keys.of(held.owner).filter(fingerprint=held.signer_fingerprint).first()
    if action is Action.ASK_FOR_CALL and key is not None:
        standing.ask_for_calls(held, key=key, uploader=held.uploaded_by, actor=actor, now=now, again=True)
    record(
        f"submission.{_KINDS[action]}",
        now=now,
        actor=actor,
        organization_id=held.relying_id,
        partnership_id=held.partnership_id,
        subject=("submission", held.pk),
        data={"number": held.number, "state": held.state},
    )
    if held.state not in rules.WAITING:
        submission_over.send(Submission, submission=held, actor=actor, now=now)
