"""The same answer through Django: for members' sessions, and for every pull that the fast path leaves."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.views import APIView

from portal import errors
from portal.organizations.authentication import MemberSessionAuthentication
from portal.organizations.rules import Right
from trust.stores.serve import access, answer, pulls, resolve


class PullTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer txc_…`` or ``txa_…``. Sets ``request.access``."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        request._request.actor = None
        if len(words) != 2 or len(words[1]) > access.MAX_TOKEN_LENGTH:
            raise AuthenticationFailed("The Authorization header is not 'Bearer' and one token.")
        found = access.by_secret(words[1].decode("latin-1"), request._request.now)
        if found is None:
            raise AuthenticationFailed("The token is not known, expired, revoked, or not for trust stores.")
        request.access = found
        return (None, found)

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="trust-exchange"'


class _PullTokenScheme(OpenApiAuthenticationExtension):
    target_class = PullTokenAuthentication
    name = "pull_token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "txc_… or txa_…"}


class MayPull(BasePermission):
    """Lets tokens for stores and signed-in members pass; which store they open is decided with the store."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if isinstance(request.auth, access.Access):
            return True
        actor = getattr(request, "actor", None)
        if actor is None or actor.user is None:
            raise NotAuthenticated("Sign in, or send a token.")
        request.access = access.of_member(actor.require(Right.READ))
        return True


class PullView(APIView):
    """Pull a trust store, as the exact bytes that were published."""

    authentication_classes = [PullTokenAuthentication, MemberSessionAuthentication]
    permission_classes = [MayPull]
    http_method_names = ["get", "head"]

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}  # the answer says everything itself

    @extend_schema(
        operation_id="pull_trust_store",
        tags=["trust-stores"],
        summary="Pull a trust store",
        description=(
            "The exact bytes that were published, with a strong ETag that is their SHA-256. Send it back as If-None-Match and get"
            " 304 while nothing changed. `current` is revalidated on every use; a numbered version never changes."
        ),
        parameters=[
            OpenApiParameter("name", str, OpenApiParameter.PATH, description="The store's name."),
            OpenApiParameter("extension", str, OpenApiParameter.PATH, description="The format: pem, json, …"),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="You have these bytes already"),
        },
    )
    def get(self, request: Any, **_: Any) -> HttpResponse:
        """Answer with the bytes, or with 304 when the asker has them."""
        asked = answer.wanted(request._request.path)
        if asked is None:
            raise errors.NotFound()
        served = resolve.artifact(request.access, asked)
        pulls.recorder.note(request.access, served, request.headers.get("User-Agent", ""))
        if answer.not_modified(request.headers.get("If-None-Match"), served.etag):
            return _response(304, answer.headers_not_modified(served), b"")
        body = b"" if request.method == "HEAD" else served.content
        return _response(200, answer.headers(served), body)

    def head(self, request: Any, **more: Any) -> HttpResponse:
        """Answer like GET, without the bytes."""
        return self.get(request, **more)


def _response(status: int, headers: answer.Headers, body: bytes) -> HttpResponse:
    response = HttpResponse(body, status=status)
    del response["Content-Type"]
    for name, value in headers:
        response[name] = value
    return response


@extend_schema_view(
    get=extend_schema(operation_id="pull_trust_store_version", summary="Pull a version of a trust store")
)
class PullVersionView(PullView):
    """The same answer for a numbered version, under a name of its own in the schema."""
