"""Pages of the joint negative tests and the test kit."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships.models import Partnership
from trust.onboarding import kit, kit_rules, negative, queries
from trust.onboarding.forms import KitResultForm, SampleForm, content_of
from trust.onboarding.models import KitResult
from trust.onboarding.negative_rules import EXPECTATIONS
from trust.onboarding.pages import base_context, opened


@require_safe
def negative_tests(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the test certificates of both sides, the last runs, and the test kit."""
    organization, partnership = opened(request, slug)
    return _page(request, organization, partnership, SampleForm(), KitResultForm())


def _page(
    request: HttpRequest,
    organization: Organization,
    partnership: Partnership,
    form: SampleForm,
    kit_form: KitResultForm,
) -> HttpResponse:
    partner = partnership.other(organization)
    samples = list(queries.samples(partnership))
    mine = [each for each in samples if each.owner_id == organization.pk]
    theirs = [each for each in samples if each.owner_id == partner.pk]
    kit_result = KitResult.objects.filter(partnership=partnership, organization=organization).first()
    supplied = {each.expectation for each in mine}
    context = base_context(request, organization, partnership) | {
        "mine": mine,
        "theirs": theirs,
        "lacking": [each for key, each in EXPECTATIONS.items() if key not in supplied],
        "run": queries.last_run(partnership, organization),
        "their_run": queries.last_run(partnership, partner),
        "form": form,
        "kit_form": kit_form,
        "kit_result": kit_result,
        "kit_outcomes": kit_rules.in_words(kit_result.results) if kit_result else [],
        "their_kit_result": KitResult.objects.filter(partnership=partnership, organization=partner).first(),
    }
    failed = form.errors or kit_form.errors
    return render(request, "trust/onboarding/tests.html", context, status=400 if failed else 200)


@require_POST
def add_sample(request: HttpRequest, slug: str) -> HttpResponse:
    """Supply a test certificate."""
    organization, partnership = opened(request, slug, Right.UPLOAD)
    form = SampleForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            negative.add_sample(
                actor=acting.of(request),
                partnership=partnership,
                expectation=form.cleaned_data["expectation"],
                content=content_of(form, "content"),
                crl=content_of(form, "crl"),
                dns_name=form.cleaned_data["dns_name"],
                now=request.now,
            )
        except errors.Invalid as refusal:
            _place(form, refusal)
        except errors.TooLarge as refusal:
            form.add_error("content", refusal.sentence)
        else:
            messages.success(request, "The test certificate is kept.")
            return redirect("negative_tests", slug=slug)
    return _page(request, organization, partnership, form, KitResultForm())


def _place(form: SampleForm, refusal: errors.Invalid) -> None:
    # The scan for private keys names its field "file".
    if "file" in refusal.fields:
        form.add_error("content", [*refusal.fields["file"], refusal.fix])
    else:
        add_errors(form, refusal)


@require_POST
def remove_sample(request: HttpRequest, slug: str, sample_id: str) -> HttpResponse:
    """Take a test certificate back."""
    _, partnership = opened(request, slug, Right.UPLOAD)
    negative.remove_sample(actor=acting.of(request), partnership=partnership, sample_id=sample_id, now=request.now)
    return redirect("negative_tests", slug=slug)


@require_POST
def run(request: HttpRequest, slug: str) -> HttpResponse:
    """Run the partner's samples against the own store."""
    _, partnership = opened(request, slug, Right.UPLOAD)
    made = negative.run(actor=acting.of(request), partnership=partnership, now=request.now)
    messages.success(request, f"{made.passed} of {made.count} came out as expected.")
    return redirect("negative_tests", slug=slug)


@require_safe
def download_kit(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the test kit of the own side."""
    organization, partnership = opened(request, slug)
    response = HttpResponse(kit.build(partnership, organization), content_type="application/zip")
    name = kit.folder_name(partnership, organization)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return response


@require_POST
def hand_in(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a result of the test kit."""
    organization, partnership = opened(request, slug, Right.UPLOAD)
    form = KitResultForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            made = kit.hand_in(
                actor=acting.of(request), partnership=partnership, content=content_of(form, "file"), now=request.now
            )
        except (errors.Invalid, errors.TooLarge) as refusal:
            form.add_error("file", f"{refusal.sentence} {refusal.fix}".strip())
        else:
            messages.success(request, f"The result is kept: {made.passed} of {made.count} passed.")
            return redirect("negative_tests", slug=slug)
    return _page(request, organization, partnership, SampleForm(), form)
