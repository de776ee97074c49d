"""The audit log in the browser: search, one event, the chain, and exports."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from itertools import islice

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from notifications.deliveries import queries as deliveries
from notifications.deliveries import services as delivery_services
from portal import errors
from portal.audit import queries as audit
from portal.audit import rules as chain
from portal.audit import sentences
from portal.dashboard import telling
from portal.history import queries, rules
from portal.organizations import acting
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships

PAGE = 50
CHUNK = 500  # rows of an export in memory at once


@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """Show the events that fit the filters, newest first, each as a sentence."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    problem = None
    try:
        filters = queries.filters_from(request.GET)
    except errors.Invalid as error:
        filters, problem = queries.Filters(), error
    page = Paginator(queries.search(organization, filters), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "days": telling.by_day(telling.lines(page.object_list, organization)),
        "asked": request.GET,
        "filters": filters,
        "problem": problem,
        "areas": areas(),
        "partnerships": partnerships.of(organization),
        "organization": organization,
        "may_export": actor.has(Right.EXPORT_AUDIT),
        "who_may_export": holders_sentence(Right.EXPORT_AUDIT),
    }
    return render(request, "portal/history/audit_log.html", context, status=400 if problem else 200)


def areas() -> list[str]:
    """Return what events are about, the first words of their kinds, in order."""
    return sorted({kind.partition(".")[0] for kind in sentences.registered()})


@require_safe
def event(request: HttpRequest, number: int) -> HttpResponse:
    """Show one event: every fact that its hash covers, and who was told by which channel."""
    actor = acting.of(request)
    organization = actor.require(Right.READ)
    found = queries.get(organization, number)
    context = {
        "event": found,
        "line": telling.lines([found], organization)[0],
        "facts": json.dumps(found.facts(), indent=2, ensure_ascii=False),
        "intact": chain.chain(found.previous_hash, found.facts()) == found.hash,
        "deliveries": deliveries.of_event([organization.pk], found.sequence),
        "may_send_again": actor.has(Right.MANAGE_DELIVERY),
    }
    return render(request, "portal/history/event.html", context)


@require_POST
def deliver_again(request: HttpRequest, number: int, delivery: uuid.UUID) -> HttpResponse:
    """Make a dead letter of this event due again."""
    delivery_services.send_again(actor=acting.of(request), delivery_id=delivery, now=request.now)  # type: ignore[attr-defined]
    return redirect("event", number)


@require_POST
def verify_chain(request: HttpRequest) -> HttpResponse:
    """Check every line of the whole log and show how many hold, and the hash at the end."""
    acting.of(request).require(Right.EXPORT_AUDIT)
    checked, head, broken = audit.verify()
    return render(request, "portal/history/chain.html", {"checked": checked, "head": head, "broken": broken})


@require_safe
def export(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """Stream the events that fit the filters as JSON Lines or CSV, oldest first."""
    organization = acting.of(request).require(Right.EXPORT_AUDIT)
    events = queries.search(organization, queries.filters_from(request.GET))
    lines = _json_lines(events) if form == "jsonl" else _csv(events, organization)
    media_type = "application/jsonl" if form == "jsonl" else "text/csv; charset=utf-8"
    answer = StreamingHttpResponse(lines, content_type=media_type)
    day = request.now.date().isoformat()  # type: ignore[attr-defined]
    answer["Content-Disposition"] = f'attachment; filename="audit-{organization.slug}-{day}.{form}"'
    return answer


def _json_lines(events) -> Iterator[bytes]:
    for line in queries.exported(events):
        yield json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv(events, organization) -> Iterator[bytes]:
    slugs = {str(each.pk): each.slug for each in partnerships.of(organization)}
    yield _cells(rules.COLUMNS)
    rows = events.order_by("sequence").iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        for row, told in zip(chunk, telling.lines(chunk, organization), strict=True):
            line = {**row.facts(), "hash": row.hash}
            partnership = slugs.get(line["partnership"] or "", "")
            yield _cells(rules.csv_row(line, sentence=told.sentence, partnership=partnership))


def _cells(cells) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()
