"""Pages that begin, suspend and end a partnership. The overview itself is the dashboard's."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting, mailing
from portal.organizations.acting import Actor
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries, services
from portal.partnerships.forms import AcceptForm, InvitePartnerForm, ReasonForm
from portal.partnerships.rules import Action
from portal.partnerships.services import PartnerInvited


def _link(request: HttpRequest, secret: str) -> str:
    return f"{mailing.link('').removesuffix('/join//')}/partner/{secret}/"


def _mail(request: HttpRequest, actor: Actor, invited: PartnerInvited) -> str:
    assert actor.organization is not None
    text = render_to_string(
        "mail/partner_invitation.txt",
        {
            "organization": actor.organization.name,
            "inviter": actor.label,
            "name": invited.invitation.contact_name,
            "link": _link(request, invited.secret),
            "days": services.LIFETIME.days,
        },
    )
    subject = f"{actor.organization.name} invites you to exchange trust"
    mailing.send_after_commit(subject=subject, text=text, to=invited.invitation.email)
    return text


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite a partner; afterwards show the link once, with a copy of the mail."""
    actor = acting.of(request)
    actor.require(Right.MANAGE_PARTNERSHIPS)
    form = InvitePartnerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invited = services.invite_partner(**form.cleaned_data, actor=actor, now=request.now)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            text = _mail(request, actor, invited)
            context = {"invitation": invited.invitation, "link": _link(request, invited.secret), "text": text}
            return render(request, "portal/partnerships/invited.html", context)
    return render(request, "portal/partnerships/invite.html", {"form": form}, status=400 if form.errors else 200)


@require_POST
def withdraw(request: HttpRequest, invitation_id: str) -> HttpResponse:
    """Withdraw an open invitation of a partner."""
    services.withdraw_invitation(invitation_id=invitation_id, actor=acting.of(request), now=request.now)
    messages.success(request, "Invitation withdrawn. Its link no longer works.")
    return redirect("partnerships")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, secret: str) -> HttpResponse:
    """Accept a partner's invitation, as the organization that one acts for, or as a new one."""
    invitation = services.open_invitation_for(secret, request.now)
    actor: Actor | None = request.actor
    if actor is not None and actor.organization is not None:
        return _accept_for_own(request, secret, actor, invitation)
    form = AcceptForm(
        request.POST or None, initial={"company": invitation.invited_name, "admin_name": invitation.contact_name}
    )
    if request.method == "POST" and form.is_valid():
        try:
            _, invited = services.accept_as_new_organization(secret=secret, **form.cleaned_data, now=request.now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("join", secret=invited.secret)
    context = {"form": form, "invitation": invitation}
    return render(request, "portal/partnerships/accept_new.html", context, status=400 if form.errors else 200)


def _accept_for_own(request: HttpRequest, secret: str, actor: Actor, invitation) -> HttpResponse:
    if request.method == "POST":
        partnership = services.accept_invitation(secret=secret, actor=actor, now=request.now)
        messages.success(
            request, f"You and {invitation.organization.name} are partners now. Next: the onboarding checklist."
        )
        return redirect("partnership", slug=partnership.slug)
    context = {
        "invitation": invitation,
        "may_accept": actor.has(Right.MANAGE_PARTNERSHIPS),
        "who_can": holders_sentence(Right.MANAGE_PARTNERSHIPS),
    }
    return render(request, "portal/partnerships/accept.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def state(request: HttpRequest, slug: str) -> HttpResponse:
    """Suspend, resume or end a partnership, with a reason."""
    actor = acting.of(request)
    organization = actor.require(Right.MANAGE_PARTNERSHIPS)
    partnership = queries.get(organization, slug)
    form = ReasonForm(request.POST or None, initial={"action": request.GET.get("action", "suspend")})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_state(
                partnership=partnership,
                action=Action(form.cleaned_data["action"]),
                reason=form.cleaned_data["reason"],
                actor=actor,
                now=request.now,
            )
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("partnership", slug=slug)
    context = {"form": form, "partnership": partnership, "partner": partnership.other(organization)}
    return render(request, "portal/partnerships/state.html", context, status=400 if form.errors else 200)
