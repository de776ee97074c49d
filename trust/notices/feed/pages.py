"""The page about the feed of notices: which programs read it, how far each has come, and who is silent."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal import errors, words
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from trust.notices.feed import queries, rules, services
from trust.notices.feed.models import FeedReader

NEVER = "never"
PROMISES = [
    ("300", "Every 5 minutes"),
    ("900", "Every 15 minutes"),
    ("3600", "Every hour"),
    ("21600", "Every 6 hours"),
    ("86400", "Every day"),
    ("604800", "Every week"),
    (NEVER, "Nobody waits for it"),
]


def choices_for(reader: FeedReader) -> list[tuple[str, str, bool]]:
    """Return how often a program may promise to read, with which counts now; the API takes others than the usual."""
    now_is = str(reader.interval_seconds) if reader.interval_seconds is not None else NEVER
    own = [] if now_is in dict(PROMISES) or reader.promise is None else [(now_is, _every(reader.promise))]
    return [(value, label, value == now_is) for value, label in own + PROMISES]


def _every(promise: timedelta) -> str:
    return f"Every {words.duration(promise)}"


@require_safe
def readers(request: HttpRequest) -> HttpResponse:
    """Show the programs that read the feed, those of partners that share it, and how a program begins."""
    return _show(request)


def _show(request: HttpRequest, refusal: errors.Invalid | None = None) -> HttpResponse:
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    standings = queries.standings(organization, request.now)
    context = {
        "rows": [(each, choices_for(each.reader)) for each in standings],
        "silent": sum(1 for each in standings if each.state is rules.State.SILENT),
        "partners": queries.shared_with(organization, request.now),
        "command": _command(organization),
        "may_manage": actor.has(Right.MANAGE_DELIVERY),
        "who_can": holders_sentence(Right.MANAGE_DELIVERY),
        "trail": [("Notices", reverse("notices"))],
        "refusal": refusal,
    }
    return render(request, "trust/notices/feed.html", context, status=400 if refusal else 200)


def _command(organization: Organization) -> str:
    first = partnerships.of(organization).order_by("slug").first()
    slug = first.slug if first else "PARTNERSHIP"
    return (
        'curl -fsS -H "Authorization: Bearer $TOKEN" \\\n'
        f'  "{settings.BASE_URL}/api/v1/notices?partnership={slug}&after=$LAST"'
    )


@require_POST
def promise(request: HttpRequest, reader_id: str) -> HttpResponse:
    """Say how often a program reads the feed, or that nobody waits for it."""
    actor = acting.of(request)
    reader = queries.get(actor.require(Right.MANAGE_DELIVERY), reader_id)
    given = request.POST.get("interval", "")
    try:
        interval = None if given == NEVER else timedelta(seconds=_seconds(given))
        services.promise(reader=reader, interval=interval, actor=actor, now=request.now)
    except errors.Invalid as refusal:
        return _show(request, refusal)
    if interval is None:
        messages.success(request, f"Nobody waits for {reader.token.name} from now on.")
    else:
        messages.success(request, f"{reader.token.name} is expected every {words.duration(interval)} from now on.")
    return redirect("notice_feed")


def _seconds(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise errors.Invalid("Choose how often the program reads.", fields={"interval": ["Choose one of the list."]})
    return int(given)
