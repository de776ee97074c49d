"""How the API knows who asks: a bearer token, or a member's session."""

from typing import Any

from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from portal import errors
from portal.organizations import acting, queries, tokens

MAX_TOKEN_LENGTH = 200


def _put(request: Any, actor: acting.Actor) -> None:
    request.actor = actor
    request._request.actor = actor


class BearerTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer txa_…``. Sets ``request.actor`` to the token's organization and scopes."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        # The session's actor, if a browser sent both, must not leak into a request made with a token.
        request._request.actor = None
        if len(words) != 2 or len(words[1]) > MAX_TOKEN_LENGTH:
            raise AuthenticationFailed("The Authorization header is not 'Bearer' and one token.")
        now = getattr(request._request, "now", None) or timezone.now()
        token = queries.token_by_digest(tokens.digest(words[1].decode("latin-1")), now)
        if token is None:
            raise AuthenticationFailed("The token is not known, expired or revoked.")
        _put(request, acting.api_token(token))
        return (None, token)

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="trust-exchange"'


class MemberSessionAuthentication(BaseAuthentication):
    """The signed-in member's session, with the CSRF check that a browser's requests need."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        actor = getattr(request._request, "actor", None)
        if actor is None or actor.user is None:
            return None
        reason = CsrfViewMiddleware(lambda _: None).process_view(request._request, None, (), {})  # type: ignore[arg-type,return-value]
        if reason:
            raise errors.NotAllowed(
                "The request lacks its CSRF token.", code="csrf_failed", fix="Reload the page and try again."
            )
        _put(request, actor)
        return (actor.user, None)


class _BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerTokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "txa_…"}


class _SessionScheme(OpenApiAuthenticationExtension):
    target_class = MemberSessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "session"}
