"""Pages about mail: what is mailed to oneself, to which key it is encrypted, and the portal's own key."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.mail import bounces, keys, preferences
from notifications.mail.forms import KeyForm, PreferenceForm
from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.models import Membership, User
from portal.organizations.rules import Right, Role
from portal.partnerships import contact_queries
from portal.partnerships.models import Contact


def _member(request: HttpRequest) -> tuple[acting.Actor, Membership, User]:
    actor = acting.of(request)
    if actor.membership is None or actor.user is None:
        raise errors.NotFound()
    return actor, actor.membership, actor.user


@require_http_methods(["GET", "HEAD", "POST"])
def preference(request: HttpRequest) -> HttpResponse:
    """Choose what is mailed at once, what once a day, and what not."""
    actor, membership, _ = _member(request)
    wish = preferences.of(membership)
    form = PreferenceForm(request.POST or None, initial={"tasks": wish.tasks, "news": wish.news})
    if request.method == "POST" and form.is_valid():
        preferences.change(actor=actor, now=request.now, **form.cleaned_data)
        messages.success(request, "Saved. It counts for what happens from now on.")
        return redirect("mail_preference")
    return _page(request, form=form, key_form=KeyForm())


def _page(request: HttpRequest, *, form: PreferenceForm, key_form: KeyForm) -> HttpResponse:
    _, membership, user = _member(request)
    told = membership.role in (Role.OFFICER, Role.VERIFIER) or (membership.responder and membership.role != Role.VIEWER)
    context = {
        "form": form,
        "key_form": key_form,
        "key": keys.of_user(user),
        "mail_key": keys.in_force(request.now),
        "responds": told,
        "person": user,
    }
    broken = form.errors or key_form.errors
    return render(request, "notifications/mail/preference.html", context, status=400 if broken else 200)


@require_POST
def own_key(request: HttpRequest) -> HttpResponse:
    """Encrypt mail to oneself from now on, or no longer."""
    actor, membership, user = _member(request)
    found = keys.of_user(user)
    if "remove" in request.POST:
        if found is not None:
            keys.remove(key=found, actor=actor, now=request.now)
            messages.success(request, "Removed. Mail to you is signed and not encrypted from now on.")
        return redirect("mail_preference")
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            keys.set_own(actor=actor, block=form.cleaned_data["block"], now=request.now)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "Mail to you is encrypted to this key from now on.")
            return redirect("mail_preference")
    wish = preferences.of(membership)
    return _page(request, form=PreferenceForm(initial={"tasks": wish.tasks, "news": wish.news}), key_form=form.forget())


@require_POST
def works(request: HttpRequest) -> HttpResponse:
    """Say that mail arrives again."""
    try:
        bounces.say_it_works(actor=acting.of(request), now=request.now)
    except errors.Conflict as refusal:
        messages.info(request, refusal.sentence)
    else:
        messages.success(request, "Thank you. You are mailed as you wish again.")
    return redirect("mail_preference")


@require_http_methods(["GET", "HEAD", "POST"])
def contact_key(request: HttpRequest, contact_id: str) -> HttpResponse:
    """Encrypt mail to a contact of the own directory who has no login, or no longer."""
    actor = acting.of(request)
    organization = actor.require(Right.EDIT_CONTACTS)
    contact: Contact = contact_queries.get(organization, contact_id)
    if contact.organization_id != organization.pk or contact.membership_id is not None:
        raise errors.NotFound()
    found = keys.of_contact(contact)
    form = KeyForm(request.POST if request.method == "POST" and "remove" not in request.POST else None)
    if request.method == "POST" and "remove" in request.POST:
        if found is not None:
            keys.remove(key=found, actor=actor, now=request.now)
        return redirect("contact", contact_id=contact.pk)
    if request.method == "POST" and form.is_valid():
        try:
            keys.set_for_contact(contact=contact, actor=actor, block=form.cleaned_data["block"], now=request.now)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"Mail to {contact.name} is encrypted to this key from now on.")
            return redirect("contact", contact_id=contact.pk)
    context = {"form": form.forget(), "contact": contact, "key": found}
    return render(request, "notifications/mail/contact_key.html", context, status=400 if form.errors else 200)


@login_not_required
@require_safe
def public_key(request: HttpRequest) -> HttpResponse:
    """Give everybody the keys with which the portal signs mail and signed it before (RFC 3156 section 7)."""
    found = keys.published()
    if not found:
        raise errors.NotFound("The portal has no mail key, so its mail is not signed.")
    answer = HttpResponse("".join(each.public_block for each in found), content_type="application/pgp-keys")
    answer["Content-Disposition"] = 'attachment; filename="mail-key.asc"'
    return answer
