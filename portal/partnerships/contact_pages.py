"""Pages of the contact directory: one's own, and the partner's as it may be called."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right, Role, holders_sentence
from portal.partnerships import contact_queries, contact_rules, contact_services, queries
from portal.partnerships.contact_forms import DetailsForm, NewContactForm, NumberForm, ReportForm
from portal.partnerships.models import Contact


def _row(contact: Contact, actor: Actor, now: Any) -> dict[str, Any]:
    """Return a contact with what a page about it shows; a viewer sees no whole number."""
    last = contact_queries.last_confirmed_at(contact)
    sees_number = actor.membership is None or actor.membership.role != Role.VIEWER
    return {
        "contact": contact,
        "state": contact.state_at(now),
        "obstacle": contact.obstacle_at(now),
        "number": contact.phone_spaced if sees_number else contact.phone_masked,
        "dial": contact.phone if sees_number and contact.obstacle_at(now) is None else "",
        "last_confirmed_at": last,
        "review_due": contact_queries.is_due_for_review(contact, now),
    }


@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    """One's own directory."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    now = request.now  # type: ignore[attr-defined]
    context = {
        "rows": [_row(contact, actor, now) for contact in contact_queries.of(organization)],
        "warnings": contact_queries.warnings(organization, now),
        "may_edit": actor.has(Right.EDIT_CONTACTS),
        "who_can": holders_sentence(Right.EDIT_CONTACTS),
    }
    return render(request, "portal/partnerships/contacts.html", context)


@require_safe
def partnership_contacts(request: HttpRequest, slug: str) -> HttpResponse:
    """The partner's directory and one's own, for one partnership."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    partnership = queries.get(organization, slug)
    now = request.now  # type: ignore[attr-defined]
    context = {
        "partnership": partnership,
        "partner": partnership.other(organization),
        "theirs": [_row(each, actor, now) for each in contact_queries.of_partner(partnership, organization)],
        "ours": [_row(each, actor, now) for each in contact_queries.of(organization)],
    }
    return render(request, "portal/partnerships/partnership_contacts.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Add a contact."""
    actor = acting.of(request)
    organization = actor.require(Right.EDIT_CONTACTS)
    form = NewContactForm(request.POST or None, organization=organization)
    if request.method == "POST" and form.is_valid():
        try:
            contact = contact_services.add_contact(actor=actor, now=request.now, **form.cleaned_data)  # type: ignore[attr-defined]
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{contact.name} is in the directory. The number has to be confirmed next.")
            return redirect("contact", contact_id=contact.pk)
    return render(request, "portal/partnerships/contact_new.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
def contact(request: HttpRequest, contact_id: str) -> HttpResponse:
    """One contact: the number, who confirmed it, and its history."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    found = contact_queries.get(organization, contact_id)
    ours = contact_queries.may_be_edited_by(found, actor)
    user_id = actor.user.pk if actor.user else None
    itself = found.membership is not None and found.membership.user_id == user_id
    context = _row(found, actor, request.now) | {  # type: ignore[attr-defined]
        "ours": ours,
        "may_edit": ours and actor.has(Right.EDIT_CONTACTS) and not found.retired_at,
        "may_call": actor.has(Right.CALL) and not found.retired_at,
        "may_vouch": ours and not itself and not found.retired_at,
        "itself": itself,
        "entered": found.number_entered_by_id == user_id,
        "who_calls": holders_sentence(Right.CALL),
        "who_edits": holders_sentence(Right.EDIT_CONTACTS),
        "report_form": ReportForm(),
        "history": contact_queries.history(found) if ours else [],
    }
    return render(request, "portal/partnerships/contact.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, contact_id: str) -> HttpResponse:
    """Change anything but the number."""
    actor = acting.of(request)
    found = contact_queries.get(actor.require(Right.EDIT_CONTACTS), contact_id)
    names = DetailsForm.base_fields
    form = DetailsForm(request.POST or None, initial={name: getattr(found, name) for name in names})
    if request.method == "POST" and form.is_valid():
        try:
            contact_services.edit_contact(contact=found, actor=actor, now=request.now, **form.cleaned_data)  # type: ignore[attr-defined]
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            return redirect("contact", contact_id=found.pk)
    context = {"form": form, "contact": found}
    return render(request, "portal/partnerships/contact_edit.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def change_number(request: HttpRequest, contact_id: str) -> HttpResponse:
    """Change the number, after saying what that means."""
    actor = acting.of(request)
    found = contact_queries.get(actor.require(Right.EDIT_CONTACTS), contact_id)
    form = NumberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            contact_services.change_number(
                contact=found,
                phone=form.cleaned_data["phone"],
                actor=actor,
                now=request.now,  # type: ignore[attr-defined]
            )
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "The number is changed. It cools off for 72 hours, and all contacts are told.")
            return redirect("contact", contact_id=found.pk)
    context = {
        "form": form,
        "contact": found,
        "usable_from": request.now + contact_rules.COOL_OFF,  # type: ignore[attr-defined]
        "others": contact_queries.alternatives_to(found, request.now),  # type: ignore[attr-defined]
    }
    return render(request, "portal/partnerships/contact_number.html", context, status=400 if form.errors else 200)


ACTS = {
    "called": (contact_services.confirm_by_call, "The call is on record."),
    "vouch": (contact_services.confirm_by_contact, "You vouched for the number."),
    "still-right": (contact_services.still_right, "The entry is still right."),
    "retire": (contact_services.retire_contact, "The contact is retired."),
    "report": (contact_services.report_wrong, "The number is reported as wrong and cannot be used."),
}


@require_POST
def act(request: HttpRequest, contact_id: str, act: str) -> HttpResponse:
    """Confirm, review, report or retire."""
    actor = acting.of(request)
    found = contact_queries.get(actor.require(Right.READ), contact_id)
    if act not in ACTS:
        raise errors.NotFound()
    service, said = ACTS[act]
    more = {"reason": request.POST.get("reason", "").strip()[:300]} if act == "report" else {}
    try:
        service(contact=found, actor=actor, now=request.now, **more)  # type: ignore[attr-defined,operator]
    except errors.StepUpRequired:
        raise
    except (errors.NotAllowed, errors.Conflict, errors.Invalid) as refusal:
        if refusal.code == "role_missing":
            raise
        messages.error(request, f"{refusal.sentence} {refusal.fix}".strip())
    else:
        messages.success(request, said)
    return redirect("contact", contact_id=found.pk)
