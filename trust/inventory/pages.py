"""The inventory: list, exports, the expiry picture, service certificates and compliance."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import errors, pictures
from portal.forms import add_errors
from portal.organizations import acting
from portal.organizations.models import Organization
from portal.organizations.rules import Right, holders_sentence
from portal.partnerships import queries as partnerships
from trust.inventory import compliance, queries, rules, services
from trust.inventory.forms import FilterForm, ServiceCertificateForm
from trust.inventory.rules import Filters, Kind, Row
from trust.pki.findings import Severity

PER_PAGE = 50
KEYS_BESIDE = 20
PARTNERS_SHOWN = 20
SHOWN_IN_PICTURE = 40


def _asked(request: HttpRequest) -> tuple[Organization, FilterForm, Filters]:
    organization = acting.of(request).require(Right.READ)
    form = FilterForm(request.GET or None, partners=partnerships.names_of(organization))
    return organization, form, form.filters() if form.is_bound else Filters()


class _Pages(Paginator):
    """Pages of certificates; ``more`` says that there are more than were counted."""

    @cached_property
    def count(self) -> int:
        return min(self._found, queries.COUNTED)

    @property
    def more(self) -> bool:
        return self._found > queries.COUNTED

    @cached_property
    def _found(self) -> int:
        return queries.count(self.object_list)  # type: ignore[arg-type]


@require_safe
def inventory(request: HttpRequest) -> HttpResponse:
    """List certificates and OpenPGP keys of both sides, with search and filters."""
    organization, form, filters = _asked(request)
    only_keys = filters.kind == Kind.KEY
    keys = queries.openpgp_keys(organization, filters, request.now)
    found = queries.certificates(organization, filters, request.now)
    pages = Paginator(keys, PER_PAGE) if only_keys else _Pages(found, PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    listed = list(page.object_list)
    # The first keys to end follow the certificates on the first page.
    beside = list(keys[: KEYS_BESIDE + 1]) if filters.kind == "" and page.number == 1 else []
    partners = form.partners
    context = {
        "form": form,
        "page": page,
        "what": "OpenPGP keys" if only_keys else "certificates",
        "rows": [] if only_keys else queries.rows_of(organization, listed, request.now),
        "key_rows": queries.key_rows(organization, listed if only_keys else beside[:KEYS_BESIDE], request.now),
        "more_keys": len(beside) > KEYS_BESIDE,
        "filtered": filters != Filters(),
        "query": request.GET.urlencode(),
        "may_add": acting.of(request).has(Right.UPLOAD),
        "partners": partners[:PARTNERS_SHOWN],
        "more_partners": len(partners) > PARTNERS_SHOWN,
    }
    return render(request, "trust/inventory/inventory.html", context)


class _Line(io.StringIO):
    """A file of one line, for the csv module to write into."""

    def take(self) -> str:
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


def _csv(found: Iterator[Row]) -> Iterator[str]:
    line = _Line()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL)
    writer.writerow(rules.COLUMNS)
    yield line.take()
    for row in found:
        writer.writerow(rules.csv_cells(row))
        yield line.take()


def _json(found: Iterator[Row]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(found):
        yield ("," if number else "") + "\n" + json.dumps(rules.json_object(row), ensure_ascii=False)
    yield "\n]\n"


@require_safe
def export(request: HttpRequest, extension: str) -> StreamingHttpResponse:
    """Send everything that fits the filters, as CSV that no spreadsheet computes, or as JSON."""
    organization, _, filters = _asked(request)
    found = queries.every_row(organization, filters, request.now)
    if extension == "csv":
        response = StreamingHttpResponse(_csv(found), content_type="text/csv; charset=utf-8")
    else:
        response = StreamingHttpResponse(_json(found), content_type="application/json")
    name = f"inventory-{organization.slug}-{request.now:%Y%m%d}.{extension}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
def expiry(request: HttpRequest) -> HttpResponse:
    """Draw what ends first on both sides, with the same as a table."""
    organization = acting.of(request).require(Right.READ)
    slug = request.GET.get("partnership", "")
    partnership = partnerships.get(organization, slug) if slug else None
    found = queries.soonest(organization, request.now, limit=SHOWN_IN_PICTURE, partnership=slug)
    window = pictures.two_years(request.now)
    context = {
        "window": window,
        "bars": [bar for bar in (_bar(window, row) for row in found) if bar],
        "rows": found,
        "partner": partnership.other(organization) if partnership else None,
        "limit": SHOWN_IN_PICTURE,
    }
    return render(request, "trust/inventory/expiry.html", context)


def _bar(window: pictures.Window, row: Row) -> pictures.Row | None:
    if row.not_before is None or row.not_after is None:
        return None
    state = {"pending": "pending", "proven": "", "revoked": "revoked"}.get(row.state, "")
    return pictures.bar(
        window=window,
        label=row.common_name if row.owner in row.common_name else f"{row.common_name}, {row.owner}",
        start=row.not_before,
        end=row.not_after,
        state=state,
        stopped=row.revoked_at,
        url=row.url,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Add a certificate of one of the own services."""
    actor = acting.of(request)
    organization = actor.require(Right.UPLOAD)
    form = ServiceCertificateForm(
        request.POST or None, request.FILES or None, partners=partnerships.names_of(organization)
    )
    if request.method == "POST" and form.is_valid():
        data: dict[str, Any] = dict(form.cleaned_data)
        slug, file = data.pop("partnership"), data.pop("certificate")
        try:
            services.add_service_certificate(
                actor=actor,
                upload=bytes(file.read()),
                partnership=partnerships.get(organization, slug) if slug else None,
                now=request.now,
                **data,
            )
        except (errors.Invalid, errors.Conflict, errors.TooLarge) as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, "The certificate is in the inventory.")
            return redirect("inventory")
    return render(request, "trust/inventory/add.html", {"form": form}, status=400 if form.errors else 200)


@require_POST
def retire(request: HttpRequest, service_certificate_id: str) -> HttpResponse:
    """Take a certificate of one of the own services out of the inventory."""
    services.retire_service_certificate(
        actor=acting.of(request), service_certificate_id=service_certificate_id, now=request.now
    )
    messages.success(request, "It is out of the inventory.")
    return redirect("inventory")


@require_safe
def of_partnership(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how both sides' certificates stand against the agreement, by clause and by certificate."""
    organization = acting.of(request).require(Right.READ)
    partnership = partnerships.get(organization, slug)
    found = compliance.of(partnership, organization, request.now)
    clause = request.GET.get("clause", "")
    judged = [
        each
        for each in found.judged
        if not clause or any(one.source == clause and one.severity is not Severity.NOTE for one in each.findings)
    ]
    context = {
        "partnership": partnership,
        "organization": organization,
        "partner": partnership.other(organization),
        "compliance": found,
        "clause": clause,
        "spoken_of": [each for each in judged if each.findings],
        "quiet": [each for each in judged if not each.findings],
        "good": sum(each.good for each in found.judged),
        "trail": [
            ("Partnerships", reverse("partnerships")),
            (partnership.other(organization).name, reverse("partnership", args=[slug])),
        ],
        "who_can": holders_sentence(Right.SIGN_AGREEMENT),
    }
    return render(request, "trust/inventory/compliance.html", context)
