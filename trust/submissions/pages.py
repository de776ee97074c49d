"""Pages of submissions: the list, the upload (S10) and the report (S11)."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.queries import officers_of
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from portal.partnerships.rules import EXCHANGES
from trust.pki import manifest
from trust.submissions import envelopes, queries, report, rules, services, showing, standing, uptake
from trust.submissions.api import file_response
from trust.submissions.forms import CheckForm, ReasonForm, SubmitForm
from trust.submissions.models import Submission

PAGE = 50


def _open(request: HttpRequest, slug: str, right: Right = Right.READ) -> tuple[Actor, Partnership]:
    actor = acting.of(request)
    return actor, partnerships.get(actor.require(right), slug)


def _base(actor: Actor, partnership: Partnership) -> dict[str, Any]:
    assert actor.organization is not None
    partner = partnership.other(actor.organization)
    trail = [
        ("Partnerships", reverse("partnerships")),
        (partner.name, reverse("partnership", args=[partnership.slug])),
    ]
    return {
        "partnership": partnership,
        "partner": partner,
        "trail": trail,
        "list_trail": [*trail, ("Submissions", reverse("submissions", args=[partnership.slug]))],
        "may_upload": actor.has(Right.UPLOAD),
        "takes_uploads": partnership.state in EXCHANGES,
        "who_can_upload": holders_sentence(Right.UPLOAD),
    }


def _address(name: str, *arguments: object) -> str:
    """Return the address of a page of a feature above this one, or nothing where it is not offered."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


