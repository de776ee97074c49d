"""Several stores in one request: for a gateway that trusts many partners, one answer and one tag instead of many.

The stores stay apart in it. They are never poured together: ``trust.stores.merging`` does that, when two officers say so.
"""

import base64
import hashlib
import json
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from portal import errors
from trust.stores.serve import answer, media, rates, resolve
from trust.stores.serve.bodies import Body
from trust.stores.serve.view import PullView, note, respond

MOST = 50


class PullSeveralView(PullView):
    """The current versions of several stores in one format, each with its own version and tag."""

    @extend_schema(
        operation_id="pull_trust_store_set",
        tags=["trust-stores"],
        summary="Pull several trust stores in one request",
        description=(
            "A JSON document with each store under its name: `version`, `etag`, `content_type`, and `content` (text) or"
            " `content_base64`. The answer has a strong ETag of its own; send it back as If-None-Match."
        ),
        parameters=[
            OpenApiParameter(
                "store", str, many=True, required=True, description=f"A store's name, at most {MOST} times."
            ),
            OpenApiParameter("format", str, description="The format of all of them; pem by default."),
        ],
        responses={
            (200, "application/json"): dict,
            304: OpenApiResponse(description="You have these bytes already"),
        },
    )
    def get(self, request: Any, **_: Any) -> HttpResponse:
        """Answer with all of them, or with 304 when nothing changed. One that is not there refuses the whole."""
        names = list(dict.fromkeys(request.query_params.getlist("store")))
        extension = request.query_params.get("format", "pem")
        asked = [answer.wanted(f"{answer.PREFIX}{name}/current.{extension}") for name in names]
        if not names or len(names) > MOST:
            raise errors.Invalid(
                "Name the stores.",
                fields={"store": [f"Name between 1 and {MOST} stores, like ?store=halden-prod&store=halden-test."]},
            )
        rates.require(request.access)
        found = []
        for each in asked:
            if each is None:
                raise errors.NotFound()
            found.append(resolve.artifact(request.access, each))
        content = (json.dumps({"stores": {each.name: _members(each) for each in found}}, indent=1) + "\n").encode(
            "ascii"
        )
        response = respond(whole(content, "application/json"), request)
        for served in found:
            note(request, response, served)
        return response


def _members(served: answer.Served) -> dict[str, Any]:
    members: dict[str, Any] = {"version": served.number, "etag": served.etag, "content_type": served.content_type}
    if served.extension in media.TEXT:
        return members | {"content": served.content.decode("utf-8")}
    return members | {"content_base64": base64.b64encode(served.content).decode("ascii")}


def whole(content: bytes, content_type: str, *more: tuple[str, str]) -> answer.Representation:
    """Return what was put together for one asker, with a tag that is its digest."""
    digest = hashlib.sha256(content)
    common = [
        ("ETag", f'"{digest.hexdigest()}"'),
        ("Cache-Control", "private, no-cache"),
        ("Vary", "Authorization, Cookie"),
        *more,
    ]
    full = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(content))),
        ("Content-Digest", f"sha-256=:{base64.b64encode(digest.digest()).decode('ascii')}:"),
        *common,
    ]
    return answer.Representation(common[0][1], Body(content), full, common)
