"""Notices in the browser: the list, the one that wakes you, and who is told when nobody answers."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.acknowledgements import night, queries, rules, services, showing
from notifications.acknowledgements.forms import AnswerForm, PolicyForm
from notifications.acknowledgements.rules import Answer
from portal import errors, pictures
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations import queries as organizations
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from trust.notices import effects, life
from trust.notices import queries as notices
from trust.notices.feed import queries as feed
from trust.notices.models import Notice
from trust.notices.rules import State as NoticeState

PAGE = 50
# What an open page asks for again: what presses, and what happened.
PARTS = {
    "due": "notifications/acknowledgements/_due.html",
    "timeline": "notifications/acknowledgements/_timeline.html",
}


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """List the notices for the organization, or those that it sent; overdue on top, rehearsals apart."""
    return _list(request, partnership=None)


@require_safe
def of_partnership(request: HttpRequest, slug: str) -> HttpResponse:
    """List the notices of one partnership."""
    organization = acting.of(request).require(Right.READ)
    return _list(request, partnership=partnerships.get(organization, slug))


def _list(request: HttpRequest, *, partnership: Any) -> HttpResponse:
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    sent = request.GET.get("tab") == "sent"
    found = notices.of(organization).filter(**({"sender": organization} if sent else {"receiver": organization}))
    if partnership is not None:
        found = found.filter(partnership=partnership)
    partner = partnership.other(organization) if partnership is not None else None
    found = queries.pressing_first(found.select_related("clock"), request.now)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    rows = [(each, queries.shown_state(each, _clock(each), request.now)) for each in page]
    context = {
        "rows": [row for row in rows if not row[0].rehearsal],
        "rehearsals": [row for row in rows if row[0].rehearsal],
        "page": page,
        "sent": sent,
        "partnership": partnership,
        "partner": partner,
        "trail": [("Partnerships", reverse("partnerships")), (partner, reverse("partnership", args=[partnership.slug]))]
        if partner
        else [],
        "may_send": actor.has(Right.SEND_NOTICE),
        "who_can": holders_sentence(Right.SEND_NOTICE),
        "waiting": queries.waiting(organization).count(),
        "silent_readers": feed.silent(organization, request.now, partnership=partnership).count(),
    }
    return render(request, "notifications/acknowledgements/list.html", context)


def _clock(notice: Notice) -> Any:
    return notice.clock if hasattr(notice, "clock") else queries.clock_of(notice)


@require_safe
def short(request: HttpRequest, label: str) -> HttpResponse:
    """Go from the short link of mails and pagers to the notice."""
    organization = acting.of(request).require(Right.READ)
    return redirect("notice", label=notices.get(organization, label).label)


@require_safe
def notice(request: HttpRequest, label: str) -> HttpResponse:
    """Show one notice, or a part of it. Looking changes nothing; ``Accept: text/plain`` gives the same as text."""
    return _notice(request, label)


def _notice(request: HttpRequest, label: str, status: int = 200, form: AnswerForm | None = None) -> HttpResponse:
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    found = notices.get(organization, label)
    view = showing.view(found, organization, request.now)
    if request.headers.get("Accept", "").startswith("text/plain"):
        return HttpResponse(night.text(view, request.now), content_type="text/plain; charset=utf-8")
    context = {
        "view": view,
        "notice": found,
        "form": form or AnswerForm(),
        "may_answer": actor.has(Right.ACKNOWLEDGE),
        "may_remove": actor.has(Right.PUBLISH_REMOVAL),
        "who_answers": holders_sentence(Right.ACKNOWLEDGE),
        "who_removes": holders_sentence(Right.PUBLISH_REMOVAL),
        "may_send": actor.has(Right.SEND_NOTICE),
        "may_close": actor.has(Right.ACKNOWLEDGE),
        "removable": bool(view.affected)
        and found.state == NoticeState.ANNOUNCED
        and found.key_verified
        and not found.rehearsal,
        "standings": showing.standings(found, request.now) if view.received else [],
    }
    template = PARTS.get(request.GET.get("part", ""), "notifications/acknowledgements/notice.html")
    return render(request, template, context, status=status)


@require_POST
def acknowledge(request: HttpRequest, label: str) -> HttpResponse:
    """Acknowledge a notice."""
    actor, found = _mine(request, label)
    # The page says who has it, to whoever pressed first and to whoever came second; it needs no message that goes away.
    services.answer(notice=found, actor=actor, now=request.now, answer=Answer.ACKNOWLEDGED)
    return redirect("notice", label=found.label)


@require_POST
def answer(request: HttpRequest, label: str) -> HttpResponse:
    """Say that a notice is done, or that the organization cannot act."""
    actor, found = _mine(request, label)
    actor.require(Right.ACKNOWLEDGE)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _notice(request, label, status=400, form=form)
    try:
        services.answer(
            notice=found,
            actor=actor,
            now=request.now,
            answer=Answer(form.cleaned_data["answer"]),
            message=form.cleaned_data["message"],
            evidence_sha256=form.cleaned_data["evidence_sha256"].lower(),
        )
    except errors.Invalid as refusal:
        add_errors(form, refusal)
        return _notice(request, label, status=400, form=form)
    messages.success(request, f"{found.sender.name} was told.")
    return redirect("notice", label=found.label)


@require_POST
def opened(request: HttpRequest, label: str) -> HttpResponse:
    """Write down that the reader has it open. The page's script sends this; without scripts nothing is lost."""
    actor, found = _mine(request, label)
    services.note_opened(notice=found, actor=actor, now=request.now)
    return HttpResponse(status=204)


