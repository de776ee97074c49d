"""Home, the list of partnerships, one partnership at a glance, and its timeline. Reads everybody's queries, owns nothing."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal import pictures
from portal.audit import queries as audit
from portal.dashboard import counts, dates, needs, overview, runbook, search, telling, waiting
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.organizations.rules import Right, Role, holders_sentence
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership, PartnershipInvitation
from trust.agreements import queries as agreements

EVENTS_ON_HOME = 5
EVENTS_ON_A_PAGE = 50
PARTNERSHIPS_ON_HOME = 20
PARTNERSHIPS_ON_A_PAGE = 50


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what needs the acting member, what waits for others, the partnerships at a glance and the last day."""
    actor = request.actor
    if actor is not None and actor.kind == "operator":
        return redirect("operator")
    if actor is None or actor.organization is None:
        return render(request, "portal/dashboard/nowhere.html")
    organization, now = actor.organization, request.now
    rows, failed = needs.gather(actor, now)
    counts.remember(actor, rows)
    glance = overview.glance(organization, now)
    known = {row.partnership.pk: row.partnership for row in glance}
    recent = audit.visible_to(organization.pk, list(known)).filter(at__gt=now - timedelta(days=1))
    recent = recent.exclude(kind__in=telling.STEPS)
    context = {
        "needs": rows,
        "failed": failed,
        "waiting": waiting.of(organization, now),
        "next_ending": dates.next_of(organization, now) if not rows else None,
        "glance": glance[:PARTNERSHIPS_ON_HOME],
        "partnership_count": len(glance),
        "events": telling.lines(recent[:EVENTS_ON_HOME], organization, known),
        "event_count": recent.count(),
        "may_invite": actor.has(Right.MANAGE_PARTNERSHIPS),
    }
    return render(request, "portal/dashboard/home.html", context)


@require_safe
def partnership_list(request: HttpRequest) -> HttpResponse:
    """List the partnerships, worst first, and the invitations that nobody answered yet; ``?state=`` filters."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    invitations = PartnershipInvitation.objects.filter(
        organization=organization, accepted_at=None, withdrawn_at=None, expires_at__gt=request.now
    )
    everything = overview.glance(organization, request.now)
    chosen = request.GET.get("state", "")
    shown = [row for row in everything if chosen in ("", row.partnership.state)]
    page = Paginator(shown, PARTNERSHIPS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "glance": page.object_list,
        "page": page,
        "states": sorted({row.partnership.state for row in everything}),
        "chosen": chosen,
        "total": len(everything),
        "invitations": invitations,
        "may_invite": actor.has(Right.MANAGE_PARTNERSHIPS),
        "who_can": holders_sentence(Right.MANAGE_PARTNERSHIPS),
    }
    return render(request, "portal/dashboard/partnerships.html", context)


@require_safe
def partnership(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer: is this trust relationship healthy, in both directions?"""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    found = partnerships.get(organization, slug)
    endings, window = dates.of_partnership(found), pictures.two_years(request.now)
    # Everything that needs the member is counted in the bar anyway; what is about this partnership is shown.
    everything, failed = needs.gather(actor, request.now)
    counts.remember(actor, everything)
    agreement = agreements.in_force(found)
    shared = agreements.terms_of(agreement, found).shares_consumer_counts
    mirror = overview.mirror(found, organization, request.now, shared=shared)
    context = {
        "partnership": found,
        "partner": found.other(organization),
        "agreement": agreement,
        "needs": needs.about(everything, found.pk),
        "failed": failed,
        "waiting": waiting.of(organization, request.now, partnership_id=found.pk),
        "mirror": mirror,
        "rails": overview.rails(mirror[0].stores, request.now),
        "checklist": _checklist(found, organization, request.now),
        "people": overview.people(found, organization, request.now),
        "endings": endings,
        "window": window,
        "rows": dates.rows(endings, window),
        "as_table": request.GET.get("expiry") == "table",
        "may_manage": actor.has(Right.MANAGE_PARTNERSHIPS),
        "may_upload": actor.has(Right.UPLOAD),
        "may_send": actor.has(Right.SEND_NOTICE),
    }
    return render(request, "portal/dashboard/partnership.html", context)


def _checklist(found: Partnership, organization: Organization, now: datetime) -> overview.Checklist | None:
    # It asks every feature what it sees, so it is drawn only while it is what matters; afterwards it has its own page.
    return overview.checklist(found, organization, now) if found.state == Partnership.State.ONBOARDING else None


@require_safe
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """Show everything about the partnership that the reader's side may see, newest first."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    found = partnerships.get(organization, slug)
    events = audit.visible_to(organization.pk, [found.pk]).filter(partnership_id=found.pk)
    page = Paginator(events, EVENTS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "partnership": found,
        "partner": found.other(organization),
        "page": page,
        "days": telling.by_day(telling.lines(page.object_list, organization, {found.pk: found})),
    }
    return render(request, "portal/dashboard/activity.html", context)


@require_safe
def partnership_runbook(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what on-call people keep on paper about a partner; viewers see numbers as everywhere, not whole."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    found = partnerships.get(organization, slug)
    context = {
        "partnership": found,
        "partner": found.other(organization),
        "organization": organization,
        "book": runbook.of(found, organization, request.now),
        "now": request.now,
        "address": settings.BASE_URL,
        "masked": actor.membership is not None and actor.membership.role == Role.VIEWER,
    }
    return render(request, "portal/dashboard/runbook.html", context)


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Look something up; the only exact hit is gone to at once, unless ``?all=1`` asks for the list."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    text = request.GET.get("q", "")[: search.MAX_LENGTH].strip()
    hits = search.find(organization, text)
    straight = search.straight_to(hits)
    if straight and "all" not in request.GET:
        return redirect(straight)
    return render(request, "portal/dashboard/search.html", {"text": text, "hits": hits})
