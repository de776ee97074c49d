"""The checklist of a partnership (S6), one page for each item, and going live."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.onboarding import board_rules, downloads, mailbox, queries, rules, services
from trust.onboarding.board_rules import Cell, Line, Status
from trust.onboarding.forms import CustomItemForm, EvidenceForm, MailboxForm, PlanForm, TemplateForm, content_of
from trust.onboarding.models import IncidentMailbox
from trust.onboarding.rules import Item


def opened(request: HttpRequest, slug: str, right: Right = Right.READ) -> tuple[Organization, Partnership]:
    """Return who acts and the partnership. Raises NotFound for strangers, NotAllowed without the right."""
    organization = acting.of(request).require(Right.READ)
    partnership = partnerships.get(organization, slug)
    if right is not Right.READ:
        acting.of(request).require(right)
    return organization, partnership


def base_context(request: HttpRequest, organization: Organization, partnership: Partnership) -> dict[str, Any]:
    """Return what every page below the checklist needs."""
    partner = partnership.other(organization)
    return {
        "partnership": partnership,
        "organization": organization,
        "partner": partner,
        "may_manage": acting.of(request).has(services.RIGHT),
        "may_upload": acting.of(request).has(Right.UPLOAD),
        "who_can": holders_sentence(services.RIGHT),
        "trail": [
            ("Partnerships", reverse("partnerships")),
            (partner.name, reverse("partnership", args=[partnership.slug])),
            ("Onboarding", reverse("onboarding", args=[partnership.slug])),
        ],
    }


def item_url(item: Item, partnership: Partnership) -> str:
    """Return the address of the page where an item is done; empty when there is none."""
    try:
        return reverse(item.page, args=[partnership.slug] if item.of_partnership else []) if item.page else ""
    except NoReverseMatch:
        return ""


@require_safe
def onboarding(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the checklist with both sides, who waits for whom, and going live."""
    organization, partnership = opened(request, slug)
    partner = partnership.other(organization)
    board, now = queries.board(partnership, request.now), request.now
    context = base_context(request, organization, partnership)
    nudging = partnership.state == Partnership.State.ONBOARDING and (context["may_manage"] or context["may_upload"])
    context |= {
        "board": board,
        "groups": [
            (
                name,
                [
                    (
                        line,
                        line.cell(organization.slug),
                        line.cell(partner.slug),
                        nudging and _waits(line, partner, now),
                    )
                    for line in lines
                ],
            )
            for name, lines in board.groups()
        ],
        "progress": board_rules.progress_sentence(
            board.lines, {organization.slug: organization.name, partner.slug: partner.name}
        ),
        "yours": [each for each in board.missing if each.side == organization.slug],
        "theirs": [each for each in board.missing if each.side == partner.slug],
        "ready": {each.organization_id for each in board.ready},
        "said_ready": any(each.organization_id == organization.pk for each in board.ready),
        "template_label": rules.TEMPLATE_WORDS[board.template][0],
        "is_onboarding": partnership.state == Partnership.State.ONBOARDING,
    }
    return render(request, "trust/onboarding/onboarding.html", context)


def _waits(line: Line, partner: Organization, now: datetime) -> bool:
    """Whether the partner can be reminded now of something that is needed and theirs to do."""
    cell = line.cell(partner.slug)
    theirs = cell.status in (Status.NOT_STARTED, Status.IN_PROGRESS, Status.PROBLEM)
    return line.required and theirs and board_rules.may_nudge(cell.said, now)


