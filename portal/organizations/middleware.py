"""Puts the acting member on each request, and holds sessions to their limits."""

import time
from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal import errors, problems
from portal.organizations import acting, queries
from portal.organizations.acting import Actor

ORGANIZATION_KEY = "organization"
STARTED_KEY = "started"
# Without a second factor a member reaches only the pages that set one up, and the way out.
_WITHOUT_SECOND_FACTOR = ("/account/", "/static/", "/healthz", "/readyz", "/join/", "/partner/", "/docs/")


class ActingMember:
    """Sets ``request.actor`` (an Actor or None), the organization being the one the person last switched to.

    Signs out a session that is over ``settings.SESSION_ABSOLUTE_AGE`` seconds old, and sends a person without a second factor
    to the page that sets one up.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = None  # type: ignore[attr-defined]
        request.memberships = []  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            if self._is_too_old(request):
                logout(request)
                return redirect(settings.LOGIN_URL)
            if not request.path.startswith(_WITHOUT_SECOND_FACTOR) and not is_mfa_enabled(request.user):
                return self._without_second_factor(request)
            request.actor = actor_of(request)  # type: ignore[attr-defined]
        return self.get_response(request)

    def _without_second_factor(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/api/"):
            return redirect("mfa_activate_totp")
        fix = "Set up an authenticator app or a passkey in the portal, or send a token."
        return problems.from_refusal(
            request, errors.NotAllowed("You have no second factor yet.", code="second_factor_missing", fix=fix)
        )

    def _is_too_old(self, request: HttpRequest) -> bool:
        started = request.session.setdefault(STARTED_KEY, int(time.time()))
        return time.time() - started > settings.SESSION_ABSOLUTE_AGE


def actor_of(request: HttpRequest) -> Actor | None:
    """Return who acts in a session: a member of the chosen organization, an operator, or nobody yet."""
    memberships = list(queries.memberships_of(request.user))  # type: ignore[arg-type]
    request.memberships = memberships  # type: ignore[attr-defined]
    if not memberships:
        if not request.user.is_operator:  # type: ignore[union-attr]
            return None
        return acting.operator(request.user, stepped_up=lambda: stepped_up(request))  # type: ignore[arg-type]
    chosen = request.session.get(ORGANIZATION_KEY)
    membership = next((each for each in memberships if str(each.organization_id) == chosen), memberships[0])
    # Asked when it matters and not before: allauth resumes a held request after the step-up with the same actor.
    return acting.member(membership, stepped_up=lambda: stepped_up(request), sign_in_method=sign_in_method(request))


def _second_factors(request: HttpRequest) -> list[dict]:
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    return [record for record in records if record.get("method") == "mfa"]


def stepped_up(request: HttpRequest) -> bool:
    """Say whether a second factor was given within the last ``settings.ACCOUNT_REAUTHENTICATION_TIMEOUT`` seconds.

    A password alone does not count: whoever finds an open session may know it from the same notebook.
    """
    latest = max((record["at"] for record in _second_factors(request)), default=0)
    return time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def sign_in_method(request: HttpRequest) -> str:
    """Return how the person signed in, in words for records: "passkey" or "password and code"."""
    used = {record.get("type") for record in _second_factors(request)}
    return "passkey" if "webauthn" in used else "password and code"
