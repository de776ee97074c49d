"""The one place where a refusal becomes an RFC 9457 problem document."""

import logging
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.types import ErrorResponse
from rest_framework import exceptions as drf
from rest_framework.views import set_rollback

from portal import errors

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

TITLES = {
    400: "The request cannot be used as it is",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not offered here",
    406: "No such representation",
    408: "Too slow",
    409: "The state does not permit this",
    413: "Too large",
    415: "Media type not offered here",
    429: "Too many requests",
    500: "The portal made a mistake",
    503: "Not available right now",
}


def document(
    *,
    status: int,
    code: str,
    detail: str,
    fix: str = "",
    instance: str = "",
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the members of a problem document (RFC 9457 section 3).

    ``code`` ends the stable ``type`` URI; ``fix`` says what to do next and is left out when there is nothing to do.
    """
    body: dict[str, Any] = {
        "type": f"{settings.BASE_URL}/docs/problems#{code}",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if fix:
        body["fix"] = fix
    if instance:
        body["instance"] = instance
    return body | (extra or {})


def response(request: HttpRequest | None, **members: Any) -> JsonResponse:
    """Return a problem document as an HTTP response that no cache keeps."""
    instance = f"urn:request:{getattr(request, 'id', '')}" if getattr(request, "id", None) else ""
    answer = JsonResponse(document(instance=instance, **members), status=members["status"])
    answer["Content-Type"] = MEDIA_TYPE
    answer["Cache-Control"] = "no-store"
    return answer


def from_refusal(request: HttpRequest | None, refusal: errors.Refusal) -> JsonResponse:
    """Return the problem document of one of our own refusals."""
    extra = dict(refusal.extra)
    if isinstance(refusal, errors.Invalid) and refusal.fields:
        extra["errors"] = [
            {"field": name, "detail": sentence} for name, sentences in refusal.fields.items() for sentence in sentences
        ]
    answer = response(
        request,
        status=refusal.status,
        code=refusal.code,
        detail=refusal.sentence,
        fix=refusal.fix,
        extra=extra,
    )
    if isinstance(refusal, errors.TooMany):
        answer["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, errors.NotSignedIn):
        answer["WWW-Authenticate"] = 'Bearer realm="trust-exchange"'
    return answer


# What DRF says of a value that is not there names no way out.
_MISSING = {
    "This field is required.": "It is missing. Send it.",
    "No file was submitted.": "It is missing. Send the file.",
    "This field may not be null.": "It is null. Send a value.",
    "This field may not be blank.": "It is empty. Send a value.",
    "This list may not be empty.": "The list is empty. Send at least one.",
    "This selection may not be empty.": "The list is empty. Send at least one.",
    "The submitted file is empty.": "The file is empty. Send one with content.",
}


class _Fields(ExceptionFormatter):
    """Flattens what DRF's serializers found into one list of field, code and sentence."""

    def format_error_response(self, error_response: ErrorResponse) -> Any:
        return [
            {"field": each.attr or "", "code": each.code, "detail": _MISSING.get(str(each.detail), str(each.detail))}
            for each in error_response.errors
        ]


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Turn whatever an API view raised into a problem document; unknown errors tell the outside nothing."""
    request = getattr(context.get("request"), "_request", context.get("request"))
    set_rollback()
    return from_exception(request, exc, context)


def from_exception(request: HttpRequest | None, exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the problem document for ``exc``, or None when nobody expected it (the caller answers 500)."""
    match exc:
        case errors.Refusal():
            return from_refusal(request, exc)
        case Http404():
            return from_refusal(request, errors.NotFound())
        case PermissionDenied():
            return from_refusal(request, errors.NotAllowed("You cannot do this."))
        case RequestDataTooBig():
            return from_refusal(request, errors.TooLarge("The request is over the size limit."))
        case SuspiciousOperation():
            return from_refusal(request, errors.Invalid("The request cannot be read."))
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return from_refusal(
                request, errors.NotSignedIn(str(exc.detail), fix="Send a token: Authorization: Bearer …")
            )
        case drf.Throttled():
            wait = int(getattr(exc, "wait", None) or 60) + 1
            return from_refusal(request, errors.TooMany("Too many requests.", retry_after=wait))
        case drf.ValidationError():
            fields = _Fields(exc, cast(Any, context), exc).run()
            sentence = "; ".join(
                f"{each['field']}: {each['detail']}" if each["field"] else each["detail"] for each in fields
            )
            return response(request, status=400, code="invalid_input", detail=sentence, extra={"errors": fields})
        case drf.APIException():
            code = {405: "method_not_allowed", 406: "not_acceptable", 415: "unsupported_media_type"}
            answer = response(
                request,
                status=exc.status_code,
                code=code.get(exc.status_code, exc.default_code),
                detail=str(exc.detail),
            )
            if isinstance(exc, drf.MethodNotAllowed) and "view" in context:
                # Required with 405 (RFC 9110 section 15.5.6).
                answer["Allow"] = ", ".join(context["view"].allowed_methods)
            return answer
    return None
