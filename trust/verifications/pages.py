"""Pages around the call: the list of verifications, starting, booking, rehearsing and unlocking."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import contact_queries
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Contact, Partnership
from trust.verifications import calendar, calls, people, queries, services
from trust.verifications.forms import BookingForm, RehearsalForm, UnlockForm
from trust.verifications.models import Verification, VerificationRequest

State = VerificationRequest.State


def place(request: HttpRequest, slug: str) -> tuple[Actor, Partnership, dict[str, Any]]:
    """Return who acts, the partnership, and what every page about it shows. Raises NotFound for strangers."""
    actor = acting.of(request)
    assert actor.organization is not None
    partnership = partnerships.get(actor.organization, slug)
    partner = partnership.other(actor.organization)
    trail = [
        ("Partnerships", reverse("partnerships")),
        (partner.name, reverse("partnership", args=[slug])),
        ("Verifications", reverse("verifications", args=[slug])),
    ]
    return actor, partnership, {"partnership": partnership, "partner": partner, "trail": trail, "actor": actor}


@require_safe
def verifications(request: HttpRequest, slug: str) -> HttpResponse:
    """What waits for a call or an approval, what is booked or running, and every record."""
    actor, partnership, context = place(request, slug)
    assert actor.organization is not None
    requests = queries.requests_of(actor.organization).filter(partnership=partnership)
    open_requests = requests.filter(state__in=[State.WAITING, State.RECORDED, State.QUARANTINED])
    calls_here = queries.calls_of(actor.organization).filter(partnership=partnership)
    running = {call.request_id: call for call in calls_here.filter(state__in=queries.OPEN)}
    rows = [
        {
            "request": each,
            "ours": each.relying_id == actor.organization.pk,
            "call": running.get(each.pk),
            "recorded": queries.recorded_call(each) if each.state == State.RECORDED else None,
            "mismatch": each.calls.filter(state=Verification.State.MISMATCH).first(),
        }
        for each in open_requests.exclude(item_kind="rehearsal")[:100]
    ]
    context |= {
        "rows": rows,
        "running": list(calls_here.filter(state__in=queries.OPEN)),
        "ended": calls_here.exclude(state__in=queries.OPEN)[:100],
        "may_call": actor.has(Right.CALL),
        "who_calls": holders_sentence(Right.CALL),
        "unwritten": queries.mismatches_without_statement(actor.organization).filter(partnership=partnership),
    }
    return render(request, "trust/verifications/list.html", context)


def _own_request(actor: Actor, partnership: Partnership, request_id: str) -> VerificationRequest:
    assert actor.organization is not None
    found = queries.get_request(actor.organization, request_id)
    if found.partnership_id != partnership.pk or found.relying_id != actor.organization.pk:
        raise errors.NotFound()
    return found


def _contact_rows(about: VerificationRequest, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Return the partner's contacts, each with why it cannot be called about this fingerprint, if so."""
    rows = []
    for contact in contact_queries.of(about.owner):
        rows.append({"contact": contact, "obstacle": _obstacle(about, contact, actor, now)})
    return rows


def _obstacle(about: VerificationRequest, contact: Contact, actor: Actor, now: datetime) -> dict[str, str] | None:
    found = contact.obstacle_at(now)
    if found is not None:
        return {
            "heading": found.heading,
            "sentence": found.sentence,
            "fix": calls.use_instead(about, contact, now),
        }
    assert actor.user is not None
    try:
        calls.may_be_called(about, contact, actor.user, now)
    except errors.Refusal as refusal:
        return {"heading": refusal.sentence, "sentence": "", "fix": refusal.fix}
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str, request_id: str) -> HttpResponse:
    """Show whom to call, at which number, and start the clock."""
    actor, partnership, context = place(request, slug)
    about = _own_request(actor, partnership, request_id)
    now = request.now  # type: ignore[attr-defined]
    if request.method == "POST" and "they_called" not in request.POST:
        return _start(request, actor, partnership, about)
    running = queries.open_calls(about).filter(state=Verification.State.IN_PROGRESS).first()
    missing = None
    if actor.user is not None and actor.has(Right.CALL):
        missing = people.why_not_verify(str(actor.user.pk), people.Roles(about.uploaders()))
    context |= {
        "about": about,
        "rows": _contact_rows(about, actor, now),
        "they_called": "they_called" in request.POST,
        "running": running,
        "missing": missing,
        "may_call": actor.has(Right.CALL),
        "who_calls": holders_sentence(Right.CALL),
    }
    return render(request, "trust/verifications/start.html", context)