@require_safe
def submissions(request: HttpRequest, slug: str) -> HttpResponse:
    """List the bundles of both sides, newest first."""
    actor, partnership = _open(request, slug)
    assert actor.organization is not None
    found = queries.of_partnership(actor.organization, partnership)
    before = request.GET.get("before", "")
    if before.isdigit() and len(before) < 10:
        found = found.filter(number__lt=int(before))
    rows = list(found.order_by("-number")[: PAGE + 1])
    context = _base(actor, partnership) | {
        "rows": rows[:PAGE],
        "older": rows[PAGE - 1].number if len(rows) > PAGE else None,
    }
    return render(request, "trust/submissions/submissions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """Upload a signed bundle. Afterwards the report says what came of it."""
    actor, partnership = _open(request, slug)
    if request.method == "POST":
        actor.require(Right.UPLOAD)
    form = SubmitForm(request.POST, request.FILES) if request.method == "POST" else SubmitForm()
    if request.method == "POST" and form.is_valid():
        try:
            made = services.submit(
                partnership=partnership,
                **form.upload(),
                actor=actor,
                now=request.now,  # type: ignore[attr-defined]
                environment=form.cleaned_data["environment"].strip(),
                purpose=form.cleaned_data["purpose"],
            )
        except (errors.Invalid, errors.TooLarge, errors.Conflict, errors.TooMany, errors.Unavailable) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("submission", slug=slug, number=made.number)
    assert actor.organization is not None
    context = _base(actor, partnership) | {
        "form": form,
        "limit": settings.UPLOAD_MAX_BYTES / 2**20,
        "recipe": showing.package_recipe(actor.organization, partnership),
        "intake_key": envelopes.current_key(request.now),  # type: ignore[attr-defined]
        "encrypt": showing.encrypt_recipe(request.build_absolute_uri(reverse("intake_key"))),
    }
    return render(request, "trust/submissions/submit.html", context, status=400 if form.errors else 200)


def _check_command(address: str, slug: str) -> str:
    lines = (
        'curl -fsS -H "Authorization: Bearer $TOKEN"',
        f"  -F partnership={slug} -F file=@bundle.pem",
        f"  '{address}?report=sarif'",
    )
    return " \\\n".join(lines)


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Try out a bundle without submitting it: the same report, and nothing is kept."""
    actor, partnership = _open(request, slug)
    actor.require(Right.UPLOAD)
    form = CheckForm(request.POST, request.FILES) if request.method == "POST" else CheckForm()
    context = _base(actor, partnership) | {
        "command": _check_command(request.build_absolute_uri(reverse("api_submission_check")), slug),
    }
    if request.method == "POST" and form.is_valid():
        try:
            checked = services.check_bundle(
                partnership=partnership,
                **form.upload(),
                actor=actor,
                now=request.now,  # type: ignore[attr-defined]
            )
        except (errors.Invalid, errors.TooLarge, errors.Unavailable) as refusal:
            add_errors(form, refusal)
        else:
            context |= showing.dry_run(checked)
    return render(request, "trust/submissions/check.html", context | {"form": form}, status=400 if form.errors else 200)


@require_safe
def submission(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show the report: what was in it, whether it is acceptable, and what is next."""
    actor, partnership = _open(request, slug)
    assert actor.organization is not None
    found = queries.get(actor.organization, partnership, number)
    return render(request, _template(found), _report(request, actor, found, ReasonForm()))


def _is_private_key(found: Submission) -> bool:
    return found.refusal_code == "private_key"


def _template(found: Submission) -> str:
    return f"trust/submissions/{'private_key' if _is_private_key(found) else 'submission'}.html"


def _report(request: HttpRequest, actor: Actor, found: Submission, form: ReasonForm) -> dict[str, Any]:
    assert actor.organization is not None
    partnership = found.partnership
    items = showing.to_verify(found)
    pending = {each.request.fingerprint for each in items if each.request.state != "approved"}
    places = list(found.places.select_related("certificate").order_by("position"))
    is_relying = actor.organization.pk == found.relying_id
    waiting = found.state in rules.WAITING
    return _base(actor, partnership) | {
        "submission": found,
        "verdict": showing.verdict(found, actor, items, request.now),  # type: ignore[attr-defined]
        "use": _use(request, actor, found) if not is_relying else {},
        "tree": showing.tree(places, pending),
        "places": places,
        "checks": report.checks(found.findings.all(), in_full=showing.in_full(found, actor)),
        "changes": showing.changes(found, places),
        "items": items,
        "newer": queries.accepted_after(found) if waiting else None,
        "renewals": list(standing.renewed(found, request.now).values())  # type: ignore[attr-defined]
        if found.state != rules.State.REFUSED
        else [],
        "in_full": showing.in_full(found, actor),
        "has_file": queries.shows_fingerprints_to(found, actor.organization) and queries.has_bytes(found),
        "has_signature": found.signature_report.get("form") == "detached",
        "is_relying": is_relying,
        "keys": showing.exposed_keys(found),
        "has_public": any(each.detail.get("public_key") for each in found.findings.all()),
        "told": [membership.user.name for membership in officers_of(found.owner)] if _is_private_key(found) else [],
        "form": form,
        "calls": _address("verifications", partnership.slug)
        if is_relying and found.state == "waiting_for_call"
        else "",
        "approve": _address("submission_approve", partnership.slug, found.number)
        if is_relying and found.state == "waiting_for_approval" and actor.has(Right.APPROVE)
        else "",
        "notice": _address("notice_new"),
        "may_decline": is_relying and waiting and actor.has(Right.APPROVE),
        "may_withdraw": not is_relying and waiting and actor.has(Right.UPLOAD),
    }


def _use(request: HttpRequest, actor: Actor, found: Submission) -> dict[str, str]:
    assert actor.organization is not None
    far = uptake.of(found, actor.organization, request.now)  # type: ignore[attr-defined]
    return uptake.verdict(far, found.relying.name) if far else {}


@require_http_methods(["POST"])
def decline(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Decline a waiting submission of the partner."""
    return _decide(request, slug, number, Right.APPROVE, services.decline, "Declined. Your partner reads the reason.")


@require_http_methods(["POST"])
def withdraw(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Withdraw one's own waiting submission."""
    return _decide(request, slug, number, Right.UPLOAD, services.withdraw, "Withdrawn.")


def _decide(request: HttpRequest, slug: str, number: int, right: Right, act: Any, done: str) -> HttpResponse:
    actor, partnership = _open(request, slug)
    assert actor.organization is not None
    found = queries.get(actor.organization, partnership, number)
    actor.require(right)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            act(
                submission=found,
                reason=form.cleaned_data["reason"],
                actor=actor,
                now=request.now,  # type: ignore[attr-defined]
            )
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, done)
            return redirect("submission", slug=slug, number=number)
    return render(request, _template(found), _report(request, actor, found, form), status=400)


@require_safe
def download(request: HttpRequest, slug: str, number: str, part: str) -> HttpResponse:
    """Return the file or its signature, exactly as it came."""
    actor, partnership = _open(request, slug)
    assert actor.organization is not None
    return file_response(queries.get(actor.organization, partnership, int(number)), part, actor.organization)


@login_not_required
@require_safe
def manifest_schema(request: HttpRequest) -> HttpResponse:
    """Publish the JSON Schema of a package's manifest."""
    response = HttpResponse(manifest.SCHEMA_PATH.read_bytes(), content_type="application/schema+json")
    response["Cache-Control"] = "public, max-age=3600"
    return response


@login_not_required
@require_safe
def intake_key(request: HttpRequest) -> HttpResponse:
    """Publish the key to which uploads may be encrypted; nothing while the operator does not take encrypted files."""
    key = envelopes.current_key(request.now)  # type: ignore[attr-defined]
    if key is None:
        raise errors.NotFound()
    response = HttpResponse(key.public_block, content_type="application/pgp-keys")
    response["Content-Disposition"] = 'attachment; filename="intake-key.asc"'
    response["Cache-Control"] = "public, max-age=300"
    return response
