"""The same answer through Django: for members' sessions, and for every pull that the fast path leaves."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAcceptable, NotAuthenticated
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.views import APIView

from portal import errors
from portal.organizations.authentication import MemberSessionAuthentication
from portal.organizations.rules import Right
from trust.stores.serve import access, answer, media, pulls, rates, resolve

# What comes back: JSON for the formats that are JSON, bytes for all others.
_FORMATS = {
    (200, each): OpenApiTypes.OBJECT if each.endswith("json") else OpenApiTypes.BINARY for each in media.offered()
}


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


class TakesAnything(BaseContentNegotiation):
    """Leaves ``Accept`` alone: an address with an extension has one format, and refusals are problem documents for everybody."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class PullView(APIView):
    """Pull a trust store, as the exact bytes that were published."""

    authentication_classes = [PullTokenAuthentication, MemberSessionAuthentication]
    permission_classes = [MayPull]
    content_negotiation_class = TakesAnything
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
            **_FORMATS,
            304: OpenApiResponse(description="You have these bytes already"),
        },
    )
    def get(self, request: Any, **_: Any) -> HttpResponse:
        """Answer with the bytes, or with 304 when the asker has them."""
        asked = answer.wanted(request._request.path)
        if asked is None:
            raise errors.NotFound()
        return self.answer(request, asked)

    def head(self, request: Any, **more: Any) -> HttpResponse:
        """Answer like GET, without the bytes."""
        return self.get(request, **more)

    def answer(self, request: Any, asked: answer.Wanted) -> HttpResponse:
        """Return the answer to a pull of ``asked``, and note the pull."""
        rates.require(request.access)
        served = resolve.artifact(request.access, asked)
        response = respond(answer.plain(served), request, lambda: answer.compressed(served))
        note(request, response, served)
        return response


def note(request: Any, response: HttpResponse, served: answer.Served) -> None:
    """Remember a pull, or that somebody only asked."""
    agent = request.headers.get("User-Agent", "")
    if answer.has_version(response.status_code, request.method, request.headers.get("If-None-Match")):
        pulls.recorder.note(request.access, served, agent)
    else:
        pulls.recorder.note_asked(request.access, served.store_id, agent)


def respond(
    as_published: answer.Representation,
    request: Any,
    in_gzip: Callable[[], answer.Representation | None] = lambda: None,
) -> HttpResponse:
    """Return the answer with the representation that fits ``request``, or 304 when the asker has it."""
    best, has_it = answer.choose(
        as_published, in_gzip, request.headers.get("Accept-Encoding"), request.headers.get("If-None-Match")
    )
    if has_it:
        return _response(304, best.not_modified, b"")
    return _response(200, best.full, b"" if request.method == "HEAD" else best.body)


def _response(status: int, headers: answer.Headers, body: bytes) -> HttpResponse:
    response = HttpResponse(body, status=status)
    del response["Content-Type"]
    for name, value in headers:
        response[name] = value
    # See portal.middleware.ForPrograms.
    response.for_programs = True  # type: ignore[attr-defined]
    return response


@extend_schema_view(
    get=extend_schema(operation_id="pull_trust_store_version", summary="Pull a version of a trust store")
)
class PullVersionView(PullView):
    """The same answer for a numbered version, under a name of its own in the schema."""


@extend_schema_view(
    get=extend_schema(
        operation_id="pull_trust_store_of_partner",
        summary="Pull the production store of a partner, at the address of the written guide",
        parameters=[
            OpenApiParameter("partner", str, OpenApiParameter.PATH, description="The partner's short name."),
            OpenApiParameter("name", exclude=True),
            OpenApiParameter("extension", exclude=True),
        ],
    )
)
class PullOfPartnerView(PullView):
    """The store of one partner, under a name of its own in the schema."""


class PullNegotiatedView(PullView):
    """The current version in the format that ``Accept`` prefers, PEM when it says nothing (RFC 9110 section 12.5.1)."""

    @extend_schema(
        operation_id="pull_trust_store_negotiated",
        tags=["trust-stores"],
        summary="Pull a trust store in the format that Accept names",
        parameters=[OpenApiParameter("Accept", str, OpenApiParameter.HEADER)],
        responses={
            **_FORMATS,
            304: OpenApiResponse(description="You have these bytes already"),
            406: OpenApiResponse(description="There is no such format; the answer names those that there are"),
        },
    )
    def get(self, request: Any, name: str = "", **_: Any) -> HttpResponse:
        extension = media.preferred(request.headers.get("Accept", ""))
        if extension is None:
            raise NotAcceptable(f"A trust store is offered as {', '.join(media.offered())}.")
        response = self.answer(request, answer.Wanted(name, None, extension))
        response["Vary"] = f"Accept, {response['Vary']}"
        return response
