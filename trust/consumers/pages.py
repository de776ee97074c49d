"""Pages about consumers: who pulls, what they run, who is late, and their tokens."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.rules import Right, holders_sentence
from portal.states import LABELS
from trust.consumers import counting, lanes, queries, rules, services
from trust.consumers.forms import ChangeConsumerForm, NewConsumerForm, RotateForm, SwitchOnForm
from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.consumers.pictures import pull_strip
from trust.stores import queries as stores
from trust.stores import snippets

PAGE = 100
_WORST_FIRST = sorted(counting.STATES, key=rules.ORDER.index)


def _trail(consumer: Consumer | None = None) -> list[tuple[str, str]]:
    trail = [("Consumers", reverse("consumers"))]
    if consumer is not None:
        trail.append((consumer.name, reverse("consumer", args=[consumer.name])))
    return trail


@require_safe
def consumers(request: HttpRequest) -> HttpResponse:
    """List the organization's consumers by page, with how each stands with its stores; narrowed by state and name."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    owned = list(stores.of(organization))
    word, state = request.GET.get("q", "").strip().lower()[:80], request.GET.get("state", "")
    chosen = rules.State(state) if state in list(rules.State) else None
    found = queries.in_state(organization, chosen, request.now) if chosen else queries.of(organization)
    if word:
        found = found.filter(Q(name__contains=word) | Q(owner__icontains=word))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    off = queries.in_state(organization, rules.State.SWITCHED_OFF, request.now).count()
    counted = counting.of_stores(request.now, owned).values()
    context = {
        "page": page,
        "standings": queries.standings(page.object_list, request.now),
        "states": [
            *((each.value, LABELS["consumer"][each].text, sum(of[each] for of in counted)) for each in _WORST_FIRST),
            (rules.State.SWITCHED_OFF.value, LABELS["consumer"]["switched_off"].text, off),
        ],
        "any_off": off,
        "word": word,
        "state": chosen or "",
        "stores": owned,
        "may_manage": actor.has(Right.MANAGE_DELIVERY),
        "who_can": holders_sentence(Right.MANAGE_DELIVERY),
    }
    return render(request, "trust/consumers/consumers.html", context)


@require_safe
def store_consumers(request: HttpRequest, name: str) -> HttpResponse:
    """Show the consumers of one store: lanes by version, then a table by page."""
    store = stores.get(acting.of(request).require(Right.READ), name)
    found = store.consumers.filter(retired_at=None).prefetch_related("stores").order_by("name")
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    listed = [each for each in queries.standings(page.object_list, request.now) if each.store.pk == store.pk]
    context = {
        "store": store,
        "lanes": lanes.lanes_of(store, request.now),
        "page": page,
        "standings": listed,
        "trail": [("Trust stores", reverse("trust_stores")), (store.name, reverse("trust_store", args=[store.name]))],
    }
    return render(request, "trust/consumers/store.html", context)


@require_safe
def consumer(request: HttpRequest, name: str) -> HttpResponse:
    """Show one consumer: what it runs, its pulls, its tokens, and what to do when it is late."""
    actor = acting.of(request)
    found = queries.get(actor.require(Right.READ), name)
    standings = queries.standings([found], request.now)
    with_history = {row.store_id: row for row in PullRecord.objects.filter(consumer=found)}
    context = {
        "consumer": found,
        "state": queries.state_of(found, (each.state for each in standings)),
        "rows": [
            (
                each,
                pull_strip(with_history.get(each.store.pk), request.now),
                snippets.pull_again_command(each.store, each.pull.user_agent if each.pull else ""),
            )
            for each in standings
        ],
        "interval": timedelta(seconds=found.interval_seconds),
        "tokens": [(token, _token_state(token, request.now)) for token in queries.tokens_of(found)],
        "may_manage": actor.has(Right.MANAGE_DELIVERY),
        "who_can": holders_sentence(Right.MANAGE_DELIVERY),
        "trail": _trail(),
    }
    return render(request, "trust/consumers/consumer.html", context)