@require_POST
def close(request: HttpRequest, label: str) -> HttpResponse:
    """Close a notice that the services have adopted."""
    actor, found = _mine(request, label)
    try:
        life.close(notice=found, actor=actor, now=request.now)
    except errors.Conflict as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, f"{found.label} is closed.")
    return redirect("notice", label=found.label)


@require_POST
def remove_now(request: HttpRequest, label: str) -> HttpResponse:
    """Publish the stores without the revoked certificate before its time: the emergency lane."""
    actor, found = _mine(request, label)
    try:
        done = effects.publish_removal_early(notice=found, actor=actor, now=request.now)
    except errors.Conflict as refusal:
        messages.error(request, f"{refusal.sentence} {refusal.fix}".strip())
        return redirect("notice", label=label)
    stores = ", ".join(f"{each['store']} v{each['version']}" for each in done.effects if "version" in each)
    due = request.now + timedelta(hours=24)
    messages.success(
        request, f"Published {stores}. Another security officer is asked to review it by {due:%d %b, %H:%M} UTC."
    )
    return redirect("notice", label=label)


def _mine(request: HttpRequest, label: str) -> tuple[Any, Notice]:
    actor = acting.of(request)
    return actor, notices.get(actor.require(Right.READ), label)


@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """Show and change who is told when nobody acknowledges, with a picture for each kind of clock."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    steps = queries.policy_of(organization)
    members = [(str(each.pk), str(each.user)) for each in organizations.members_of(organization)]
    form = PolicyForm(request.POST or None, members=members, steps=steps)
    shown = steps
    if request.method == "POST":
        actor.require(Right.MANAGE_MEMBERS)
        if form.is_valid() and "preview" in request.POST:
            try:
                shown = services.usable_policy(organization, form.steps())
            except errors.Invalid as refusal:
                add_errors(form, refusal)
        elif form.is_valid():
            try:
                services.change_policy(actor=actor, now=request.now, steps=form.steps())
            except errors.Invalid as refusal:
                add_errors(form, refusal)
            else:
                messages.success(request, "Saved. It counts for notices that come from now on.")
                return redirect("escalation_policy")
    context = {
        "form": form,
        "steps": [(each, queries.told(queries.members_of_step(organization, each))) for each in shown],
        "previews": _previews(shown, request.now),
        "unsaved": shown != steps,
        "may_change": actor.has(Right.MANAGE_MEMBERS),
        "who_can": holders_sentence(Right.MANAGE_MEMBERS),
    }
    return render(request, "notifications/acknowledgements/policy.html", context, status=400 if form.errors else 200)


def _previews(steps: Any, now: Any) -> list[tuple[str, Any]]:
    found = []
    for example in rules.EXAMPLES:
        end = now + example.within
        plan = rules.plan(steps, received_at=now, acknowledge_by=end, urgent=example.urgent)
        marks = [pictures.Mark(each.at, f"Level {each.level}") for each in plan if each.mark is rules.Mark.ESCALATE]
        found.append((example.label, pictures.clock(start=now, deadline=end, now=now, marks=marks)))
    return found
