"""The API about the evidence for items of the checklist: what both sides keep there, adding a file, and getting one back."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.idempotency import idempotent
from portal.organizations.rules import Right
from portal.parsing import JsonParser
from portal.partnerships import queries as partnerships
from portal.uploads import decoded
from trust.onboarding import downloads, queries, services
from trust.onboarding.models import TaskEvidence


class EvidenceSerializer(serializers.ModelSerializer):
    """A file that shows that an item is done on one side, without its bytes."""

    item = serializers.CharField(source="task.key")
    side = serializers.CharField(source="task.organization.slug")
    added_by = serializers.CharField(source="added_by.name")

    class Meta:
        model = TaskEvidence
        fields = ("id", "item", "side", "name", "sha256", "note", "added_by", "added_at")


class NewEvidenceSerializer(serializers.Serializer):
    """A file as evidence, as JSON. At most 1 MiB, and never a private key."""

    name = serializers.CharField(max_length=200)
    content = serializers.CharField(help_text="The file in base64.")
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=300, default="", help_text="What it shows."
    )


class NewEvidenceFileSerializer(serializers.Serializer):
    """A file as evidence, as a form. At most 1 MiB, and never a private key."""

    file = serializers.FileField(allow_empty_file=True)
    note = serializers.CharField(
        required=False, allow_blank=True, max_length=300, default="", help_text="What it shows."
    )


@extend_schema(tags=["onboarding"])
class EvidenceListView(APIView):
    """The evidence for one item, of both sides, oldest first; and adding a file on the own side, which is a member's act."""

    rights = {"GET": Right.READ, "POST": services.RIGHT}
    parser_classes = (MultiPartParser, JsonParser)
    throttle_scope = "uploads"

    def get_throttles(self) -> list[Any]:
        return super().get_throttles() if self.request.method == "POST" else []

    @extend_schema(operation_id="onboarding_evidence_list", responses=EvidenceSerializer(many=True))
    def get(self, request: Request, slug: str, key: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        line = queries.board(partnership, request._request.now).line(key)
        return Response(EvidenceSerializer(queries.evidence(partnership, line.item.key), many=True).data)

    @extend_schema(
        operation_id="onboarding_evidence_add",
        request={"multipart/form-data": NewEvidenceFileSerializer, "application/json": NewEvidenceSerializer},
        responses={201: EvidenceSerializer},
    )
    @idempotent
    def post(self, request: Request, slug: str, key: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        kept = services.add_evidence(
            actor=request.actor, partnership=partnership, key=key, now=request._request.now, **_given(request)
        )
        return Response(EvidenceSerializer(kept).data, status=201)


@extend_schema(tags=["onboarding"])
class EvidenceFileView(APIView):
    """A piece of evidence, byte for byte as it was handed in."""

    rights = {"GET": Right.READ}

    @extend_schema(
        operation_id="onboarding_evidence_read",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, slug: str, evidence_id: str) -> HttpResponse:
        partnership = partnerships.get(request.actor.organization, slug)
        return downloads.of_evidence(queries.one_evidence(partnership, evidence_id))


def _given(request: Request) -> dict[str, Any]:
    """Return name, content and note of either form of request. Raises Invalid."""
    if request.content_type.startswith("multipart/"):
        asked = NewEvidenceFileSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file = asked.validated_data["file"]
        # One byte more than is taken, so that the service can refuse it.
        content = file.read(services.EVIDENCE_LONGEST + 1)
        return {"name": file.name or "", "content": content, "note": asked.validated_data["note"]}
    asked_json = NewEvidenceSerializer(data=request.data)
    asked_json.is_valid(raise_exception=True)
    return {**asked_json.validated_data, "content": decoded("content", asked_json.validated_data["content"])}
