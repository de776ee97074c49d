"""The public SPIFFE bundle endpoint, profile ``https_web`` (SPIFFE Federation 5.1 and 5.2.1): GET, no authentication, JSON.

Off until an officer opens it for a store; 404 when it is off, as for what does not exist.
"""

import hashlib
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors, problems
from portal.organizations.rules import Right
from trust.stores import queries as stores
from trust.stores.federation import queries, services
from trust.stores.federation.models import SpiffeBinding
from trust.stores.formats.spiffe import REFRESH_HINT
from trust.stores.serve import answer, pulls
from trust.stores.serve.view import PullView


@login_not_required
@require_safe
def bundle(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Answer with one store's bundle."""
    try:
        served = queries.public_bundle(organization, name)
    except errors.Refusal as refusal:
        return problems.from_refusal(request, refusal)
    return _answer(request, served.content, served.sha256)


@login_not_required
@require_safe
def bundle_map(request: HttpRequest, organization: str) -> HttpResponse:
    """Answer with all public bundles of an organization."""
    try:
        content = queries.public_map(organization)
    except errors.Refusal as refusal:
        return problems.from_refusal(request, refusal)
    return _answer(request, content, hashlib.sha256(content).hexdigest())


def _answer(request: HttpRequest, content: bytes, sha256: str, lasting: str = f"public, max-age={REFRESH_HINT}") -> Any:
    etag = f'"{sha256}"'
    unchanged = answer.not_modified(request.headers.get("If-None-Match"), etag)
    body = b"" if unchanged or request.method == "HEAD" else content
    response = HttpResponse(body, status=304 if unchanged else 200, content_type="application/json")
    if unchanged:
        del response["Content-Type"]
    elif request.method == "HEAD":
        response["Content-Length"] = str(len(content))
    response["ETag"], response["Cache-Control"] = etag, lasting
    response.for_programs = True  # type: ignore[attr-defined]
    return response


class BundleMapView(PullView):
    """The bundles of all stores that a token opens and that stand for a trust domain, in one document."""

    @extend_schema(
        operation_id="spiffe_bundle_map",
        tags=["trust-stores"],
        summary="SPIFFE bundle map",
        responses={(200, "application/json"): dict, 304: OpenApiResponse(description="You have these bytes already")},
    )
    def get(self, request: Any, **_: Any) -> HttpResponse:
        """Answer with the map, or with 304 when the asker has it."""
        access = request.access
        found = [each for each in queries.bindings(access.organization_id) if access.opens(each.store_id)]
        if not found:
            raise errors.NotFound("None of your stores stands for a trust domain.", code="no_trust_domain")
        content = queries.map_of(found)
        for each in found:
            pulls.recorder.note_number(access, each.store_id, each.store.current_number, _agent(request))
        return _answer(request, content, hashlib.sha256(content).hexdigest(), "private, no-cache")


def _agent(request: Any) -> str:
    return request.headers.get("User-Agent", "")


class BindingSerializer(serializers.ModelSerializer):
    """Which trust domain a store stands for, and whether its bundle is public."""

    store: Any = serializers.SlugRelatedField(slug_field="name", read_only=True)
    public = serializers.SerializerMethodField()

    class Meta:
        model = SpiffeBinding
        fields = ("store", "trust_domain", "public", "public_since", "changed_at")

    def get_public(self, binding: SpiffeBinding) -> bool:
        return binding.public_since is not None


class BindSerializer(serializers.Serializer):
    """What a store is to stand for."""

    trust_domain = serializers.CharField(max_length=255)
    public = serializers.BooleanField(default=False)


@extend_schema(tags=["trust-stores"])
class BindingView(APIView):
    """A store's SPIFFE trust domain. Changing it is an officer's act in a session with a fresh second factor."""

    rights = {"GET": Right.READ, "PUT": Right.PUBLISH_ADDITION}

    @extend_schema(operation_id="trust_store_spiffe", responses=BindingSerializer)
    def get(self, request: Request, name: str) -> Response:
        found = queries.binding_of(stores.get(request.actor.organization, name))
        if found is None:
            raise errors.NotFound()
        return Response(BindingSerializer(found).data)

    @extend_schema(operation_id="trust_store_spiffe_bind", request=BindSerializer, responses=BindingSerializer)
    def put(self, request: Request, name: str) -> Response:
        """Bind the store to a trust domain, and open or close its public endpoint."""
        asked = BindSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        store = stores.get(request.actor.organization, name)
        done = services.bind(store=store, **asked.validated_data, actor=request.actor, now=request._request.now)
        return Response(BindingSerializer(done).data)
