"""Home, the list of partnerships, and one partnership at a glance. Reads everybody's queries, owns nothing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.audit import queries as audit
from portal.dashboard import needs, overview
from portal.organizations import acting
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from portal.partnerships.models import PartnershipInvitation


def home(request: HttpRequest) -> HttpResponse:
    """Show what needs the acting member, then the partnerships at a glance."""
    actor = request.actor
    if actor is None or actor.organization is None:
        return render(request, "portal/dashboard/nowhere.html")
    organization = actor.organization
    ids = partnerships.ids_of(organization)
    context = {
        "needs": needs.of(actor, request.now),
        "glance": overview.glance(organization, request.now),
        "events": audit.visible_to(organization.pk, ids)[:5],
        "may_invite": actor.has(Right.MANAGE_PARTNERSHIPS),
    }
    return render(request, "portal/dashboard/home.html", context)


def partnership_list(request: HttpRequest) -> HttpResponse:
    """List the partnerships, worst first, and the invitations that nobody answered yet."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    invitations = PartnershipInvitation.objects.filter(
        organization=organization, accepted_at=None, withdrawn_at=None, expires_at__gt=request.now
    )
    context = {
        "glance": overview.glance(organization, request.now),
        "invitations": invitations,
        "may_invite": actor.has(Right.MANAGE_PARTNERSHIPS),
        "who_can": holders_sentence(Right.MANAGE_PARTNERSHIPS),
    }
    return render(request, "portal/dashboard/partnerships.html", context)


def partnership(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer: is this trust relationship healthy, in both directions?"""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    found = partnerships.get(organization, slug)
    context = {
        "partnership": found,
        "partner": found.other(organization),
        "needs": needs.of(actor, request.now, partnership_id=found.pk),
        "mirror": overview.mirror(found, organization, request.now),
        "actor": actor,
        "may_manage": actor.has(Right.MANAGE_PARTNERSHIPS),
    }
    return render(request, "portal/dashboard/partnership.html", context)
