"""The agreement pages (S7): terms, proposals, signatures, history."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.agreements import queries, rules, services, showing
from trust.agreements.forms import ReasonForm, SignatureForm, TermsForm
from trust.agreements.models import Agreement
from trust.agreements.rules import State
from trust.pki.openpgp import armor


def base_context(request: HttpRequest, organization: Organization, partnership: Partnership) -> dict[str, Any]:
    """Return what every page below a partnership's agreement needs."""
    partner = partnership.other(organization)
    return {
        "partnership": partnership,
        "organization": organization,
        "partner": partner,
        "may_sign_agreements": acting.of(request).has(Right.SIGN_AGREEMENT),
        "who_can": holders_sentence(Right.SIGN_AGREEMENT),
        "trail": [
            ("Partnerships", "/partnerships/"),
            (partner.name, f"/p/{partnership.slug}/"),
            ("Agreement", reverse("agreement", args=[partnership.slug])),
        ],
    }


def opened(request: HttpRequest, slug: str, right: Right = Right.READ) -> tuple[Organization, Partnership]:
    """Return who acts and the partnership. Raises NotFound for strangers, NotAllowed without the right."""
    organization = acting.of(request).require(Right.READ)
    partnership = partnerships.get(organization, slug)
    if right is not Right.READ:
        acting.of(request).require(right)
    return organization, partnership


