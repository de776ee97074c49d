"""Webhook endpoints and deliveries in the browser."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications.webhooks import configuration, queries, redelivering, services, showing
from notifications.webhooks.forms import (
    HEARS,
    ChallengeForm,
    ChangeForm,
    EndpointForm,
    PauseForm,
    RotateForm,
    SinceForm,
)
from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.rules import Right, holders_sentence

PAGE = 25
RECEIVER = """import json, os
from flask import Flask, request
from standardwebhooks import Webhook

app = Flask(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])  # whsec_...

@app.post("/trust")
def receive():
    event = webhook.verify(request.data, dict(request.headers))  # raises when forged or old
    print(event["data"]["summary"], event["data"].get("url"))
    return json.dumps({"challenge": event["data"].get("challenge")})"""


@require_safe
def endpoints(request: HttpRequest) -> HttpResponse:
    """List the endpoints, those in trouble first."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    context = {"rows": showing.rows(organization), "may_manage": actor.has(Right.MANAGE_DELIVERY)}
    context["receiver"] = RECEIVER
    return render(request, "notifications/webhooks/endpoints.html", context | _who())


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Add an endpoint; its secret is shown on the page that follows, once."""
    actor = acting.of(request)
    actor.require(Right.MANAGE_DELIVERY)
    form = EndpointForm(request.POST or None, mutual_tls=bool(configuration.tls().certificate))
    if request.method == "POST" and form.is_valid():
        try:
            added = services.add_endpoint(actor=actor, now=request.now, **form.cleaned_data)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return render(request, "notifications/webhooks/key.html", {"added": added, "first": True})
    return render(request, "notifications/webhooks/add.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
def endpoint(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Show an endpoint: its health, its keys, what was delivered."""
    return _endpoint(request, endpoint_id)


def _endpoint(request: HttpRequest, endpoint_id: uuid.UUID, status: int = 200, **forms: Any) -> HttpResponse:
    actor = acting.of(request)
    found = queries.get(actor.require(Right.READ), endpoint_id)
    page = Paginator(showing.deliveries_to(found), PAGE).get_page(request.GET.get("page"))
    context = {
        "endpoint": found,
        "page": page,
        "deliveries": [(each, showing.shown_state(each)) for each in page],
        "keys": [(key, key.in_force(request.now)) for key in queries.keys_of(found)],
        "bars": showing.latencies(found),
        "may_manage": actor.has(Right.MANAGE_DELIVERY),
        "challenge_form": ChallengeForm(),
        "hears": [HEARS.get(each, each) for each in found.event_types],
        "change_form": ChangeForm(initial={"event_types": found.event_types}),
        "rotate_form": RotateForm(),
        "since_form": SinceForm(initial={"since": request.now - timedelta(days=1)}),
        "pause_form": PauseForm(),
    }
    return render(request, "notifications/webhooks/endpoint.html", context | _who() | forms, status=status)


@require_POST
def act(request: HttpRequest, endpoint_id: uuid.UUID, act: str) -> HttpResponse:
    """Do one thing with an endpoint: test, confirm, change, rotate, pause, resume, recover, remove."""
    if act not in ACTS:
        raise errors.NotFound()
    acting.of(request).require(Right.MANAGE_DELIVERY)
    name, form_class = ACTS[act]
    form = form_class(request.POST) if form_class else None
    if form is not None and not form.is_valid():
        return _endpoint(request, endpoint_id, status=400, **{name: form})
    try:
        answer = DOERS[act](request, endpoint_id, form.cleaned_data if form else {})
    except errors.Invalid as refusal:
        if form is None:
            raise
        add_errors(form, refusal)
        return _endpoint(request, endpoint_id, status=400, **{name: form})
    except errors.Conflict as refusal:
        messages.error(request, f"{refusal.sentence} {refusal.fix}".strip())
        return redirect("webhook", endpoint_id=endpoint_id)
    return answer or redirect("webhook", endpoint_id=endpoint_id)


