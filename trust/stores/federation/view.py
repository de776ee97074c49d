"""The public SPIFFE bundle endpoint, profile ``https_web`` (SPIFFE Federation 5.1 and 5.2.1): GET, no authentication, JSON.

Off until an officer opens it for a store; 404 when it is off, as for what does not exist.
"""

import hashlib
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiResponse, extend_schema

from portal import errors, problems
from trust.stores.federation import limits, queries
from trust.stores.formats.spiffe import REFRESH_HINT
from trust.stores.serve import answer, pulls
from trust.stores.serve.view import PullView


@login_not_required
@require_safe
def bundle(request: HttpRequest, organization: str, name: str) -> HttpResponse:
    """Answer with one store's bundle."""
    try:
        limits.require(request)
        served = queries.public_bundle(organization, name)
    except errors.Refusal as refusal:
        return problems.from_refusal(request, refusal)
    return _answer(request, served.content, served.sha256)


@login_not_required
@require_safe
def bundle_map(request: HttpRequest, organization: str) -> HttpResponse:
    """Answer with all public bundles of an organization."""
    try:
        limits.require(request)
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
        made = queries.with_bundles(found)
        content = queries.map_of(made)
        for each, _bundle in made:
            if request.method == "HEAD":
                pulls.recorder.note_asked(access, each.store_id, _agent(request))
            else:
                pulls.recorder.note_number(access, each.store_id, each.store.current_number, _agent(request))
        return _answer(request, content, hashlib.sha256(content).hexdigest(), "private, no-cache")


def _agent(request: Any) -> str:
    return request.headers.get("User-Agent", "")