@require_safe
def agreement(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the terms that count now, what waits, the waivers and the history."""
    organization, partnership = opened(request, slug)
    versions = queries.history(organization, partnership)
    current = next((each for each in versions if each.state == State.IN_FORCE), None)
    terms = queries.terms_of(current, partnership)
    waivers = list(queries.waivers_of(partnership))
    context = base_context(request, organization, partnership) | {
        "current": current,
        "terms": terms,
        "sides": showing.sides(current, partnership, organization, request.now) if current else [],
        "waiting": next((each for each in versions if each.state == State.WAITING_FOR_PARTNER), None),
        "draft": next((each for each in versions if each.state == State.DRAFT), None),
        "versions": versions,
        "sections": showing.sections(
            terms.values, showing.names(partnership), showing.running_waivers(waivers, request.now)
        ),
        "waivers": [(each, showing.waiver_words(each, request.now)) for each in waivers],
        "presets": rules.PRESETS.values(),
    }
    return render(request, "trust/agreements/agreement.html", context)


@require_safe
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show one version: what it changes, its terms, its signatures, and how to sign it."""
    organization, partnership = opened(request, slug)
    found = queries.get(organization, partnership, number)
    return _version(request, organization, partnership, found, SignatureForm())


def _version(
    request: HttpRequest,
    organization: Organization,
    partnership: Partnership,
    found: Agreement,
    form: SignatureForm,
    reason_form: ReasonForm | None = None,
) -> HttpResponse:
    against, changed = showing.changes(found, partnership)
    sides = showing.sides(found, partnership, organization, request.now)
    name = showing.file_name(found, partnership)
    context = base_context(request, organization, partnership) | {
        "agreement": found,
        "here": f"v{found.version}",
        "own": found.proposed_by_id == organization.pk,
        "against": against,
        "changes": changed,
        "sections": showing.sections(queries.read(found)["terms"], showing.names(partnership)),
        "sides": sides,
        "may_sign_now": showing.may_sign(found, organization),
        "is_waiting": found.state == State.WAITING_FOR_PARTNER,
        "is_draft": found.state == State.DRAFT,
        "file_name": name,
        "signing_command": showing.signing_command(name),
        "checking_command": "\n".join(
            showing.checking_command(name, each.organization) for each in sides if each.signature
        ),
        "form": form,
        "reason_form": reason_form or ReasonForm(),
    }
    failed = form.errors or (reason_form and reason_form.errors)
    return render(request, "trust/agreements/version.html", context, status=400 if failed else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Write a draft: from the own draft, the partner's proposal, the terms in force, or a preset."""
    organization, partnership = opened(request, slug, Right.SIGN_AGREEMENT)
    terms, message, start = _starting_terms(request, organization, partnership)
    sides = (partnership.first_organization, partnership.second_organization)
    names = {each.slug: each.name for each in sides}
    form = TermsForm(request.POST or None, terms=terms, names=names, message=message)
    if request.method == "POST" and form.is_valid():
        try:
            found = services.draft(
                actor=acting.of(request),
                partnership=partnership,
                terms=form.terms(),
                message=form.cleaned_data["message"],
                now=request.now,
            )
        except errors.Invalid as refusal:
            _place(form, refusal)
        else:
            return redirect("agreement_version", slug=slug, number=found.version)
    context = base_context(request, organization, partnership) | {
        "form": form,
        "start": start,
        "presets": rules.PRESETS.values(),
    }
    return render(request, "trust/agreements/change.html", context, status=400 if form.errors else 200)


def _starting_terms(request: HttpRequest, organization: Organization, partnership: Partnership) -> tuple[Any, str, str]:
    preset = request.GET.get("preset", "")
    if preset in rules.PRESETS:
        slugs = queries.parties(partnership)
        return rules.preset_terms(preset, slugs), "", f"the preset “{rules.PRESETS[preset].label}”"
    versions = queries.history(organization, partnership)
    for state, words in (
        (State.DRAFT, "your draft"),
        (State.WAITING_FOR_PARTNER, "the waiting version"),
        (State.IN_FORCE, "the terms in force"),
    ):
        found = next((each for each in versions if each.state == state), None)
        if found:
            message = found.message if state == State.DRAFT else ""
            return queries.read(found)["terms"], message, f"{words}, v{found.version}"
    return queries.terms(partnership).values, "", "the recommended terms"


def _place(form: TermsForm, refusal: errors.Invalid) -> None:
    for path, sentences in refusal.fields.items():
        form.add_error(form.field_at(path), sentences)
    if not refusal.fields:
        form.add_error(None, refusal.sentence)


@require_POST
def sign(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Take a signature over a version."""
    organization, partnership = opened(request, slug, Right.SIGN_AGREEMENT)
    found = queries.get(organization, partnership, number)
    form = SignatureForm(request.POST, request.FILES)
    if form.is_valid():
        upload = form.upload()
        _keep_for_step_up(request, upload)
        try:
            signed = services.sign(actor=acting.of(request), agreement=found, upload=upload, now=request.now)
        except (errors.Invalid, errors.TooLarge) as refusal:
            form.add_error("signature", f"{refusal.sentence} {refusal.fix}".strip())
        else:
            said = "is in force" if signed.state == State.IN_FORCE else "is sent to your partner"
            messages.success(request, f"Agreement v{number} {said}.")
            return redirect("agreement", slug=slug)
    return _version(request, organization, partnership, found, form)


def _keep_for_step_up(request: HttpRequest, upload: bytes) -> None:
    """Put a signature that came as a file into the form's text: a request held for the second factor keeps no files."""
    text = upload if upload.lstrip().startswith(b"-----BEGIN") else armor.encode(armor.SIGNATURE, upload)
    kept = request.POST.copy()
    kept["signature"] = text.decode("utf-8", "replace")
    request.POST = kept  # type: ignore[assignment]


@require_POST
def end(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Withdraw or decline a waiting version, or discard a draft."""
    organization, partnership = opened(request, slug, Right.SIGN_AGREEMENT)
    found = queries.get(organization, partnership, number)
    if found.state == State.DRAFT:
        services.discard(actor=acting.of(request), agreement=found, now=request.now)
        messages.success(request, f"Draft v{number} is discarded.")
        return redirect("agreement", slug=slug)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            services.end_proposal(
                actor=acting.of(request), agreement=found, reason=form.cleaned_data["reason"], now=request.now
            )
        except errors.Invalid as refusal:
            form = ReasonForm({"reason": ""})
            add_errors(form, refusal)
        else:
            messages.success(request, f"Agreement v{number} does not wait any more.")
            return redirect("agreement", slug=slug)
    return _version(request, organization, partnership, found, SignatureForm(), form)


@require_safe
def document(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Send the exact bytes that are signed."""
    organization, partnership = opened(request, slug)
    found = queries.get(organization, partnership, number)
    queries.read(found)
    return _download(bytes(found.document), "application/json", showing.file_name(found, partnership))


@require_safe
def signature(request: HttpRequest, slug: str, number: int, side: str) -> HttpResponse:
    """Send one side's signature as it was uploaded."""
    organization, partnership = opened(request, slug)
    found = queries.get(organization, partnership, number)
    made = next((each for each in found.signatures.all() if each.organization.slug == side), None)
    if made is None:
        raise errors.NotFound()
    if not queries.shows_key(made, organization, request.now):
        raise errors.Conflict(
            "The signature names its key in full, and the call about this key is still to be made.",
            code="key_not_verified",
            fix="Verify the key by phone first; then the signature is here for you to check yourself.",
        )
    name = f"{showing.file_name(found, partnership)}.{side}.asc"
    return _download(bytes(made.upload), "application/pgp-signature", name)


def _download(content: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Publish the JSON Schema of the document."""
    response = HttpResponse(rules.SCHEMA_PATH.read_bytes(), content_type="application/schema+json")
    response["Cache-Control"] = "public, max-age=3600"
    return response
