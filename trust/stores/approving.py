"""The page on which an officer accepts a submission and publishes it: check the answers, see the effect, say why."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations import queries as people
from portal.organizations.acting import Actor
from portal.organizations.models import User
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from trust.stores import adoption, compositions, floor, proposals, rules, services, shown
from trust.stores.forms import ReasonForm
from trust.stores.models import StoreDraft, TrustStore
from trust.submissions import queries as submissions
from trust.submissions import standing
from trust.submissions.models import Submission
from trust.verifications import queries as verifications
from trust.verifications.models import Verification

WAITING = Submission.State.WAITING_FOR_APPROVAL


@require_http_methods(["GET", "HEAD", "POST"])
def submission_approve(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show what accepting a submission changes, and accept it with the next version, or send it to a second officer."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    submission = submissions.get(organization, partnerships.get(organization, slug), number)
    if submission.relying_id != organization.pk:
        raise errors.NotFound()
    if request.method == "POST":
        actor.require(Right.APPROVE)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _act(request, submission, actor, form.cleaned_data["reason"])
        except errors.StepUpRequired:
            raise
        except (errors.Invalid, errors.Conflict, errors.NotAllowed) as refusal:
            add_errors(form, refusal)
    context = _context(request, submission, actor) | {"form": form}
    return render(request, "trust/stores/approve.html", context, status=400 if form.errors else 200)


def _act(request: Any, submission: Submission, actor: Actor, reason: str) -> HttpResponse:
    if request.POST.get("act") == "propose":
        proposals.propose_submission(submission=submission, actor=actor, now=request.now, reason=reason)
        messages.success(request, "Sent for approval. A second security officer must publish it.")
        return redirect("submission_approve", submission.partnership.slug, submission.number)
    done = services.approve_and_publish(submission=submission, actor=actor, now=request.now, reason=reason)
    version = done.version
    if done.outcome == "unchanged":
        messages.success(request, f"Submission {submission.number} is accepted. {version} already held all of it.")
    else:
        messages.success(request, f"{version} is published. Services get it at their next pull.")
    return redirect("trust_store_version", version.store.name, version.number)


def _context(request: Any, submission: Submission, actor: Actor) -> dict[str, Any]:
    composition, problem = _preview(submission)
    draft = StoreDraft.objects.filter(submission=submission, state=StoreDraft.State.WAITING).first()
    calls = _calls(submission)
    name = compositions.name_for(submission)
    store = TrustStore.objects.filter(relying=submission.relying, name=name).first()
    taken = [call.verifier_id for _, call in calls if call] + [submission.uploaded_by_id]
    return {
        "submission": submission,
        "partnership": submission.partnership,
        "partner": submission.owner,
        "store": store,
        "store_name": name,
        "current_number": store.current_number if store else 0,
        "next_number": rules.next_number(floor.last_number(store) if store else 0),
        "composition": composition,
        "problem": problem,
        "sentence": shown.sentence(composition) if composition else "",
        "changes": shown.changes(composition) if composition else [],
        "calls": calls,
        "renewals": list(standing.renewed(submission, request.now).values()),
        "draft": draft,
        "newer": submissions.accepted_after(submission) if submission.state == WAITING else None,
        # Whoever may still have to type what a caller reads must not read it here.
        "hidden": not submissions.shows_fingerprints_to(submission, submission.relying),
        "waiting": submission.state == WAITING,
        "readiness": adoption.source.readiness(store, request.now) if store else None,
        "needs_second": _needs_second(composition, calls, draft, actor) if composition else False,
        "cannot": _why_not(submission, actor, calls, draft),
        "others": [
            each.user
            for each in people.officers_of(submission.relying, excluding=actor.user)
            if each.user_id not in taken
        ],
        "who_can": holders_sentence(Right.APPROVE),
        "trail": _trail(submission),
    }


def _trail(submission: Submission) -> list[tuple[str, str]]:
    slug = submission.partnership.slug
    return [
        (submission.owner.name, reverse("partnership", args=[slug])),
        (f"Submission {submission.number}", reverse("submission", args=[slug, submission.number])),
    ]


def _preview(submission: Submission) -> tuple[rules.Composition | None, errors.Refusal | None]:
    try:
        return compositions.preview(submission), None
    except errors.Invalid as refusal:
        return None, refusal


def _calls(submission: Submission) -> list[tuple[Any, Verification | None]]:
    """Return what had to be heard for the submission (key, package, anchors) with the recorded call about it."""
    found = []
    for kind, fingerprint in standing.items(submission):
        request = verifications.request_for(submission.relying, kind, fingerprint)
        if request is not None:
            found.append((request, verifications.recorded_call(request)))
    return found


def _first_people(composition: rules.Composition, calls: list, draft: StoreDraft | None) -> set[object]:
    added = {entry.sha256 for entry in composition.added if entry.role == rules.ANCHOR}
    callers = {call.verifier_id for request, call in calls if call and request.fingerprint in added}
    return callers | ({draft.proposed_by_id} if draft and draft.proposed_by_id else set())


def _needs_second(composition: rules.Composition, calls: list, draft: StoreDraft | None, actor: Actor) -> bool:
    """Say whether nobody but the asker stands behind the addition yet, so that it must go to another officer."""
    me = actor.user.pk if actor.user else None
    return composition.adds and not _first_people(composition, calls, draft) - {me, None}


def _why_not(submission: Submission, actor: Actor, calls: list, draft: StoreDraft | None) -> str:
    """Return why the asker cannot publish this, in a sentence; empty when they can try."""
    me: User | None = actor.user
    if not actor.has(Right.PUBLISH_ADDITION):
        return f"You cannot approve this. {holders_sentence(Right.APPROVE)}"
    if me is not None and submission.uploaded_by_id == me.pk:
        return "You uploaded this, so you cannot approve it."
    if me is not None and any(call and call.verifier_id == me.pk for _, call in calls):
        return "You made the call, so you cannot approve it."
    if draft is not None and me is not None and draft.proposed_by_id == me.pk:
        return "You sent this for approval, so you cannot publish it."
    return ""