@require_http_methods(["GET", "HEAD", "POST"])
def task(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Show one item: why, what the portal sees on each side, evidence, and what one can do."""
    organization, partnership = opened(request, slug, services.RIGHT if request.method == "POST" else Right.READ)
    line = queries.board(partnership, request.now).line(key)
    mine = line.cell(organization.slug)
    form = PlanForm(request.POST or None, initial={"owner": mine.said.owner, "due_on": mine.said.due_on})
    if request.method == "POST" and form.is_valid():
        try:
            services.plan_task(
                actor=acting.of(request), partnership=partnership, key=key, now=request.now, **form.cleaned_data
            )
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "Saved.")
            return redirect("onboarding_task", slug=slug, key=key)
    return _task(request, organization, partnership, line, form, EvidenceForm())


def _task(
    request: HttpRequest,
    organization: Organization,
    partnership: Partnership,
    line: Line,
    form: PlanForm,
    evidence_form: EvidenceForm,
) -> HttpResponse:
    partner = partnership.other(organization)
    mine, theirs = line.cell(organization.slug), line.cell(partner.slug)
    context = base_context(request, organization, partnership) | {
        "line": line,
        "mine": mine,
        "theirs": theirs,
        "form": form,
        "evidence_form": evidence_form,
        "evidence": queries.evidence(partnership, line.item.key),
        "url": item_url(line.item, partnership),
        "may_complete": _may_complete(mine),
        "may_reopen": not mine.machine and mine.status is Status.COMPLETED,
        "may_nudge": theirs.status is not Status.COMPLETED and board_rules.may_nudge(theirs.said, request.now),
        "nudged_at": theirs.said.nudged_at,
        "own_item": queries.own_item_id(line.item.key) if line.item.custom else "",
    }
    failed = form.errors or evidence_form.errors
    return render(request, "trust/onboarding/task.html", context, status=400 if failed else 200)


def _may_complete(cell: Cell) -> bool:
    return not cell.machine and cell.status in (Status.NOT_STARTED, Status.IN_PROGRESS)


@require_POST
def act(request: HttpRequest, slug: str, key: str, act: str) -> HttpResponse:
    """Complete or reopen an item, or remind the other side of it."""
    _, partnership = opened(request, slug)
    actor = acting.of(request)
    if act == "complete":
        services.complete_task(actor=actor, partnership=partnership, key=key, now=request.now)
        messages.success(request, "Completed.")
    elif act == "reopen":
        services.reopen_task(actor=actor, partnership=partnership, key=key, now=request.now)
        messages.success(request, "Open again.")
    elif act == "nudge":
        services.nudge(actor=actor, partnership=partnership, key=key, now=request.now)
        messages.success(request, "Your partner is reminded.")
    else:
        raise errors.NotFound()
    if request.POST.get("from") == "checklist":
        return redirect("onboarding", slug=slug)
    return redirect("onboarding_task", slug=slug, key=key)


@require_POST
def evidence(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Take a file as evidence for an item."""
    organization, partnership = opened(request, slug, services.RIGHT)
    form = EvidenceForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            services.add_evidence(
                actor=acting.of(request),
                partnership=partnership,
                key=key,
                name=file.name,
                content=content_of(form, "file"),
                note=form.cleaned_data["note"],
                now=request.now,
            )
        except (errors.Invalid, errors.TooLarge) as refusal:
            form.add_error("file", f"{refusal.sentence} {refusal.fix}".strip())
        else:
            messages.success(request, "The evidence is kept.")
            return redirect("onboarding_task", slug=slug, key=key)
    line = queries.board(partnership, request.now).line(key)
    return _task(request, organization, partnership, line, PlanForm(), form)


@require_safe
def evidence_file(request: HttpRequest, slug: str, evidence_id: str) -> HttpResponse:
    """Send a piece of evidence as it was uploaded."""
    _, partnership = opened(request, slug)
    return downloads.of_evidence(queries.one_evidence(partnership, evidence_id))


@require_http_methods(["GET", "HEAD", "POST"])
def template(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose the kind of checklist."""
    organization, partnership = opened(request, slug, services.RIGHT)
    form = TemplateForm(request.POST or None, initial={"template": queries.template(partnership).value})
    if request.method == "POST" and form.is_valid():
        try:
            services.choose_template(
                actor=acting.of(request), partnership=partnership, now=request.now, **form.cleaned_data
            )
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("onboarding", slug=slug)
    context = base_context(request, organization, partnership) | {
        "form": form,
        "heading": "Choose the kind of partnership",
        "button": "Use this checklist",
    }
    return render(request, "trust/onboarding/form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def add_item(request: HttpRequest, slug: str) -> HttpResponse:
    """Add an item of one's own."""
    organization, partnership = opened(request, slug, services.RIGHT)
    form = CustomItemForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.add_item(actor=acting.of(request), partnership=partnership, now=request.now, **form.cleaned_data)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("onboarding", slug=slug)
    context = base_context(request, organization, partnership) | {
        "form": form,
        "heading": "Add an item",
        "button": "Add the item",
    }
    return render(request, "trust/onboarding/form.html", context, status=400 if form.errors else 200)


@require_POST
def remove_item(request: HttpRequest, slug: str, item_id: str) -> HttpResponse:
    """Remove an item that the own side added."""
    _, partnership = opened(request, slug, services.RIGHT)
    services.remove_item(actor=acting.of(request), partnership=partnership, item_id=item_id, now=request.now)
    return redirect("onboarding", slug=slug)


@require_POST
def go_live(request: HttpRequest, slug: str) -> HttpResponse:
    """Say that the own side is ready; with both, the partnership is active."""
    _, partnership = opened(request, slug, services.RIGHT)
    live = services.activate(actor=acting.of(request), partnership=partnership, now=request.now)
    if live.state == Partnership.State.ACTIVE:
        messages.success(request, "The partnership is live.")
        return redirect("partnership", slug=slug)
    messages.success(request, "Your side is ready. Your partner says so too, then the partnership is live.")
    return redirect("onboarding", slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
def incident_mailbox(request: HttpRequest) -> HttpResponse:
    """Name the organization's incident mailbox."""
    actor = acting.of(request)
    organization = actor.require(Right.MANAGE_DELIVERY)
    current = IncidentMailbox.objects.filter(organization=organization).first()
    form = MailboxForm(request.POST or None, initial={"address": current.address if current else ""})
    if request.method == "POST" and form.is_valid():
        try:
            mailbox.ask(actor=actor, address=form.cleaned_data["address"], now=request.now)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "The confirmation is mailed. Whoever reads the mailbox opens it.")
            return redirect("incident_mailbox")
    context = {"form": form, "mailbox": current}
    return render(request, "trust/onboarding/mailbox.html", context, status=400 if form.errors else 200)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_mailbox(request: HttpRequest, secret: str) -> HttpResponse:
    """Confirm a mailbox with the link that was mailed to it. Opening the page changes nothing."""
    if request.method == "POST":
        confirmed = mailbox.confirm(secret=secret, now=request.now)
        return render(request, "trust/onboarding/mailbox_confirmed.html", {"mailbox": confirmed})
    found = mailbox.by_secret(secret, request.now)
    return render(request, "trust/onboarding/mailbox_confirm.html", {"mailbox": found})
