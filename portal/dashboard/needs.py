"""What needs the acting member: one list of tasks from every feature, most urgent first.

Each provider answers for one organization with a bounded number of queries, whatever the number of partnerships. A row leaves
when its task is done, never when it was read.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from django.urls import reverse

from portal.dashboard import addresses, alarms, duties, grounds, revocations
from portal.dashboard.desk import Desk
from portal.dashboard.need import LIMIT, Need
from portal.organizations import queries as organizations
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import contact_queries
from trust.keys.models import OpenPgpKey
from trust.stores import queries as stores
from trust.submissions.models import Submission
from trust.verifications import queries as verifications
from trust.verifications.models import VerificationRequest

logger = logging.getLogger(__name__)
Provider = Callable[[Desk], Iterable[Need]]


def calls_to_make(desk: Desk) -> Iterable[Need]:
    """Fingerprints of partners that wait for a call from this organization."""
    if not desk.actor.has(Right.CALL):
        return
    for request in desk.requests[VerificationRequest.State.WAITING]:
        yield Need(
            title=f"Verify {request.label} of {request.owner.name} by phone",
            sentence=f"{request.source_label}. Nothing counts until this is done.",
            url=reverse("verifications", args=[request.partnership.slug]),
            icon="phone-call",
            tint="warn",
            tag="Waiting for call",
            partnership_id=request.partnership_id,
        )


def verifications_to_approve(desk: Desk) -> Iterable[Need]:
    """Recorded calls about keys that wait for a second person. Anchors are approved with their submission."""
    if not desk.actor.has(Right.APPROVE):
        return
    for request in desk.requests[VerificationRequest.State.RECORDED]:
        yield Need(
            title=f"Approve the verification of {request.label} of {request.owner.name}",
            sentence="The call is recorded. A security officer who did not make it approves.",
            url=reverse("verifications", args=[request.partnership.slug]),
            icon="shield-half",
            tint="warn",
            tag="Waiting for approval",
            partnership_id=request.partnership_id,
        )


def submissions_to_approve(desk: Desk) -> Iterable[Need]:
    """Submissions of partners whose anchors are verified and that wait for a second person."""
    if not desk.actor.has(Right.APPROVE):
        return
    labels = {draft.submission_id: draft.notice_label for draft in desk.drafts if draft.proposed_by is None}
    for submission in desk.submissions[Submission.State.WAITING_FOR_APPROVAL]:
        yield Need(
            title=f"Approve submission {submission.number} of {submission.owner.name}",
            sentence=f"Notice {labels[submission.pk]} announced it. Nothing of it is trusted before two people of yours say so."
            if submission.pk in labels
            else "It publishes the next version of your trust store.",
            url=reverse("submission", args=[submission.partnership.slug, submission.number]),
            icon="shield-half",
            tint="warn",
            tag="Waiting for approval",
            partnership_id=submission.partnership_id,
        )


def submissions_quarantined(desk: Desk) -> Iterable[Need]:
    """Submissions of either side whose fingerprint did not match. They stay first until somebody wrote what happened."""
    for submission in desk.submissions[Submission.State.QUARANTINED]:
        yield Need(
            title=f"Mismatch: submission {submission.number} of {submission.owner.name} is quarantined",
            sentence="The fingerprint that was read is not the one in the portal. Do not ask for another upload and try again.",
            url=reverse("submission", args=[submission.partnership.slug, submission.number]),
            icon="alert-circle",
            tint="bad",
            tag="Quarantined",
            partnership_id=submission.partnership_id,
        )


def keys_to_prove(desk: Desk) -> Iterable[Need]:
    """Own OpenPGP keys that were uploaded and not proven."""
    if not desk.actor.has(Right.UPLOAD):
        return
    for key in [each for each in desk.keys if each.state == OpenPgpKey.State.UPLOADED][:LIMIT]:
        yield Need(
            title="Prove that you hold your OpenPGP key",
            sentence="Sign a short text with it. Until then your partners cannot verify it.",
            url=reverse("key", args=[key.pk]),
            icon="key",
            tint="warn",
            tag="Uploaded",
        )


def proposals_to_publish(desk: Desk) -> Iterable[Need]:
    """Changes of trust stores that another officer proposed."""
    if not desk.actor.has(Right.PUBLISH_ADDITION):
        return
    for draft in desk.drafts:
        # What was prepared because of a notice is said with its submission, which waits for approval.
        if draft.proposed_by is not None and str(draft.proposed_by_id) != desk.actor.id:
            yield Need(
                title=f"Publish or withdraw what {draft.proposed_by} proposed",
                sentence=f"{draft.get_kind_display()}. It adds trust, so a second security officer must publish it.",
                url=reverse("store_draft", args=[draft.pk]),
                icon="hourglass",
                tint="warn",
                tag="Waiting for approval",
            )


def removals_to_review(desk: Desk) -> Iterable[Need]:
    """Removals that one person published alone, to be looked at by another within 24 hours."""
    if not desk.actor.has(Right.APPROVE):
        return
    for version in stores.waiting_reviews(desk.own)[:LIMIT]:
        if str(version.published_by_id) != desk.actor.id:
            yield Need(
                title=f"Review {version.store.name} v{version.number}",
                sentence=f"{version.published_by_label} removed trust alone. Somebody else looks at it.",
                url=reverse("trust_store_version", args=[version.store.name, version.number]),
                icon="eye",
                tint="warn",
                tag="Review",
                due_at=version.review_due_at,
                partnership_id=version.store.partnership_id,
            )


def mismatches_to_write_about(desk: Desk) -> Iterable[Need]:
    """Mismatches about which no officer of this organization has written yet. They stay first, on both sides."""
    for call in verifications.mismatches_without_statement(desk.own)[:LIMIT]:
        yield Need(
            title=f"Mismatch: {call.request.source_label} is quarantined",
            sentence=f"The fingerprints of {call.request.label} are different. An officer of each side writes what happened.",
            url=reverse("verification_record", args=[call.partnership.slug, call.number]),
            icon="alert-circle",
            tint="bad",
            tag="Mismatch",
            partnership_id=call.partnership_id,
        )


def calls_to_join(desk: Desk) -> Iterable[Need]:
    """Calls, running or booked, in which the member is the contact who reads."""
    if desk.actor.user is None:
        return
    for call in verifications.calls_to_join(desk.actor.user, desk.own)[:LIMIT]:
        booked = call.state == "booked"
        yield Need(
            title=f"{call.request.relying.name} {'will call' if booked else 'calls'} you about {call.request.label}",
            sentence="Confirm one of the proposed times."
            if booked and call.booked_for is None
            else "Have your own record at hand, and read from it.",
            url=reverse("verification_call", args=[call.partnership.slug, call.number]),
            icon="phone-call",
            tint="info" if booked else "warn",
            tag="Booked" if booked else "On the phone now",
            due_at=call.booked_for,
            partnership_id=call.partnership_id,
        )


def contacts_to_review(desk: Desk) -> Iterable[Need]:
    """What the own contact directory lacks, and entries that nobody has said to be right for a quarter."""
    if not desk.actor.has(Right.EDIT_CONTACTS):
        return
    for contact in [each for each in desk.contacts if contact_queries.is_due_for_review(each, desk.now)]:
        yield Need(
            title=f"Is the entry of {contact.name} still right?",
            sentence="Partners call this number to verify a fingerprint. Say that it is right, or change it.",
            url=reverse("contact", args=[contact.pk]),
            icon="phone",
            tint="info",
            tag="Quarterly",
        )


def too_few_people(desk: Desk) -> Iterable[Need]:
    """What the organization cannot do for want of people."""
    for sentence in organizations.people_warnings(desk.own):
        head, _, rest = sentence.partition(". ")
        yield Need(title=f"{head.rstrip('.')}.", sentence=rest, url=reverse("members"), icon="users", tint="warn")


# Features add theirs here, in the order in which equals are shown.
PROVIDERS: list[Provider] = [
    alarms.notices_to_acknowledge,
    alarms.notices_from_unverified_keys,
    alarms.notices_to_finish,
    mismatches_to_write_about,
    revocations.disagreements,
    grounds.versions_signed_by_revoked_keys,
    submissions_quarantined,
    calls_to_join,
    duties.consumers_with_withdrawn_certificates,
    calls_to_make,
    submissions_to_approve,
    verifications_to_approve,
    removals_to_review,
    proposals_to_publish,
    duties.agreements_to_sign,
    duties.waivers_to_answer,
    keys_to_prove,
    duties.keys_that_run_out,
    revocations.addresses_in_trouble,
    duties.webhooks_that_fail,
    duties.consumers_that_are_silent,
    duties.feed_readers_that_are_silent,
    duties.consumer_tokens_that_run_out,
    addresses.mail_that_came_back,
    contacts_to_review,
    duties.gaps_in_the_directory,
    duties.onboarding_to_finish,
    too_few_people,
]
_TINTS = {"bad": 0, "warn": 1, "info": 2}
_NEVER = datetime.max.replace(tzinfo=UTC)


def of(actor: Actor, now: datetime) -> list[Need]:
    """Return what needs the actor, most urgent first: act-now before not-yet, then by deadline."""
    return gather(actor, now)[0]


def about(found: Iterable[Need], partnership_id: object) -> list[Need]:
    """Return those of the rows that are about one partnership, in their order."""
    return [need for need in found if need.partnership_id == partnership_id]


def gather(actor: Actor, now: datetime) -> tuple[list[Need], list[str]]:
    """Return what needs the actor, as ``of`` does, and the names of the parts that could not be read.

    One part that fails must not hide the others from whoever is on call; it is named on the page and logged.
    """
    desk = Desk(actor, now)
    rows: list[Need] = []
    failed: list[str] = []
    for provider in PROVIDERS:
        try:
            rows += provider(desk)
        except Exception:
            logger.exception("What needs a member could not be read: %s", provider.__name__)
            failed.append(provider.__name__.replace("_", " "))
    rows.sort(key=lambda need: (_TINTS[need.tint], need.due_at or _NEVER))
    return rows, failed
