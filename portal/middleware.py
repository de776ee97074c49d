"""The clock is read once per request, each request has a name, and refusals become pages or problem documents."""

import logging
import time
import uuid
from collections.abc import Callable

from allauth.account.internal.flows.reauthentication import suspend_request
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.urls import reverse
from django.utils import timezone

from portal import errors, problems
from portal.counting import durations

logger = logging.getLogger(__name__)
# Beside the API, the addresses that services pull from: the written guide's, and the public SPIFFE endpoints.
API_PREFIXES = ("/api/", "/trust/", "/spiffe/")


def is_api(request: HttpRequest) -> bool:
    """Say whether the request is for the API, which answers problems with documents and never with pages."""
    return request.path.startswith(API_PREFIXES)


_WITH_A_PAGE = frozenset({400, 403, 404, 409, 413, 429, 500, 503})
# Drawn without the request: no session, no user, no database, because one of them may be what is broken.
_STATIC = frozenset({429, 500, 503})


def error_page(request: HttpRequest, status: int, **context: object) -> HttpResponse:
    """Return the page for an error status, with ``context`` for its template (``refusal``, if there was one)."""
    template = f"{status if status in _WITH_A_PAGE else 400}.html"
    if status in _STATIC:
        context["request_id"] = getattr(request, "id", "")
        return HttpResponse(loader.render_to_string(template, context), status=status)
    return render(request, template, context, status=status)


class RequestMoment:
    """Gives each request one moment (``request.now``, aware UTC) and a name (``request.id``) that people can quote."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.now = timezone.now()  # type: ignore[attr-defined]
        request.id = uuid.uuid4().hex[:16]  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["Request-Id"] = request.id  # type: ignore[attr-defined]
        # Pages and answers are about one organization; only the served stores say otherwise.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class Duration:
    """Notes how long each request took, for ``/metrics``: by kind of address and class of answer, never by whose it was."""

    # What asks every few seconds says nothing about people's waiting.
    _PROBES = frozenset({"/healthz", "/readyz", "/metrics"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        if request.path not in self._PROBES:
            durations.note(self._route(request, response), response.status_code, time.perf_counter() - started)
        return response

    @staticmethod
    def _route(request: HttpRequest, response: HttpResponse) -> str:
        if getattr(response, "for_programs", False):
            return "pull"
        if is_api(request):
            return "api"
        return "static" if request.path.startswith(settings.STATIC_URL) else "page"


class ForPrograms:
    """Leaves away from an answer that no browser draws (``response.for_programs``) what only pages need.

    A download keeps that nobody may sniff, run or frame it, and that it comes over TLS. A 304 carries none of it: whoever asked has
    the headers of the full answer, and a 304 should repeat no others than those of the cache (RFC 9110 section 15.4.5).
    """

    _OF_PAGES = (
        "Permissions-Policy", "Cross-Origin-Opener-Policy", "Referrer-Policy", "X-Frame-Options",
    )  # fmt: skip
    _OF_CONTENT = (
        "Content-Security-Policy", "X-Content-Type-Options", "Strict-Transport-Security", "Content-Length",
    )  # fmt: skip

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(response, "for_programs", False):
            return response
        for name in self._OF_PAGES:
            del response[name]
        if response.status_code == 304:
            # Django's length of 0 is not that of the full answer; with the true one, old clients wait for a body that never comes.
            for name in self._OF_CONTENT:
                del response[name]
        else:
            response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        return response


def _nul(request: HttpRequest) -> errors.Refusal | None:
    """Return how a NUL in the address is refused: PostgreSQL can store none in a text, and no honest address has one."""
    if "\0" in request.path:
        return errors.NotFound()
    if any("\0" in value for values in request.GET.lists() for value in (values[0], *values[1])):
        return errors.Invalid(
            "The address has a character that no text can have.",
            code="nul_character",
            fix="Leave out the NUL, which stands as %00 in it.",
        )
    return None


class Refusals:
    """Turns a refusal that a page let through into the error page that says what to do next."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal = _nul(request)
        if refusal is not None:
            return (
                problems.from_refusal(request, refusal)
                if is_api(request)
                else error_page(request, refusal.status, refusal=refusal)
            )
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, errors.Refusal):
            return None
        if is_api(request):
            return problems.from_refusal(request, exception)
        if isinstance(exception, errors.StepUpRequired):
            # allauth holds the request and goes on with it, typed text and all, once the code or passkey was given.
            return suspend_request(request, reverse("mfa_reauthenticate"))
        response = error_page(request, exception.status, refusal=exception)
        if isinstance(exception, errors.TooMany):
            response["Retry-After"] = str(exception.retry_after)
        return response
