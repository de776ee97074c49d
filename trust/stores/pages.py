"""Pages about trust stores: what is trusted now, what was, and what each change adds or removes."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations import queries as people
from portal.organizations.rules import Right, holders_sentence
from trust.stores import (
    adoption,
    beside,
    checking,
    compositions,
    floor,
    holding,
    proposals,
    queries,
    rules,
    services,
    shown,
    snippets,
)
from trust.stores.forms import ChainForm, PickCertificatesForm, ReasonForm, ReviewForm
from trust.stores.models import StoreVersion, TrustStore

RAIL = 4
AROUND = 2  # versions before and after the one that a page shows
VERSIONS_PAGE = 100


def _trail(store: TrustStore | None = None, version: StoreVersion | None = None) -> list[tuple[str, str]]:
    trail = [("Trust stores", reverse("trust_stores"))]
    if store is not None:
        trail.append((store.name, reverse("trust_store", args=[store.name])))
    if store is not None and version is not None:
        trail.append((f"v{version.number}", reverse("trust_store_version", args=[store.name, version.number])))
    return trail


@require_safe
def trust_stores(request: HttpRequest) -> HttpResponse:
    """List the organization's stores, and what waits for a second person."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    stores = list(queries.with_counts(organization))
    counts = adoption.source.counts_of(stores, request.now)
    context = {
        "rows": [(store, counts.get(store.pk, (0, 0))) for store in stores],
        "uptake": adoption.source.shared_with(organization, request.now),
        "drafts": queries.waiting_drafts(organization),
        "reviews": queries.waiting_reviews(organization),
    }
    return render(request, "trust/stores/stores.html", context)


@require_safe
def trust_store(request: HttpRequest, name: str) -> HttpResponse:
    """Show one store: current contents, versions, who runs what, and how to pull it."""
    actor = acting.of(request)
    store = queries.get(actor.require(Right.READ), name)
    current = queries.current(store)
    versions = list(queries.versions(store)[: RAIL + 1])
    context = {
        "store": store,
        "current": current,
        "tree": shown.tree(queries.entries(current)),
        "rail": list(reversed(versions[:RAIL])),
        "more_versions": len(versions) > RAIL,
        "previous": versions[1] if len(versions) > 1 else None,
        "drafts": queries.waiting_drafts(store.relying).filter(store=store),
        "lanes": adoption.source.lanes_of(store, request.now),
        "artifacts": shown.artifacts(current),
        "beside": beside.of(store, request.now),
        "snippets": snippets.of(store),
        "withdrawn": queries.withdrawn_certificates(store) if current else [],
        "may_remove": actor.has(Right.PUBLISH_REMOVAL),
        "may_add": actor.has(Right.PUBLISH_ADDITION),
        "who_can_remove": holders_sentence(Right.PUBLISH_REMOVAL),
        "trail": _trail(),
    }
    return render(request, "trust/stores/store.html", context)


@require_safe
def versions(request: HttpRequest, name: str) -> HttpResponse:
    """List every version of a store by page, newest first, with how many services run it."""
    store = queries.get(acting.of(request).require(Right.READ), name)
    page = Paginator(queries.versions(store), VERSIONS_PAGE).get_page(request.GET.get("page"))
    running = {lane.number: lane.count for lane in adoption.source.lanes_of(store, request.now)}
    shown_here = list(page.object_list)
    older = queries.versions(store).filter(number__lt=shown_here[-1].number).first() if shown_here else None
    before = [*shown_here[1:], older]
    rows = [(each, last, running.get(each.number, 0)) for each, last in zip(shown_here, before, strict=False)]
    context = {"store": store, "rows": rows, "page": page, "trail": _trail(store)}
    return render(request, "trust/stores/versions.html", context)


