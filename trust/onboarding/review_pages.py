"""Pages of the regular review."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
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


class ClosingForm(forms.Form):
    """What was done about a finding."""

    note = forms.CharField(label="What was done", min_length=3, max_length=500)


def _closing(finding_id: object, data: QueryDict | None = None) -> ClosingForm:
    return ClosingForm(data, auto_id=f"{finding_id}-%s")


@require_safe
def all_reviews(request: HttpRequest, slug: str) -> HttpResponse:
    """List the reviews of a partnership and the findings that are open."""
    return _all_reviews(request, *opened(request, slug))


def _all_reviews(
    request: HttpRequest,
    organization: Organization,
    partnership: Partnership,
    failed: tuple[str, ClosingForm] | None = None,
) -> HttpResponse:
    which, form = failed or ("", None)
    found = reviews.findings(partnership, open_only=True)
    context = base_context(request, organization, partnership) | {
        "reviews": reviews.of(partnership),
        "findings": [(each, form if form and str(each.pk) == which else _closing(each.pk)) for each in found],
        "may_open": acting.of(request).has(RIGHT) and not reviews.of(partnership).filter(closed_at=None).exists(),
    }
    return render(request, "trust/onboarding/reviews.html", context, status=400 if failed else 200)


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
    lost = []
    for question in review_rules.ASKED:
        said = request.POST.get(f"yes_{question.key}")
        note = request.POST.get(f"note_{question.key}", "")
        if said not in ("yes", "no"):
            lost += [question.text] if note.strip() else []
            continue
        reviews.answer(
            actor=acting.of(request),
            review=found,
            question=question.key,
            yes=said == "yes",
            note=note,
            now=request.now,
        )
    messages.success(request, "Your answers are kept.")
    for text in lost:
        messages.warning(request, f"Your note was not kept, because yes or no was missing: {text}")
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
    organization, partnership = opened(request, slug, RIGHT)
    form = _closing(finding_id, request.POST)
    if not form.is_valid():
        return _all_reviews(request, organization, partnership, (str(finding_id), form))
    reviews.close_finding(
        actor=acting.of(request),
        partnership=partnership,
        finding_id=finding_id,
        note=form.cleaned_data["note"],
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
