"""Pulling a merged export, with a token that opens every one of its stores."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema

from trust.stores.merging import queries
from trust.stores.serve import rates
from trust.stores.serve.several import whole
from trust.stores.serve.view import PullView, note, respond


class PullMergedView(PullView):
    """The anchors of several partners in one PEM file. ``Merged-From`` names the versions."""

    @extend_schema(
        operation_id="pull_merged_export",
        tags=["trust-stores"],
        summary="Pull a merged export that two officers signed off",
        responses={
            (200, "application/pem-certificate-chain"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="You have these bytes already"),
        },
    )
    def get(self, request: Any, name: str = "", **_: Any) -> HttpResponse:
        """Answer with the file, or with 304 when the asker has it."""
        rates.require(request.access)
        content, served = queries.merged(request.access, name)
        sources = ", ".join(f"{each.name} v{each.number}" for each in served)
        response = respond(whole(content, "application/pem-certificate-chain", ("Merged-From", sources)), request)
        for each in served:
            note(request, response, each)
        return response