def _common(request: HttpRequest, endpoint_id: uuid.UUID) -> dict[str, Any]:
    return {"actor": acting.of(request), "now": request.now, "endpoint_id": endpoint_id}  # type: ignore[attr-defined]


def _test(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> None:
    found, answer = services.send_test(**_common(request, endpoint_id))
    if found.last_test and found.last_test["proven"]:
        messages.success(request, "Test answered with its challenge. The endpoint is proven.")
    elif answer.outcome == "delivered":
        messages.warning(request, "The test arrived. Enter its challenge below, or let your receiver answer with it.")
    else:
        messages.error(request, f"The test failed. {answer.reason}")


def _confirm(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> None:
    services.confirm_challenge(**_common(request, endpoint_id), **given)
    messages.success(request, "The endpoint is proven. Events are sent to it from now on.")


def _change(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> None:
    services.change_endpoint(**_common(request, endpoint_id), **given)
    messages.success(request, "Saved what it hears.")


def _rotate(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> HttpResponse:
    added = services.rotate_key(**_common(request, endpoint_id), overlap=timedelta(hours=given["overlap_hours"]))
    return render(request, "notifications/webhooks/key.html", {"added": added, "hours": given["overlap_hours"]})


def _pause(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> None:
    services.pause_endpoint(**_common(request, endpoint_id), **given)
    messages.warning(request, "Paused. Your inbox and mail say so, and notices go by mail meanwhile.")


def _resume(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> None:
    services.resume_endpoint(**_common(request, endpoint_id))
    messages.success(request, "Resumed. Redeliver below what it missed.")


def _recover(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> None:
    count = redelivering.redeliver_failed(**_common(request, endpoint_id), since=given["since"])
    messages.success(request, f"{count} deliveries are made again now.")


def _remove(request: HttpRequest, endpoint_id: uuid.UUID, given: dict[str, Any]) -> HttpResponse:
    services.remove_endpoint(**_common(request, endpoint_id))
    messages.success(request, "Removed.")
    return redirect("webhooks")


ACTS: dict[str, tuple[str, Any]] = {
    "test": ("", None),
    "confirm": ("challenge_form", ChallengeForm),
    "change": ("change_form", ChangeForm),
    "rotate": ("rotate_form", RotateForm),
    "pause": ("pause_form", PauseForm),
    "resume": ("", None),
    "recover": ("since_form", SinceForm),
    "remove": ("", None),
}
DOERS = {
    "test": _test,
    "confirm": _confirm,
    "change": _change,
    "rotate": _rotate,
    "pause": _pause,
    "resume": _resume,
    "recover": _recover,
    "remove": _remove,
}


@require_safe
def delivery(request: HttpRequest, delivery_id: uuid.UUID) -> HttpResponse:
    """Show one delivery: the event, what was sent, and what came back on each attempt."""
    actor = acting.of(request)
    found = showing.delivery(actor.require(Right.READ), delivery_id)
    context = {
        "delivery": found,
        "state": showing.shown_state(found),
        "attempts": list(found.attempts.order_by("-number")),
        "endpoint": queries.of(found.organization).filter(pk=found.recipient).first(),
        "may_manage": actor.has(Right.MANAGE_DELIVERY),
    }
    return render(request, "notifications/webhooks/delivery.html", context | _who())


@require_POST
def redeliver(request: HttpRequest, delivery_id: uuid.UUID) -> HttpResponse:
    """Make one delivery again."""
    try:
        redelivering.redeliver(actor=acting.of(request), now=request.now, delivery_id=delivery_id)
    except errors.Conflict as refusal:
        messages.error(request, f"{refusal.sentence} {refusal.fix}".strip())
    else:
        messages.success(request, "It is delivered again now, with the same id.")
    return redirect("delivery", delivery_id=delivery_id)


def _who() -> dict[str, str]:
    return {"who_can": holders_sentence(Right.MANAGE_DELIVERY)}
