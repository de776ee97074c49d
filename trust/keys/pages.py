"""Pages about keys: one's own (S9), and both sides' in a partnership (S8)."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.acting import Actor
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from trust.keys import panels, queries, rules, services
from trust.keys.forms import AnswerForm, RevokeForm, StatementForm, UploadKeyForm
from trust.keys.models import OpenPgpKey
from trust.keys.reading import PRIVATE_KEY_FOUND

_REFUSALS = (errors.Invalid, errors.Conflict, errors.TooLarge)


@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """The organization's own keys: the active one, the next one, and those before."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    keys = list(queries.of(organization))
    context = _rights(actor) | {
        "active": next((key for key in keys if key.state in rules.HELD and not key.is_next), None),
        "following": next((key for key in keys if key.state in rules.HELD and key.is_next), None),
        "former": [key for key in keys if key.state not in rules.HELD],
    }
    for key in keys:
        _decorate(key, request)
    return render(request, "trust/keys/own.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Paste or upload a public key."""
    actor = acting.of(request)
    organization = actor.require(Right.UPLOAD)
    form = UploadKeyForm(request.POST, request.FILES) if request.method == "POST" else UploadKeyForm()
    if request.method == "POST" and form.is_valid():
        try:
            done = services.upload_key(block=form.content(), actor=actor, now=request.now)
        except _REFUSALS as refusal:
            if refusal.code == PRIVATE_KEY_FOUND:
                return _private_key(request, refusal)
            add_errors(form, refusal)
        else:
            _say_what_the_upload_did(request, done)
            return redirect("key", key_id=done.key.pk)
    context = {"form": form, "active": queries.active(organization)}
    return render(request, "trust/keys/add.html", context, status=400 if form.errors else 200)


def _say_what_the_upload_did(request: HttpRequest, done: services.Uploaded) -> None:
    if done.outcome == "unchanged":
        messages.info(request, "You have this key already. Nothing changed.")
    elif done.outcome == "updated":
        messages.success(request, "The key is up to date. Its fingerprint is the same, so nobody has to call again.")


def _private_key(request: HttpRequest, refusal: errors.Refusal) -> HttpResponse:
    return render(request, "trust/keys/private_key.html", {"found": refusal.extra}, status=400)


@require_safe
def detail(request: HttpRequest, key_id: str) -> HttpResponse:
    """One of the organization's keys: what it says, what to do next, and how each partner sees it."""
    actor = acting.of(request)
    return _detail(request, actor, queries.get(actor.require(Right.READ), key_id))


def _detail(request: HttpRequest, actor: Actor, key: OpenPgpKey, *, status: int = 200, **forms: Any) -> HttpResponse:
    _decorate(key, request)
    may_vouch = key.is_next and key.replaces is not None and key.replaces.state == rules.State.PROVEN
    context = _rights(actor) | {
        "key": key,
        "challenge": services.open_challenge(key, request.now) if key.state == "uploaded" else None,
        "command": rules.reading_command(key.user_ids),
        "answer_form": forms.get("answer_form") or AnswerForm(auto_id="id_%s"),
        "statement_form": forms.get("statement_form") or StatementForm(auto_id="id_vouch_%s"),
        "failed_form": forms.get("answer_form") or forms.get("statement_form"),
        "may_vouch": may_vouch and key.vouched_at is None,
        "unverified": [each for each in key.seen if not each.is_verified],
    }
    return render(request, "trust/keys/key.html", context, status=status)


@require_safe
def challenge_text(request: HttpRequest, key_id: str) -> HttpResponse:
    """The text to sign, as a file."""
    actor = acting.of(request)
    key = queries.get(actor.require(Right.UPLOAD), key_id)
    challenge = services.open_challenge(key, request.now) if key.state == "uploaded" else None
    if challenge is None:
        raise errors.NotFound("There is no text to sign. Make a new one on the key's page.")
    return _text_file("challenge.txt", challenge.text)


@require_POST
def new_challenge(request: HttpRequest, key_id: str) -> HttpResponse:
    """Make a new text to sign, after the last one expired."""
    actor = acting.of(request)
    key = queries.get(actor.require(Right.UPLOAD), key_id)
    services.issue_challenge(key=key, actor=actor, now=request.now)
    return redirect("key", key_id=key_id)


@require_POST
def prove(request: HttpRequest, key_id: str) -> HttpResponse:
    """Take the signed text."""
    actor = acting.of(request)
    key = queries.get(actor.require(Right.UPLOAD), key_id)
    form = AnswerForm(request.POST, request.FILES)

    def act() -> None:
        services.prove_possession(key=key, answer=form.content(), actor=actor, now=request.now)

    return _try(request, actor, key, form, act, name="answer_form")


@require_safe
def succession_text(request: HttpRequest, key_id: str) -> HttpResponse:
    """The text with which the active key vouches for the next one, as a file."""
    actor = acting.of(request)
    key = queries.get(actor.require(Right.UPLOAD), key_id)
    return _text_file("succession.txt", services.succession(key)[0])


@require_POST
def vouch(request: HttpRequest, key_id: str) -> HttpResponse:
    """Take the text signed by the active key."""
    actor = acting.of(request)
    key = queries.get(actor.require(Right.UPLOAD), key_id)
    form = StatementForm(request.POST, request.FILES, auto_id="id_vouch_%s")

    def act() -> None:
        services.vouch(key=key, statement=form.content(), actor=actor, now=request.now)

    return _try(request, actor, key, form, act, name="statement_form")


def _try(
    request: HttpRequest, actor: Actor, key: OpenPgpKey, form: Any, act: Callable[[], None], *, name: str
) -> HttpResponse:
    """Do ``act`` with a form of the key's page; on refusal show the page again with what is wrong."""
    if form.is_valid():
        try:
            act()
        except _REFUSALS as refusal:
            if refusal.code == PRIVATE_KEY_FOUND:
                return _private_key(request, refusal)
            add_errors(form, refusal)
        else:
            return redirect("key", key_id=key.pk)
    return _detail(request, actor, queries.get(key.organization, key.pk), status=400, **{name: form})


@require_POST
def replace(request: HttpRequest, key_id: str) -> HttpResponse:
    """Put the next key in the place of the active one."""
    actor = acting.of(request)
    key = queries.get(actor.require(Right.UPLOAD), key_id)
    services.replace_active(key=key, actor=actor, now=request.now)
    messages.success(request, "This is your active key now. Signatures of the one before no longer count.")
    return redirect("key", key_id=key_id)


@require_POST
def discard(request: HttpRequest, key_id: str) -> HttpResponse:
    """Drop a key that was never proven."""
    actor = acting.of(request)
    services.discard(key=queries.get(actor.require(Right.UPLOAD), key_id), actor=actor, now=request.now)
    messages.success(request, "The key is gone. It was never proven, so nobody relied on it.")
    return redirect("keys")


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, key_id: str) -> HttpResponse:
    """Revoke a key, with its certificate or with a reason."""
    actor = acting.of(request)
    key = queries.get(actor.require(Right.UPLOAD), key_id)
    form = RevokeForm(request.POST) if request.method == "POST" else RevokeForm()
    if request.method == "POST" and form.is_valid():
        certificate = form.cleaned_data["certificate"].strip()
        try:
            services.revoke_key(
                key=key,
                certificate=certificate.encode("utf-8", "surrogatepass") if certificate else None,
                reason=form.cleaned_data["reason"],
                actor=actor,
                now=request.now,
            )
        except _REFUSALS as refusal:
            if refusal.code == PRIVATE_KEY_FOUND:
                return _private_key(request, refusal)
            add_errors(form, refusal)
        else:
            return redirect("key", key_id=key_id)
    _decorate(key, request)
    return render(request, "trust/keys/revoke.html", {"form": form, "key": key}, status=400 if form.errors else 200)


