"""The call itself: one page for each side, and the acts of both."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from portal import errors, problems
from portal.organizations.acting import Actor
from portal.organizations.rules import Right
from portal.partnerships import contact_queries
from trust.verifications import call_view, queries, rules, services
from trust.verifications.forms import SourceForm, StopForm
from trust.verifications.groups import MISMATCHES_PER_CALL, mismatches
from trust.verifications.models import Verification
from trust.verifications.pages import place
from trust.verifications.typing_in import GroupResult

State = Verification.State


def session_of(request: HttpRequest) -> str:
    """Return the digest by which a call code is tied to this session."""
    return hashlib.sha256((request.session.session_key or "").encode()).hexdigest()


def _find(request: HttpRequest, slug: str, number: int) -> tuple[Actor, Verification, dict[str, Any]]:
    actor, partnership, context = place(request, slug)
    assert actor.organization is not None
    return actor, queries.get_call(actor.organization, partnership, number), context


@require_safe
def call(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The call as the acting side sees it: typing, reading, or what it came to."""
    actor, found, context = _find(request, slug, number)
    now = request.now  # type: ignore[attr-defined]
    relying = actor.organization == found.request.relying
    state = call_view.moment_state(found, now)
    mine = relying and actor.user is not None and actor.user.pk == found.verifier_id
    context |= {
        "call": found,
        "about": found.request,
        "state": state,
        "relying": relying,
        "in_step": call_view.in_step(found, now, reader=not relying),
        "steps": call_view.steps(found),
        "stop_form": StopForm(),
        "alternatives": [each for each in queries.choose_contacts(found.request, now) if each.pk != found.contact_id],
        "resume_until": rules.resume_until(found.paused_at) if found.paused_at else None,
        "mine": mine,
        "watching": not mine,
    }
    if state not in ("in_progress", "paused"):
        template, more = _ended(found, actor, state, request)
    elif relying:
        template, more = "trust/verifications/verifier.html", _verifier(found, request)
    else:
        template, more = "trust/verifications/reader.html", _reader(found, actor, request)
    return render(request, template, context | more)


def _verifier(call: Verification, request: HttpRequest) -> dict[str, Any]:
    boxes = call_view.boxes(call)
    story = call.story()
    return {
        "step": call_view.step(call).value,
        "say": call_view.say(call),
        "boxes": boxes,
        "differing": [box for box in boxes if box.kind == "x"],
        "words": "words" in request.GET,
        "source_form": SourceForm(),
        "typed_value": call_view.typed_value(call),
        "mismatches": mismatches(story),
        "allowed": MISMATCHES_PER_CALL,
        "code_tries_left": rules.CODE_TRIES - call.code_misses,
    }


def _reader(call: Verification, actor: Actor, request: HttpRequest) -> dict[str, Any]:
    membership = call.contact.membership
    return {
        "step": call_view.step(call).value,
        "mine": membership is not None and actor.membership is not None and membership.pk == actor.membership.pk,
        "code": queries.code_to_say(call, actor, session_of(request)),
    }


def _ended(call: Verification, actor: Actor, state: str, request: HttpRequest) -> tuple[str, dict[str, Any]]:
    assert actor.organization is not None
    now = request.now  # type: ignore[attr-defined]
    if state == State.BOOKED:
        return "trust/verifications/booked.html", {
            "may_confirm": actor.organization == call.request.owner,
            "may_start": actor.organization == call.request.relying and actor.has(Right.CALL),
            "slots": [slot for slot in (call.first_slot, call.second_slot) if slot],
        }
    following = queries.next_in_the_same_call(call, actor.organization, now)
    other = call.reader if actor.organization == call.request.relying else call.verifier
    contact = (
        contact_queries.visible_to(actor.organization)
        .filter(membership__user=other, organization=call.partnership.other(actor.organization), retired_at=None)
        .first()
        if other
        else None
    )
    took_part = actor.user is not None and actor.user.pk in (call.verifier_id, call.reader_id)
    return "trust/verifications/ended.html", {
        "following": following if took_part and contact else [],
        "same_phone_contact": contact,
        "officers": queries.officers_who_can_approve(call.request),
        "approved": call.request.state == "approved",
    }


@require_safe
def state(request: HttpRequest, slug: str, number: int) -> JsonResponse:
    """Where the call stands, for both pages to stay in step."""
    actor, found, _ = _find(request, slug, number)
    # A poll is nobody's act: it neither prolongs the session nor writes to the database each second.
    request.session.save = lambda *_, **__: None  # type: ignore[method-assign]
    reader = actor.organization == found.request.owner
    return JsonResponse(call_view.in_step(found, request.now, reader=reader))  # type: ignore[attr-defined]


# --- Acts ---------------------------------------------------------------------------------------------------------------------
Act = Callable[[HttpRequest, Verification, Actor], None]


def _join(request: HttpRequest, call: Verification, actor: Actor) -> None:
    services.join_call(verification=call, actor=actor, now=request.now, session=session_of(request))  # type: ignore[attr-defined]


