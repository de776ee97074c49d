"""The record of a call: the page, the files, the officer's decision, statements and signatures."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations.acting import Actor
from portal.organizations.rules import Right, Role, holders_sentence
from trust.verifications import approvals, exports, queries, record, rules, services
from trust.verifications.forms import DecisionForm, SignatureForm, StatementForm
from trust.verifications.models import Verification, VerificationRequest
from trust.verifications.pages import place

State = Verification.State
# Works where the package rfc8785 is installed; the portal's own list of requirements names it.
CHAIN_RECIPE = """python3 -c '
import hashlib, json, rfc8785
for event in json.load(open("verification-{number}-evidence.json"))["events"]:
    before, own = event.pop("previous_hash"), event.pop("hash")
    print(hashlib.sha256(before.encode() + b"\\n" + rfc8785.dumps(event)).hexdigest() == own)
'"""


def _find(request: HttpRequest, slug: str, number: int) -> tuple[Actor, Verification, dict[str, Any]]:
    actor, partnership, context = place(request, slug)
    assert actor.organization is not None
    call = queries.get_call(actor.organization, partnership, number)
    if call.state in queries.OPEN or not call.records.filter(part=record.Part.CALL).exists():
        raise errors.NotFound()
    return actor, call, context


def _context(call: Verification, actor: Actor) -> dict[str, Any]:
    assert actor.organization is not None
    written = exports.parts(call)
    about = call.request
    relying = actor.organization.pk == about.relying_id
    latest = queries.recorded_call(about)
    waiting = about.state == VerificationRequest.State.RECORDED and latest is not None and latest.pk == call.pk
    missing = None
    if waiting and relying and actor.user is not None and actor.has(Right.APPROVE):
        missing = approvals.why_not(about, call, actor.user)
    took_part = actor.user is not None and actor.user.pk in (call.verifier_id, call.reader_id)
    return {
        "call": call,
        "about": about,
        "relying": relying,
        "statement": exports.statement(written["call"].document),
        "facts": exports.facts(call),
        "parts": written,
        "decision": written["decision"].document if "decision" in written else None,
        "waiting": waiting,
        "officers": queries.officers_who_can_approve(about) if waiting else [],
        "may_decide": waiting and relying and actor.has(Right.APPROVE) and missing is None,
        "missing": missing,
        "who_approves": holders_sentence(Right.APPROVE),
        "signatures": call.signatures.select_related("user"),
        "may_sign": took_part and not call.signatures.filter(user=actor.user).exists(),
        "statements": call.statements.select_related("organization", "by"),
        "may_write": call.state == State.MISMATCH
        and not about.is_rehearsal
        and actor.has(Right.APPROVE)
        and not call.statements.filter(organization=actor.organization).exists(),
        # The whole number only for those who may dial it.
        "number": call.contact.phone_spaced
        if actor.membership is not None and actor.membership.role != Role.VIEWER
        else "",
        "reason": _why(call),
        "chain_recipe": CHAIN_RECIPE.format(number=call.number),
        "number_text": str(call.number),
    }


def _why(call: Verification) -> str:
    known = {reason.value: label for reason, label in rules.STOP_LABELS.items()}
    return known.get(call.ended_because, "")


def _page(
    request: HttpRequest, actor: Actor, call: Verification, context: dict[str, Any], status: int = 200, **forms: Any
) -> HttpResponse:
    context = context | _context(call, actor)
    shown = {
        "decision_form": DecisionForm(initial={"record_sha256": context["parts"]["call"].sha256}),
        "statement_form": StatementForm(),
        "signature_form": SignatureForm(),
    }
    return render(request, "trust/verifications/record.html", context | shown | forms, status=status)


@require_safe
def page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The record: what happened, the facts, the evidence, and the decision."""
    actor, call, context = _find(request, slug, number)
    return _page(request, actor, call, context)


@require_POST
def decide(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Approve or decline, as an officer who is none of the others."""
    actor, call, context = _find(request, slug, number)
    form = DecisionForm(request.POST)
    # A missing right is told before a missing reason, and the second factor is asked for before anything is read.
    actor.require_person(Right.APPROVE)
    if form.is_valid():
        act = services.decline if request.POST.get("decision") == "decline" else services.approve
        try:
            act(
                request=call.request,
                actor=actor,
                now=request.now,  # type: ignore[attr-defined]
                reason=form.cleaned_data["reason"],
                record_sha256=form.cleaned_data["record_sha256"],
            )
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            return redirect("verification_record", slug=slug, number=number)
    return _page(request, actor, call, context, 400, decision_form=form)


@require_POST
def statement(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Write what happened at a mismatch."""
    actor, call, context = _find(request, slug, number)
    actor.require(Right.APPROVE)
    form = StatementForm(request.POST)
    if form.is_valid():
        try:
            services.write_what_happened(
                verification=call,
                text=form.cleaned_data["text"],
                actor=actor,
                now=request.now,  # type: ignore[attr-defined]
            )
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            return redirect("verification_record", slug=slug, number=number)
    return _page(request, actor, call, context, 400, statement_form=form)


@require_POST
def sign(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Add one's own detached OpenPGP signature over the record."""
    actor, call, context = _find(request, slug, number)
    form = SignatureForm(request.POST)
    if form.is_valid():
        try:
            services.add_signature(
                verification=call,
                signature=form.cleaned_data["signature"],
                key_block=form.cleaned_data["key_block"],
                actor=actor,
                now=request.now,  # type: ignore[attr-defined]
            )
        except errors.Invalid as refusal:
            if refusal.code == "private_key_found":
                # What was pasted must not come back on the page.
                form = SignatureForm({})
                form.errors.clear()
            add_errors(form, refusal)
        else:
            return redirect("verification_record", slug=slug, number=number)
    return _page(request, actor, call, context, 400, signature_form=form)


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_safe
def document(request: HttpRequest, slug: str, number: int, part: str) -> HttpResponse:
    """One part of the record, byte for byte what is hashed and signed."""
    _, call, _ = _find(request, slug, number)
    written = exports.parts(call).get(part)
    if written is None:
        raise errors.NotFound()
    return _file(record.canonical(written.document), "application/json", f"verification-{number}-{part}.json")


@require_safe
def evidence(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Everything about the call in one JSON file."""
    _, call, _ = _find(request, slug, number)
    return _file(exports.evidence(call), "application/json", f"verification-{number}-evidence.json")


@require_safe
def pdf(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The record as one page of PDF."""
    _, call, _ = _find(request, slug, number)
    return _file(exports.pdf(call), "application/pdf", f"verification-{number}.pdf")


@require_safe
def check(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """How to check the record without the portal."""
    actor, call, context = _find(request, slug, number)
    return render(request, "trust/verifications/check.html", context | _context(call, actor))
