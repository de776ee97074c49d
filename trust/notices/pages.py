"""Composing, signing and sending notices in the browser. Reading them is the acknowledgements' page."""

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
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from portal.words import duration
from trust.agreements import queries as agreements
from trust.notices import calendar, composing, queries, services, subject
from trust.notices import document as documents
from trust.notices.document import KINDS
from trust.notices.forms import ChooseForm, ComposeForm, DraftForm, SignedForm
from trust.notices.models import NoticeDraft
from trust.notices.rules import MEANINGS, REASON_WORDS, TLP_WORDS, Kind


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Choose the partner and the kind of a new notice; open drafts are listed below."""
    actor = acting.of(request)
    organization = actor.require(Right.SEND_NOTICE)
    mine = partnerships.of(organization)
    options = [(each.slug, each.other(organization).name) for each in mine if each.state != "ended"]
    form = ChooseForm(
        request.POST or None,
        partnerships=options,
        initial={"partnership": request.GET.get("partnership"), "kind": request.GET.get("kind", "ca_revocation")},
    )
    if request.method == "POST" and form.is_valid():
        return redirect("notice_compose", slug=form.cleaned_data["partnership"], kind=form.cleaned_data["kind"])
    drafts = []
    for each in queries.drafts(organization)[:20]:
        said = documents.read(bytes(each.content))
        drafts.append((each, said, MEANINGS[said.kind], each.partnership.other(organization)))
    context = {"form": form, "partners": options, "drafts": drafts}
    return render(request, "trust/notices/choose.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def compose(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Fill in the facts of a notice of one kind."""
    actor = acting.of(request)
    organization = actor.require(Right.SEND_NOTICE)
    partnership = partnerships.get(organization, slug)
    if kind not in KINDS:
        raise errors.NotFound()
    meaning = MEANINGS[Kind(kind)]
    partner = partnership.other(organization)
    terms = agreements.terms(partnership)
    lead = duration(terms.notice_lead(meaning.change))
    form = ComposeForm(
        request.POST or None,
        kind=Kind(kind),
        certificates=list(subject.of(organization, partner).filter(is_ca=True).order_by("subject")),
        lead=lead,
        initial={name: value for name, value in request.GET.items() if name in ("certificate", "withdraws")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            draft = composing.compose(
                actor=actor, now=request.now, partnership=partnership, kind=Kind(kind), members=form.members()
            )
        except (errors.Invalid, errors.Conflict, errors.NotAllowed) as refusal:
            add_errors(form, refusal)
        else:
            return redirect("notice_draft", draft_id=draft.pk)
    context = {"form": form, "meaning": meaning, "kind": kind, "partner": partner, "partnership": partnership}
    return render(request, "trust/notices/compose.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Show a draft in the recipient's words, and take its signature."""
    actor = acting.of(request)
    organization = actor.require(Right.SEND_NOTICE)
    found = queries.draft(organization, draft_id)
    if found.sent is not None:
        return redirect("notice", label=found.sent.label)
    said = documents.read(bytes(found.content))
    form = DraftForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            taken = _send(request, actor, found, form)
        except (errors.StepUpRequired, errors.NotFound):
            raise
        except errors.Refusal as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{taken.notice.label} is sent. Delivery is listed below, as it happens.")
            return redirect("notice", label=taken.notice.label)
    context = {
        "draft": found,
        "said": said,
        "form": form,
        "preview": composing.preview(said, partnership=found.partnership, now=request.now, sender=organization),
        "partner": found.partnership.other(organization),
        "meaning": MEANINGS[said.kind],
        "reason": REASON_WORDS.get(said.revocation_reason or "", ""),
        "passed_on": TLP_WORDS[said.tlp],
        "content": bytes(found.content).decode(),
    }
    return render(request, "trust/notices/draft.html", context, status=400 if form.errors else 200)


def _send(request: HttpRequest, actor: Any, found: NoticeDraft, form: DraftForm) -> services.Submitted:
    notice, signature = form.cleaned_data.get("notice"), form.cleaned_data.get("signature")
    return services.submit(
        actor=actor,
        now=request.now,
        content=notice.read() if notice else bytes(found.content),
        signature=signature.read() if signature else None,
        partnership=found.partnership,
        draft=found,
    )


@require_safe
def draft_content(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Return the bytes to sign."""
    organization = acting.of(request).require(Right.SEND_NOTICE)
    found = queries.draft(organization, draft_id)
    return _file(bytes(found.content), "notice.json", "application/json")


@require_POST
def discard(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Discard a draft."""
    actor = acting.of(request)
    composing.discard(actor=actor, now=request.now, draft=queries.draft(actor.require(Right.SEND_NOTICE), draft_id))
    messages.success(request, "Draft discarded.")
    return redirect("notice_new")


@require_safe
def signed_content(request: HttpRequest, label: str) -> HttpResponse:
    """Return what was signed and uploaded, byte for byte."""
    notice = queries.get(acting.of(request).require(Right.READ), label)
    ending = "json" if bytes(notice.signature) else "json.asc"
    return _file(bytes(notice.content), f"{notice.label}.{ending}", "application/octet-stream")


@require_safe
def signed_signature(request: HttpRequest, label: str) -> HttpResponse:
    """Return the detached signature. Raises NotFound when it is inside the signed file."""
    notice = queries.get(acting.of(request).require(Right.READ), label)
    if not bytes(notice.signature):
        raise errors.NotFound()
    return _file(bytes(notice.signature), f"{notice.label}.json.asc", "application/octet-stream")


@require_safe
def calendar_file(request: HttpRequest, label: str) -> HttpResponse:
    """Return a notice's moments as a calendar file."""
    notice = queries.get(acting.of(request).require(Right.READ), label)
    url = request.build_absolute_uri(reverse("notice", args=[notice.label]))
    return _file(calendar.of_notice(notice, url=url, now=request.now), f"{notice.label}.ics", "text/calendar")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def distress(request: HttpRequest) -> HttpResponse:
    """Take a distress notice from anybody who holds it."""
    form = SignedForm(request.POST or None, request.FILES or None)
    taken = None
    if request.method == "POST" and form.is_valid():
        notice, signature = form.cleaned_data.get("notice"), form.cleaned_data.get("signature")
        try:
            if notice is None:
                raise errors.Invalid("There is no notice.", fields={"notice": ["Choose the signed file."]})
            taken = services.hand_in_distress(
                now=request.now, content=notice.read(), signature=signature.read() if signature else None
            )
        except errors.Refusal as refusal:
            add_errors(form, refusal)
    context = {"form": form, "taken": taken}
    return render(request, "trust/notices/distress.html", context, status=400 if form.errors else 200)


def _file(content: bytes, name: str, media_type: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