def _code(request: HttpRequest, call: Verification, actor: Actor) -> None:
    result = services.enter_call_code(
        verification=call,
        code=request.POST.get("code", ""),
        actor=actor,
        now=request.now,  # type: ignore[attr-defined]
    )
    if not result.matched and result.tries_left:
        left = "1 more try" if result.tries_left == 1 else f"{result.tries_left} more tries"
        messages.error(
            request, f"The code does not match. Ask {call.contact.name} to read the 4 digits again. You have {left}."
        )


def _source(request: HttpRequest, call: Verification, actor: Actor) -> None:
    services.name_source(
        verification=call,
        source=request.POST.get("source", ""),
        note=request.POST.get("note", ""),
        actor=actor,
        now=request.now,  # type: ignore[attr-defined]
    )


def _row(request: HttpRequest, call: Verification, actor: Actor) -> None:
    typed = {
        index: request.POST[f"g{index}"]
        for index in range(1, call.request.group_count + 1)
        if request.POST.get(f"g{index}", "").strip()
    }
    services.enter_row(verification=call, typed=typed, actor=actor, now=request.now)  # type: ignore[attr-defined]


def _read_back(request: HttpRequest, call: Verification, actor: Actor) -> None:
    services.read_back_done(verification=call, actor=actor, now=request.now)  # type: ignore[attr-defined]


def _pause(request: HttpRequest, call: Verification, actor: Actor) -> None:
    services.pause(verification=call, actor=actor, now=request.now)  # type: ignore[attr-defined]


def _resume(request: HttpRequest, call: Verification, actor: Actor) -> None:
    services.resume(verification=call, actor=actor, now=request.now)  # type: ignore[attr-defined]


def _stop(request: HttpRequest, call: Verification, actor: Actor) -> None:
    services.stop(
        verification=call,
        actor=actor,
        now=request.now,  # type: ignore[attr-defined]
        reason=request.POST.get("reason", ""),
        note=request.POST.get("note", ""),
    )


def _confirm(request: HttpRequest, call: Verification, actor: Actor) -> None:
    slot = parse_datetime(request.POST.get("slot", ""))
    if slot is None:
        raise errors.Invalid("Choose one of the proposed times.", code="slot")
    services.confirm_booking(verification=call, slot=slot, actor=actor, now=request.now)  # type: ignore[attr-defined]


ACTS: dict[str, Act] = {
    "join": _join,
    "code": _code,
    "source": _source,
    "row": _row,
    "read-back": _read_back,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "confirm": _confirm,
}


@require_POST
def act(request: HttpRequest, slug: str, number: int, act: str) -> HttpResponse:
    """Do one act of the call and show the call again; what cannot be done is said there."""
    actor, found, _ = _find(request, slug, number)
    if act not in ACTS:
        raise errors.NotFound()
    try:
        ACTS[act](request, found, actor)
    except (errors.Invalid, errors.Conflict) as refusal:
        # The call goes on: the reason belongs on its own page, not on an error page.
        messages.error(request, f"{refusal.sentence} {refusal.fix}".strip())
    return redirect("verification_call", slug=slug, number=number)


@require_POST
def group(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Compare one group for the script of the page: yes or no, as JSON."""
    actor, found, _ = _find(request, slug, number)
    index = request.POST.get("index", "")
    try:
        result = services.enter_group(
            verification=found,
            index=int(index) if index.isdecimal() and len(index) < 4 else 0,
            typed=request.POST.get("typed", ""),
            pasted=request.POST.get("pasted") == "1",
            actor=actor,
            now=request.now,  # type: ignore[attr-defined]
        )
    except errors.Refusal as refusal:
        return problems.from_refusal(request, refusal)
    return JsonResponse(_answer(request, found, result))


def _answer(request: HttpRequest, before: Verification, result: GroupResult) -> dict[str, Any]:
    call = Verification.objects.select_related("contact", "request__relying").get(pk=before.pk)
    address = reverse("verification_call", args=[before.partnership.slug, before.number])
    done = result.ended or result.next_index is None
    answer = {
        "verdict": "ended" if result.ended else "match" if result.matched else "again",
        "index": result.index,
        "typed": result.typed,
        "next": result.next_index,
        "matched": sum(group.matched for group in call.story()),
        "mismatches": result.mismatches,
        "say": "" if done else call_view.say(call),
        "status": _said(result),
        "go": address if done else "",
        "note": "",
    }
    if not result.matched and not result.ended:
        box = call_view.boxes(call)[result.index - 1]
        answer["note"] = render_to_string("trust/verifications/_differs.html", {"box": box, "call": call})
    return answer


def _said(result: GroupResult) -> str:
    if result.ended:
        return "These fingerprints are different."
    if not result.matched:
        return f"Group {result.index} does not match."
    if result.next_index is None:
        return f"Group {result.index} matches. All groups match."
    return f"Group {result.index} matches, group {result.next_index} next"