def _token_state(token: ConsumerToken, now: Any) -> str:
    if token.revoked_at:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    return "expiring" if token.expires_at - now < rules.EXPIRES_SOON else "active"


@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def consumer_new(request: HttpRequest) -> HttpResponse:
    """Register a consumer; afterwards show its token once."""
    actor = acting.of(request)
    organization = actor.require(Right.MANAGE_DELIVERY)
    initial = {"stores": request.GET.getlist("store")}
    form = NewConsumerForm(request.POST or None, stores=stores.of(organization), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = services.register(**form.cleaned_data, actor=actor, now=request.now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return _show_secret(request, made, secret)
    context = {"form": form, "trail": _trail()}
    return render(request, "trust/consumers/new.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, name: str) -> HttpResponse:
    """Change what a consumer pulls, who runs it and how often."""
    actor = acting.of(request)
    found = queries.get(actor.require(Right.MANAGE_DELIVERY), name)
    initial = {
        "owner": found.owner,
        "interval": found.interval_seconds,
        "stores": [store.name for store in found.stores.all()],
    }
    form = ChangeConsumerForm(request.POST or None, stores=stores.of(found.organization), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.change(consumer=found, **form.cleaned_data, actor=actor, now=request.now)
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, f"{found.name} is changed. It holds for its tokens at once.")
            return redirect("consumer", found.name)
    context = {"form": form, "consumer": found, "trail": _trail(found)}
    return render(request, "trust/consumers/change.html", context, status=400 if form.errors else 200)


@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: HttpRequest, name: str) -> HttpResponse:
    """Give a consumer a new token, while its older ones still work for a while."""
    actor = acting.of(request)
    found = queries.get(actor.require(Right.MANAGE_DELIVERY), name)
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            secret = services.rotate_token(consumer=found, **form.cleaned_data, actor=actor, now=request.now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return _show_secret(request, found, secret)
    context = {"form": form, "consumer": found, "trail": _trail(found)}
    return render(request, "trust/consumers/rotate.html", context, status=400 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, name: str, token_id: str) -> HttpResponse:
    """Revoke one token of a consumer at once."""
    actor = acting.of(request)
    found = queries.get(actor.require(Right.MANAGE_DELIVERY), name)
    token = services.revoke_token(consumer=found, token_id=token_id, actor=actor, now=request.now)
    messages.success(request, f"Token {token.hint}… is revoked. It opens nothing any more.")
    return redirect("consumer", found.name)


@require_POST
def retire(request: HttpRequest, name: str) -> HttpResponse:
    """Switch a consumer off."""
    actor = acting.of(request)
    found = queries.get(actor.require(Right.MANAGE_DELIVERY), name)
    services.retire(consumer=found, actor=actor, now=request.now)
    messages.success(
        request, f"{found.name} is switched off. Its tokens open nothing any more; its page switches it on again."
    )
    return redirect("consumers")


@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def switch_on(request: HttpRequest, name: str) -> HttpResponse:
    """Switch a consumer on again; afterwards show its new token once."""
    actor = acting.of(request)
    found = queries.get(actor.require(Right.MANAGE_DELIVERY), name)
    if request.method != "POST" and found.retired_at is None:
        return redirect("consumer", found.name)
    form = SwitchOnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            secret = services.switch_on(consumer=found, **form.cleaned_data, actor=actor, now=request.now)
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            return _show_secret(request, found, secret)
    context = {"form": form, "consumer": found, "stores": found.stores.order_by("name"), "trail": _trail(found)}
    return render(request, "trust/consumers/switch_on.html", context, status=400 if form.errors else 200)


def _show_secret(request: HttpRequest, found: Consumer, secret: str) -> HttpResponse:
    first = found.stores.order_by("name").first()
    assert first is not None
    context = {
        "consumer": found,
        "secret": secret,
        "stores": found.stores.order_by("name"),
        "command": snippets.pull_command(first),
        "try_it": f'curl -fsS -H "Authorization: Bearer {secret}" {snippets.address(first, "pem")}',
        "trail": _trail(found),
    }
    return render(request, "trust/consumers/secret.html", context)
