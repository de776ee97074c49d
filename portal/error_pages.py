"""What Django itself refuses: a problem document under /api/, a page that says what to do next elsewhere."""

from django.http import HttpRequest, HttpResponse

from portal import problems
from portal.middleware import error_page, is_api


def _answer(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if is_api(request):
        return problems.response(request, status=status, code=code, detail=detail)
    return error_page(request, status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django could not read."""
    return _answer(request, 400, "invalid_input", "The request cannot be read.")


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