@require_safe
def of_partnership(request: HttpRequest, slug: str) -> HttpResponse:
    """The keys of both sides of a partnership, and what other features add about its certificates."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    partnership = partnerships.get(organization, slug)
    partner = partnership.other(organization)
    sides = [
        {"owner": owner, "mine": owner == organization, "keys": _side(partnership, owner, organization, request)}
        for owner in (partner, organization)
    ]
    context = _rights(actor) | {
        "partnership": partnership,
        "partner": partner,
        "sides": sides,
        "panels": panels.drawn(partnership, actor, request),
    }
    return render(request, "trust/keys/partnership.html", context)


def _side(partnership: Any, owner: Any, viewer: Any, request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {
            "key": each.key,
            "standing": each,
            "hidden": not queries.may_see_in_full(each.key, viewer, request.now),
            "days_left": _days_left(each.key, request),
            "record": queries.record_of(each),
        }
        for each in queries.of_side(partnership, owner, viewer, request.now)
    ]


def _decorate(key: OpenPgpKey, request: HttpRequest) -> None:
    """Put on the key what its pages show besides the columns."""
    key.seen = queries.standings(key, request.now)
    key.hidden = not queries.may_see_in_full(key, key.organization, request.now)
    key.days_left = _days_left(key, request)
    verified = bool(key.seen) and all(each.is_verified for each in key.seen)
    key.shown_state = rules.shown_state(key.state, expires_at=key.expires_at, verified=verified, now=request.now)


def _days_left(key: OpenPgpKey, request: HttpRequest) -> int | None:
    """The days until the key expires, once the first warning is due."""
    if key.expires_at is None or key.state not in rules.HELD or key.expires_at <= request.now:
        return None
    days = (key.expires_at - request.now).days
    return days if days <= rules.SHOWN_FROM_DAYS else None


def _rights(actor: Actor) -> dict[str, Any]:
    who_can = holders_sentence(Right.UPLOAD)
    who_adds = f"No bundle and no notice of yours counts without one. {who_can.removesuffix('.')} add it."
    return {"may_upload": actor.has(Right.UPLOAD), "who_can": who_can, "who_adds": who_adds}


def _text_file(name: str, text: str) -> HttpResponse:
    response = HttpResponse(text.encode(), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
