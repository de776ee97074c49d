"""Pages about waivers, and the *try a certificate* box."""

from datetime import UTC, datetime, time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.agreements import queries, trying, waivers
from trust.agreements.forms import CertificateForm, WaiverForm
from trust.agreements.pages import base_context, opened


def _sides(partnership: Partnership) -> list[tuple[str, str]]:
    return [(each.slug, each.name) for each in (partnership.first_organization, partnership.second_organization)]


@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask the partner to waive a clause for a while."""
    organization, partnership = opened(request, slug, Right.SIGN_AGREEMENT)
    form = WaiverForm(request.POST or None, organizations=_sides(partnership))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        sides = {each.slug: each for each in (partnership.first_organization, partnership.second_organization)}
        try:
            waivers.propose(
                actor=acting.of(request),
                partnership=partnership,
                clause=data["clause"],
                concerns=sides[data["concerns"]],
                certificate_sha256=data["certificate_sha256"],
                reason=data["reason"],
                owner=data["owner"],
                expires_at=datetime.combine(data["expires_on"], time(), UTC),
                now=request.now,
            )
        except errors.Invalid as refusal:
            if "expires_at" in refusal.fields:
                form.add_error("expires_on", refusal.fields["expires_at"])
            else:
                add_errors(form, refusal)
        else:
            messages.success(request, "The waiver waits for your partner.")
            return redirect("agreement", slug=slug)
    context = base_context(request, organization, partnership) | {"form": form}
    return render(request, "trust/agreements/waiver.html", context, status=400 if form.errors else 200)


@require_POST
def decide(request: HttpRequest, slug: str, waiver_id: str) -> HttpResponse:
    """Agree to a waiver, decline it, or end it."""
    organization, partnership = opened(request, slug, Right.SIGN_AGREEMENT)
    found = queries.waiver(organization, waiver_id)  # type: ignore[arg-type]
    if found.partnership_id != partnership.pk:
        raise errors.NotFound()
    actor, answer = acting.of(request), request.POST.get("answer")
    if answer == "end":
        waivers.end(actor=actor, waiver=found, now=request.now)
        messages.success(request, "The waiver is over.")
    elif answer in ("agree", "decline"):
        waivers.decide(actor=actor, waiver=found, agree=answer == "agree", now=request.now)
        messages.success(request, "The waiver is agreed." if answer == "agree" else "The waiver is declined.")
    else:
        raise errors.Invalid("Say whether you agree, decline or end the waiver.", fields={"answer": ["Choose one."]})
    return redirect("agreement", slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
def try_certificate(request: HttpRequest, slug: str) -> HttpResponse:
    """Hold a certificate against the terms; nothing is kept."""
    organization, partnership = opened(request, slug)
    form = CertificateForm(request.POST or None, request.FILES or None, organizations=_sides(partnership))
    terms, tried = queries.terms(partnership), None
    if request.method == "POST" and form.is_valid():
        try:
            tried = trying.attempt(
                partnership=partnership,
                owner=form.cleaned_data["owner"],
                upload=form.upload(),
                terms=terms,
                now=request.now,
            )
        except (errors.Invalid, errors.TooLarge) as refusal:
            form.add_error("certificate", f"{refusal.sentence} {refusal.fix}".strip())
    context = base_context(request, organization, partnership) | {"form": form, "tried": tried, "terms": terms}
    return render(request, "trust/agreements/try.html", context, status=400 if form.errors else 200)