@require_safe
def trust_store_version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Show one version: what it holds, what it changed, who published it and why."""
    return _version(request, name, number, ReviewForm())


def _version(request: HttpRequest, name: str, number: int, review_form: ReviewForm) -> HttpResponse:
    actor = acting.of(request)
    store = queries.get(actor.require(Right.READ), name)
    version = queries.version(store, number)
    before = store.versions.filter(number=number - 1).first()
    context = {
        "store": store,
        "version": version,
        "is_current": version.number == store.current_number,
        "before": before,
        "changes": shown.changes(queries.compare(store, before.number, number)) if before else [],
        "rail": store.versions.filter(number__range=(number - AROUND, number + AROUND)).order_by("number"),
        "tree": shown.tree(queries.entries(version)),
        "artifacts": shown.artifacts(version),
        "review_form": review_form,
        "may_review": actor.has(Right.APPROVE) and str(version.published_by_id) != actor.id,
        "may_add": actor.has(Right.PUBLISH_ADDITION),
        "who_can_review": holders_sentence(Right.APPROVE),
        "lanes": [lane for lane in adoption.source.lanes_of(store, request.now) if lane.number == number],
        "trail": _trail(store),
    }
    return render(request, "trust/stores/version.html", context, status=400 if review_form.errors else 200)


@require_safe
def compare(request: HttpRequest, name: str, first: int, second: int) -> HttpResponse:
    """Show what going from one version to another adds and removes."""
    store = queries.get(acting.of(request).require(Right.READ), name)
    composition = queries.compare(store, first, second)
    context = {
        "store": store,
        "first": queries.version(store, first),
        "second": queries.version(store, second),
        "sentence": shown.sentence(composition),
        "changes": shown.changes(composition),
        "differs": composition.changes,
        "trail": _trail(store),
    }
    return render(request, "trust/stores/compare.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, name: str) -> HttpResponse:
    """Remove certificates from the current version: pick, see the effect, publish. One person can."""
    actor = acting.of(request)
    store = queries.get(actor.require(Right.PUBLISH_REMOVAL), name)
    current = queries.current(store)
    hold = holding.of(store, request.now)
    form = PickCertificatesForm(
        request.POST or None,
        certificates=shown.as_chains(entry.certificate for entry in queries.entries(current)),
        may_empty=True,
        held=hold is not None,
        initial={"certificates": request.GET.getlist("certificate")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            version = services.withdraw_certificates(
                store=store,
                certificates=form.cleaned_data["certificates"],
                actor=actor,
                now=request.now,
                reason=form.cleaned_data["reason"],
                empty_store=form.cleaned_data["empty_store"],
                emergency=form.cleaned_data.get("emergency", False),
            )
        except errors.StepUpRequired:
            raise
        except (errors.Invalid, errors.Conflict, errors.NotAllowed) as refusal:
            add_errors(form, refusal)
        else:
            messages.success(
                request, f"{store.name} v{version.number} is published. Services get it at their next pull."
            )
            return redirect("trust_store_version", store.name, version.number)
    context = {
        "store": store,
        "form": form,
        "next_number": rules.next_number(floor.last_number(store)),
        "hold": hold,
        "readiness": adoption.source.readiness(store, request.now),
        "reviewers": [each.user for each in people.officers_of(store.relying, excluding=actor.user)],
        "trail": _trail(store),
    }
    return render(request, "trust/stores/withdraw.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, name: str) -> HttpResponse:
    """Propose to bring back certificates that the store once held."""
    actor = acting.of(request)
    store = queries.get(actor.require(Right.PUBLISH_ADDITION), name)
    form = PickCertificatesForm(
        request.POST or None, certificates=shown.as_chains(queries.withdrawn_certificates(store)), may_empty=False
    )
    if request.method == "POST" and form.is_valid():
        try:
            draft = proposals.restore(
                store=store,
                certificates=form.cleaned_data["certificates"],
                actor=actor,
                now=request.now,
                reason=form.cleaned_data["reason"],
            )
        except errors.Invalid as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "Sent for approval. A second security officer must publish it.")
            return redirect("store_draft", draft.pk)
    context = {"store": store, "form": form, "trail": _trail(store)}
    return render(request, "trust/stores/restore.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def publish_again(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Go back to the contents of an earlier version as a new one."""
    actor = acting.of(request)
    store = queries.get(actor.require(Right.PUBLISH_ADDITION), name)
    earlier = queries.version(store, number)
    form = ReasonForm(request.POST or None)
    composition = compositions.contents_again(store, earlier)
    if request.method == "POST" and form.is_valid():
        try:
            done = proposals.publish_again(
                store=store, number=number, actor=actor, now=request.now, reason=form.cleaned_data["reason"]
            )
        except (errors.Invalid, errors.Conflict) as refusal:
            add_errors(form, refusal)
        else:
            if isinstance(done, StoreVersion):
                messages.success(request, f"{store.name} v{done.number} is published.")
                return redirect("trust_store_version", store.name, done.number)
            messages.success(request, "Sent for approval. A second security officer must publish it.")
            return redirect("store_draft", done.pk)
    context = {
        "store": store,
        "earlier": earlier,
        "form": form,
        "sentence": shown.sentence(composition),
        "changes": shown.changes(composition),
        "composition": composition,
        "next_number": rules.next_number(floor.last_number(store)),
        "trail": _trail(store, earlier),
    }
    return render(request, "trust/stores/again.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def store_draft(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Show what somebody proposed, and let another officer publish it."""
    actor = acting.of(request)
    draft = queries.draft(actor.require(Right.READ), draft_id)
    if draft.submission is not None:
        return redirect("submission_approve", draft.submission.partnership.slug, draft.submission.number)
    assert draft.store is not None, "only the first submission of a partner has no store yet"
    store = queries.get(draft.relying, draft.store.name)
    form = ReasonForm(request.POST or None, initial={"reason": draft.reason})
    if request.method == "POST":
        actor.require(Right.PUBLISH_ADDITION)
    if request.method == "POST" and form.is_valid():
        try:
            version = proposals.publish_draft(
                draft=draft, actor=actor, now=request.now, reason=form.cleaned_data["reason"]
            )
        except errors.StepUpRequired:
            raise
        except (errors.Invalid, errors.Conflict, errors.NotAllowed) as refusal:
            add_errors(form, refusal)
        else:
            messages.success(
                request, f"{store.name} v{version.number} is published. Services get it at their next pull."
            )
            return redirect("trust_store_version", store.name, version.number)
    context = _draft_context(draft, store, actor) | {"form": form}
    return render(request, "trust/stores/draft.html", context, status=400 if form.errors else 200)


def _draft_context(draft: Any, store: TrustStore, actor: acting.Actor) -> dict[str, Any]:
    waiting = draft.state == draft.State.WAITING
    composition = compositions.of_draft(store, draft) if waiting else None
    return {
        "draft": draft,
        "store": store,
        "waiting": waiting,
        "sentence": shown.sentence(composition) if composition else "",
        "changes": shown.changes(composition) if composition else [],
        "next_number": rules.next_number(floor.last_number(store)),
        "may_publish": actor.has(Right.PUBLISH_ADDITION) and str(draft.proposed_by_id) != actor.id,
        "is_own": str(draft.proposed_by_id) == actor.id,
        "may_add": actor.has(Right.PUBLISH_ADDITION),
        "others": [each.user for each in people.officers_of(store.relying, excluding=draft.proposed_by)],
        "trail": _trail(store),
    }


@require_POST
def withdraw_draft(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Close a proposal without publishing it."""
    actor = acting.of(request)
    draft = queries.draft(actor.require(Right.PUBLISH_ADDITION), draft_id)
    proposals.withdraw_draft(draft=draft, actor=actor, now=request.now)
    messages.success(request, "Proposal withdrawn. Nothing was published.")
    return redirect("trust_stores")


@require_POST
def review(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Record that a second person looked at a removal."""
    actor = acting.of(request)
    store = queries.get(actor.require(Right.APPROVE), name)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _version(request, name, number, form)
    services.review_removal(
        version=queries.version(store, number), actor=actor, now=request.now, note=form.cleaned_data["note"]
    )
    messages.success(request, f"You reviewed {store.name} v{number}.")
    return redirect("trust_store_version", store.name, number)


@require_http_methods(["GET", "HEAD", "POST"])
def try_chain(request: HttpRequest, name: str) -> HttpResponse:
    """Try a chain under the current version, another, and what is proposed.

    Keeps nothing; a POST, so that no address holds a chain.
    """
    store = queries.get(acting.of(request).require(Right.READ), name)
    form = ChainForm(request.POST or None, numbers=[each.number for each in queries.versions(store)[:100]])
    results = []
    if request.method == "POST" and form.is_valid():
        chain, number = form.cleaned_data["chain"], form.cleaned_data["other"] or store.current_number - 1
        versions = queries.versions(store).filter(number__in={store.current_number, int(number)})
        try:
            results = [checking.check_draft(each, chain, request.now) for each in queries.drafts_of(store)]
            results += [checking.check(version, chain, request.now) for version in versions]
        except errors.Invalid as refusal:
            # What may hold a private key is not sent back.
            form = ChainForm({"chain": ""}, numbers=[])
            form.is_valid()
            form.errors.clear()
            add_errors(form, refusal)
    context = {"store": store, "form": form, "results": results, "trail": _trail(store)}
    return render(request, "trust/stores/try.html", context, status=400 if form.errors else 200)
