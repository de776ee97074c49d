"""What Django itself refuses: a problem document where programs ask, a page that says what to do next elsewhere."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from portal import errors, problems
from portal.middleware import error_page, is_api

TOO_LARGE = (
    "Nothing was kept. A CA bundle is seldom over 100 KB: look for what does not belong into it, and send it again."
)
TOO_OLD = (
    "Nothing was changed. Load the page again and send the form once more: you may have signed in again meanwhile."
)


def _answer(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if is_api(request):
        return problems.response(request, status=status, code=code, detail=detail)
    return error_page(request, status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django could not read, or that is larger than anything the portal takes."""
    if isinstance(exception, RequestDataTooBig):
        refusal = errors.TooLarge("What you sent is over the size limit.", fix=TOO_LARGE)
        return problems.from_refusal(request, refusal) if is_api(request) else error_page(request, 413, refusal=refusal)
    return _answer(request, 400, "invalid_input", "The request cannot be read.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose page is older than the sign-in, as one that was left open in another tab; lead back to it."""
    back = request.headers.get("Referer", "")
    here = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    refusal = errors.NotAllowed("This page is from before you signed in.", fix=TOO_OLD)
    if is_api(request):
        return problems.from_refusal(request, refusal)
    return error_page(request, 403, refusal=refusal, back=back if here else "")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django did not permit."""
    return _answer(request, 403, "not_allowed", "You cannot do this.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for an address where there is nothing for the asker."""
    return _answer(request, 404, "not_found", "There is nothing here.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when the portal made a mistake; the outside learns nothing but a name to quote."""
    return _answer(
        request, 500, "internal_error", "The portal made a mistake. Quote the request's name to its operator."
    )
