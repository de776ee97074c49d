"""Sessions end when nobody is here."""

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


class Sessions(SessionMiddleware):
    """Django's, except that a page which asks again by itself does not put off the end of the session.

    Each request of a person begins the half hour anew (``SESSION_SAVE_EVERY_REQUEST``). An open page that polls says so with
    ``X-Fragment``; without this, one left open on a desk would stay signed in until the next morning.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.headers.get("X-Fragment") and not request.session.modified:
            patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)