def _start(request: HttpRequest, actor: Actor, partnership: Partnership, about: VerificationRequest) -> HttpResponse:
    contact = contact_queries.get(actor.require(Right.CALL), request.POST.get("contact", ""))
    before = None
    if number := request.POST.get("continues", ""):
        before = queries.get_call(actor.require(Right.CALL), partnership, int(number) if number.isdecimal() else 0)
    call = services.start_call(
        request=about,
        contact=contact,
        actor=actor,
        now=request.now,  # type: ignore[attr-defined]
        call_type="relay" if request.POST.get("call_type") == "relay" else "phone",
        continues=before,
    )
    return redirect("verification_call", slug=partnership.slug, number=call.number)


@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, slug: str, request_id: str) -> HttpResponse:
    """Propose two times for a call."""
    actor, partnership, context = place(request, slug)
    about = _own_request(actor, partnership, request_id)
    user = actor.require_person(Right.CALL, step_up=False)
    now = request.now  # type: ignore[attr-defined]
    contacts = [each for each in contact_queries.of(about.owner) if each.membership_id]
    form = BookingForm(request.POST or None, contacts=contacts, user=user, now=now)
    if request.method == "POST" and form.is_valid():
        try:
            first_slot = form.moment("first_slot")
            assert first_slot is not None
            call = services.book_call(
                request=about,
                contact=contact_queries.get(actor.require(Right.CALL), form.cleaned_data["contact"]),
                first_slot=first_slot,
                second_slot=form.moment("second_slot"),
                actor=actor,
                now=now,
            )
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("verification_call", slug=slug, number=call.number)
    context |= {"about": about, "form": form, "contacts": contacts}
    return render(request, "trust/verifications/book.html", context, status=400 if form.errors else 200)


@require_safe
def calendar_file(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The booked call as a calendar file, without number and fingerprint."""
    actor, partnership, _ = place(request, slug)
    assert actor.organization is not None
    call = queries.get_call(actor.organization, partnership, number)
    if call.booked_for is None:
        raise errors.NotFound()
    url = request.build_absolute_uri(reverse("verification_call", args=[slug, number]))
    content = calendar.invitation(call, url=url, now=request.now)  # type: ignore[attr-defined]
    answer = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="verification-{number}.ics"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def rehearse(request: HttpRequest, slug: str) -> HttpResponse:
    """Start a rehearsal, and show how those before went."""
    actor, partnership, context = place(request, slug)
    assert actor.organization is not None
    now = request.now  # type: ignore[attr-defined]
    theirs = contact_queries.callable_at(contact_queries.of_partner(partnership, actor.organization), now)
    contacts = [each for each in theirs if each.membership_id]
    form = RehearsalForm(request.POST or None, contacts=contacts)
    if request.method == "POST":
        actor.require(Right.CALL)
    if request.method == "POST" and form.is_valid():
        contact = contact_queries.get(actor.organization, form.cleaned_data["contact"])
        call = services.start_rehearsal(partnership=partnership, contact=contact, actor=actor, now=now)
        return redirect("verification_call", slug=slug, number=call.number)
    context |= {
        "form": form,
        "contacts": contacts,
        "may_call": actor.has(Right.CALL),
        "who_calls": holders_sentence(Right.CALL),
        "outcomes": queries.rehearsals(actor.organization, partnership),
    }
    return render(request, "trust/verifications/rehearse.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def unlock(request: HttpRequest, slug: str, request_id: str) -> HttpResponse:
    """Let a quarantined fingerprint be called again, after a new upload and with a different contact."""
    actor, partnership, context = place(request, slug)
    about = _own_request(actor, partnership, request_id)
    now = request.now  # type: ignore[attr-defined]
    contacts = queries.choose_contacts(about, now)
    if request.method == "POST":
        actor.require(Right.APPROVE)
    form = UnlockForm(request.POST or None, contacts=contacts)
    if request.method == "POST" and form.is_valid():
        contact = contact_queries.get(actor.require(Right.READ), form.cleaned_data["contact"])
        try:
            services.unlock(request=about, contact=contact, reason=form.cleaned_data["reason"], actor=actor, now=now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("verification_start", slug=slug, request_id=about.pk)
    context |= {
        "about": about,
        "form": form,
        "contacts": contacts,
        "uploaded_again": queries.was_uploaded_again(about),
        "may_unlock": actor.has(Right.APPROVE) and about.state == State.QUARANTINED,
        "who_can": holders_sentence(Right.APPROVE),
    }
    return render(request, "trust/verifications/unlock.html", context, status=400 if form.errors else 200)
