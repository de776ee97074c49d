"""The inbox in the browser."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from notifications.fanout import queries, services
from portal import errors

PAGE = 50


def _actor(request: HttpRequest):
    actor = request.actor  # type: ignore[attr-defined]
    if actor is None or actor.membership is None:
        raise errors.NotFound()
    return actor


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """Show what happened that concerns the member, newest first. Looking marks nothing as read."""
    actor = _actor(request)
    page = Paginator(queries.inbox(actor), PAGE).get_page(request.GET.get("page"))
    return render(request, "notifications/fanout/inbox.html", {"page": page, "unread": queries.unread(actor)})


@require_POST
def mark_read(request: HttpRequest, item: int | None = None) -> HttpResponse:
    """Mark one item, or all of them, as read."""
    services.mark_read(actor=_actor(request), now=request.now, item_id=item)  # type: ignore[attr-defined]
    return redirect("inbox")
