"""The repository over HTTP, behind the same tokens as pulls."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.views import APIView

from portal.organizations.authentication import MemberSessionAuthentication
from portal.organizations.rules import Right
from trust.stores.serve import answer, pulls
from trust.stores.serve.view import MayPull, PullTokenAuthentication, TakesAnything
from trust.stores.tuf import queries, rules

_RESPONSES = {
    (200, "application/json"): OpenApiTypes.OBJECT,
    (200, "application/octet-stream"): OpenApiTypes.BINARY,
    304: OpenApiResponse(description="You have these bytes already"),
}


class _FileView(APIView):
    authentication_classes = [PullTokenAuthentication, MemberSessionAuthentication]
    permission_classes = [MayPull]
    content_negotiation_class = TakesAnything
    rights: ClassVar[dict[str, Right]] = {"GET": Right.READ}
    http_method_names = ["get", "head"]

    def answer(self, request: Any, file: queries.File) -> HttpResponse:
        """Answer with a file, or with 304 when the asker has it."""
        unchanged = answer.not_modified(request.headers.get("If-None-Match"), file.etag)
        response = HttpResponse(b"" if unchanged else file.content, status=304 if unchanged else 200)
        response["Content-Type"] = file.content_type
        response["ETag"] = file.etag
        response["Cache-Control"] = "private, max-age=31536000, immutable" if file.lasting else "private, no-cache"
        response["Vary"] = "Authorization, Cookie"
        return response


class MetadataView(_FileView):
    """``timestamp.json`` and the numbered metadata of a store's TUF repository."""

    @extend_schema(operation_id="tuf_metadata", tags=["trust-stores"], summary="TUF metadata", responses=_RESPONSES)
    def get(self, request: Any, name: str, file: str) -> HttpResponse:
        """Answer with one metadata file."""
        found = queries.metadata(request.access, name, file)
        if rules.asks_for_news(file):
            pulls.recorder.note_asked(request.access, found.store_id, request.headers.get("User-Agent", ""))
        return self.answer(request, found)


class TargetView(_FileView):
    """The store in each format, and what the partner signed, named by digest."""

    @extend_schema(operation_id="tuf_target", tags=["trust-stores"], summary="TUF target", responses=_RESPONSES)
    def get(self, request: Any, name: str, path: str) -> HttpResponse:
        """Answer with one target. Taking the store itself counts as a pull, as at ``current``."""
        found = queries.target(request.access, name, path)
        if found.number is not None and request.method == "GET":
            agent = request.headers.get("User-Agent", "")
            pulls.recorder.note_taken(request.access, found.store_id, found.number, agent)
        return self.answer(request, found)
