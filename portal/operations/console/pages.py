"""The operator console. To everybody but operators there is nothing here."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.audit import sentences
from portal.forms import add_errors
from portal.operations import queries as readiness
from portal.operations.console import banner, queries
from portal.operations.console.forms import BannerForm, OrganizationForm, SuspendForm
from portal.organizations import acting, invitations, mailing, services, suspending
from portal.organizations.models import Membership, Organization

PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the portal does; a POST puts a banner on top of every page."""
    actor, now = acting.require_operator(request.actor), request.now
    form = BannerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            banner.put(**form.cleaned_data, actor=actor, now=now)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "It stands on top of every page within 15 seconds.")
            return redirect("operator")
    endpoints, sources = queries.endpoints_in_trouble(), queries.sources_in_trouble(now)
    context = {
        "checks": readiness.readiness(now),
        "queues": queries.queues(now),
        "messages_waiting": queries.messages(),
        "dead_letters": queries.dead_letters(now),
        "jobs": queries.job_rows(),
        "endpoints": endpoints[: queries.MOST],
        "endpoint_count": endpoints.count(),
        "sources": [(each, queries.host_of(each.url)) for each in sources[: queries.MOST]],
        "source_count": sources.count(),
        "storage": queries.storage(),
        "limits": queries.limits(),
        "current_banner": banner.current(now),
        "form": form,
    }
    return render(request, "portal/operations/overview.html", context, status=400 if form.errors else 200)


@require_POST
def take_down_banner(request: HttpRequest) -> HttpResponse:
    """Take down what stands on top of every page."""
    banner.take_down(actor=acting.require_operator(request.actor), now=request.now)
    messages.success(request, "Nothing stands on top of the pages any more.")
    return redirect("operator")


@require_safe
def organizations(request: HttpRequest) -> HttpResponse:
    """List the organizations with what an operator may know of them; ``?q=`` filters by name."""
    acting.require_operator(request.actor)
    search = request.GET.get("q", "").strip()[:80]
    page = Paginator(queries.organizations(search), PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/operations/organizations.html", {"page": page, "search": search})


@require_http_methods(["GET", "HEAD", "POST"])
def add_organization(request: HttpRequest) -> HttpResponse:
    """Create an organization; afterwards show the link for its first admin once."""
    actor = acting.require_operator(request.actor)
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        acting.require_operator(actor, step_up=True)
        try:
            organization, invited = services.create_organization(**form.cleaned_data, actor=actor, now=request.now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            _mail(organization, actor, invited)
            context = {
                "organization": organization,
                "invitation": invited.invitation,
                "link": mailing.link(invited.secret),
            }
            return render(request, "portal/operations/organization_added.html", context)
    return render(
        request, "portal/operations/organization_new.html", {"form": form}, status=400 if form.errors else 200
    )


def _mail(organization: Organization, actor: acting.Actor, invited: invitations.Invited) -> None:
    text = mailing.invitation_text(
        organization=organization.name,
        inviter=actor.label,
        name=invited.invitation.name,
        secret=invited.secret,
        days=invitations.LIFETIME.days,
    )
    mailing.send_after_commit(
        subject=f"Join {organization.name} on Trust Exchange", text=text, to=invited.invitation.email
    )


@require_http_methods(["GET", "HEAD", "POST"])
def organization(request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
    """Show one organization's metadata and what operators did about it; a POST suspends it."""
    actor = acting.require_operator(request.actor)
    found = queries.organizations().filter(pk=organization_id).first()
    if found is None:
        raise errors.NotFound()
    form = SuspendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            suspending.suspend(organization_id=found.pk, **form.cleaned_data, actor=actor, now=request.now)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{found.name} is suspended. Its people were told.")
            return redirect("operator_organization", found.pk)
    acts = queries.acts_of_operators(found)[:PAGE]
    context = {
        "organization": found,
        "admins": Membership.objects.filter(
            organization=found, role="admin", state=Membership.State.ACTIVE
        ).select_related("user"),
        "acts": [
            (each, sentences.of_event(each.kind, {**each.data, "actor": each.actor_label, "organization": found.name}))
            for each in acts
        ],
        "form": form,
    }
    return render(request, "portal/operations/organization.html", context, status=400 if form.errors else 200)


@require_POST
def resume_organization(request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
    """Let a suspended organization act again."""
    actor = acting.require_operator(request.actor)
    found = suspending.resume(organization_id=organization_id, actor=actor, now=request.now)
    messages.success(request, f"{found.name} can act again.")
    return redirect("operator_organization", found.pk)
