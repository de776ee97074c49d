"""The page of a request that the server refuses before Django sees it, in the portal's look and under its headers."""

from functools import lru_cache

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.template import loader

from portal.server.pages import Headers


# There are few refusals, and whoever sends many of one costs no drawing.
@lru_cache(maxsize=16)
def draw(status: int, title: str, detail: str) -> tuple[Headers, bytes]:
    """Return the headers and the HTML of a refusal. Asks nothing of the session or the database."""
    answer = HttpResponse(
        loader.render_to_string("refused.html", {"status": status, "title": title, "detail": detail}), status=status
    )
    for each in (CSPMiddleware, SecurityMiddleware, XFrameOptionsMiddleware):
        each(_nothing).process_response(HttpRequest(), answer)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.items()]
    return headers, answer.content


def _nothing(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError("No request goes through here; only answers do.")
