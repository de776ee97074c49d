"""Pages of the regular review."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.partnerships.models import Partnership
from trust.onboarding import review_rules, reviews
from trust.onboarding.models import Review
from trust.onboarding.pages import base_context, opened
from trust.onboarding.services import RIGHT


class FindingForm(forms.Form):
    """Something to mend."""

    title = forms.CharField(label="Finding", max_length=200)
    severity = forms.ChoiceField(
        label="Severity", choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")], initial="medium"
    )
    action = forms.CharField(label="Action", max_length=500)
    owner = forms.CharField(label="Owner", max_length=120)
    due_on = forms.DateField(
        label="Due",
        error_messages={"required": "Enter the day on which it is due."},
        widget=forms.DateInput(attrs={"type": "date"}),
    )


@require_safe
def all_reviews(request: HttpRequest, slug: str) -> HttpResponse:
    """List the reviews of a partnership and the findings that are open."""
    organization, partnership = opened(request, slug)
    context = base_context(request, organization, partnership) | {
        "reviews": reviews.of(partnership),
        "findings": reviews.findings(partnership, open_only=True),
        "may_open": acting.of(request).has(RIGHT) and not reviews.of(partnership).filter(closed_at=None).exists(),
    }
    return render(request, "trust/onboarding/reviews.html", context)


@require_POST
def open_review(request: HttpRequest, slug: str) -> HttpResponse:
    """Open a review before it is due."""
    _, partnership = opened(request, slug, RIGHT)
    made = reviews.open_now(actor=acting.of(request), partnership=partnership, now=request.now)
    return redirect("review", slug=slug, number=made.number)


@require_safe
def review(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show a review: what the portal saw, both sides' answers, findings and sign-offs."""
    organization, partnership = opened(request, slug)
    return _review(request, organization, partnership, reviews.get(partnership, number), FindingForm())


def _review(
    request: HttpRequest, organization: Organization, partnership: Partnership, found: Review, form: FindingForm
) -> HttpResponse:
    partner = partnership.other(organization)
    left = reviews.left(found)
    signed = {each.organization_id: each for each in found.sign_offs.all()}
    context = base_context(request, organization, partnership) | {
        "review": found,
        "groups": list(_groups(found, organization, partner)),
        "findings": reviews.findings(partnership).filter(found_in__number__lte=found.number),
        "form": form,
        "left": len(left.get(organization.slug, [])),
        "their_left": len(left.get(partner.slug, [])),
        "my_sign_off": signed.get(organization.pk),
        "their_sign_off": signed.get(partner.pk),
    }
    return render(request, "trust/onboarding/review.html", context, status=400 if form.errors else 200)


def _groups(found: Review, mine: Organization, theirs: Organization) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    facts = {(each["question"], each["side"]): each for each in found.facts}
    answers = {(each.question, each.organization_id): each for each in found.answers.all()}
    for group in review_rules.GROUPS:
        lines = [
            {
                "question": question,
                "mine": facts.get((question.key, mine.slug)),
                "theirs": facts.get((question.key, theirs.slug)),
                "my_answer": answers.get((question.key, mine.pk)),
                "their_answer": answers.get((question.key, theirs.pk)),
            }
            for question in review_rules.QUESTIONS
            if question.group == group
        ]
        yield group, lines


@require_POST
def answer(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Take one side's answers: yes_<question> and note_<question>."""
    _, partnership = opened(request, slug, RIGHT)
    found = reviews.get(partnership, number)
    for question in review_rules.ASKED:
        said = request.POST.get(f"yes_{question.key}")
        if said not in ("yes", "no"):
            continue
        note = request.POST.get(f"note_{question.key}", "")
        reviews.answer(
            actor=acting.of(request),
            review=found,
            question=question.key,
            yes=said == "yes",
            note=note,
            now=request.now,
        )
    messages.success(request, "Your answers are kept.")
    return redirect("review", slug=slug, number=number)


@require_POST
def add_finding(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Write down something to mend."""
    organization, partnership = opened(request, slug, RIGHT)
    found = reviews.get(partnership, number)
    form = FindingForm(request.POST)
    if form.is_valid():
        try:
            reviews.add_finding(actor=acting.of(request), review=found, now=request.now, **form.cleaned_data)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            return redirect("review", slug=slug, number=number)
    return _review(request, organization, partnership, found, form)


@require_POST
def close_finding(request: HttpRequest, slug: str, finding_id: str) -> HttpResponse:
    """Close a finding."""
    _, partnership = opened(request, slug, RIGHT)
    reviews.close_finding(
        actor=acting.of(request),
        partnership=partnership,
        finding_id=finding_id,
        note=request.POST.get("note", ""),
        now=request.now,
    )
    messages.success(request, "The finding is closed.")
    return redirect("reviews", slug=slug)


@require_POST
def sign_off(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Sign a review off for the own side."""
    _, partnership = opened(request, slug, RIGHT)
    done = reviews.sign_off(actor=acting.of(request), review=reviews.get(partnership, number), now=request.now)
    messages.success(
        request, f"Review {number} is closed." if done.closed_at else "Signed off. The other side signs too."
    )
    return redirect("review", slug=slug, number=number)
