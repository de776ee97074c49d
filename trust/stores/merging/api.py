"""The API about merged exports: the list with the warning, proposing, approving and closing. Pulling one is in ``view``."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.rules import Right
from trust.stores import queries as stores
from trust.stores.drafts import MAX_REASON
from trust.stores.merging import queries, services
from trust.stores.merging.models import MergedExport


class MergedExportSerializer(serializers.ModelSerializer):
    """A merged export: what it merges, and who stands behind it."""

    stores: Any = serializers.SlugRelatedField(slug_field="name", read_only=True, many=True)
    proposed_by = serializers.CharField(source="proposed_by.name")
    approved_by = serializers.CharField(source="approved_by.name", allow_null=True, default=None)
    warning = serializers.SerializerMethodField(
        help_text="What a merged file gives away; `read` says that it was read."
    )

    class Meta:
        model = MergedExport
        fields = (
            "id", "name", "stores", "reason", "state", "proposed_by", "proposed_at", "approved_by", "approved_at", "closed_at",
            "warning",
        )  # fmt: skip

    def get_warning(self, export: MergedExport) -> str:
        return services.WARNING


class ProposedSerializer(serializers.Serializer):
    """A merged export to propose."""

    name = serializers.CharField(max_length=80)
    stores = serializers.ListField(
        child=serializers.SlugField(max_length=80), min_length=1, max_length=services.MOST, help_text="Their names."
    )
    reason = serializers.CharField(max_length=MAX_REASON)
    read = serializers.BooleanField(default=False, help_text="Say that you read the warning.")


class ReadSerializer(serializers.Serializer):
    """That the warning was read."""

    read = serializers.BooleanField(default=False)


@extend_schema(tags=["trust-stores"])
class MergedExportsView(APIView):
    """Merged exports. Two security officers stand behind each, in sessions with a fresh second factor."""

    rights = {"GET": Right.READ, "POST": Right.PUBLISH_ADDITION}

    @extend_schema(operation_id="merged_exports", responses=MergedExportSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = queries.of(request.actor.organization)[:500]
        return Response(MergedExportSerializer(found, many=True).data)

    @extend_schema(
        operation_id="merged_export_propose", request=ProposedSerializer, responses={201: MergedExportSerializer}
    )
    def post(self, request: Request) -> Response:
        """Propose one. Nothing is served before another officer approved."""
        asked = ProposedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        fields = asked.validated_data
        organization = request.actor.require(Right.PUBLISH_ADDITION)
        chosen = [stores.get(organization, name) for name in fields.pop("stores")]
        made = services.propose(**fields, stores=chosen, actor=request.actor, now=request._request.now)
        return Response(MergedExportSerializer(made).data, status=201)


@extend_schema(tags=["trust-stores"])
class MergedExportView(APIView):
    """One merged export."""

    rights = {"GET": Right.READ, "DELETE": Right.PUBLISH_ADDITION}

    @extend_schema(operation_id="merged_export", responses=MergedExportSerializer)
    def get(self, request: Request, export_id: str) -> Response:
        return Response(MergedExportSerializer(queries.get(request.actor.organization, export_id)).data)

    @extend_schema(operation_id="merged_export_close", responses={204: None})
    def delete(self, request: Request, export_id: str) -> Response:
        """Close it: nobody gets it any more. One officer can."""
        export = queries.get(request.actor.organization, export_id)
        services.close(export=export, actor=request.actor, now=request._request.now)
        return Response(status=204)


@extend_schema(tags=["trust-stores"])
class MergedExportApprovalView(APIView):
    """The second officer's word."""

    rights = {"POST": Right.PUBLISH_ADDITION}

    @extend_schema(operation_id="merged_export_approve", request=ReadSerializer, responses=MergedExportSerializer)
    def post(self, request: Request, export_id: str) -> Response:
        """Have it served. 403 `own_work` for who proposed it."""
        asked = ReadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        export = queries.get(request.actor.organization, export_id)
        done = services.approve(
            export=export, read=asked.validated_data["read"], actor=request.actor, now=request._request.now
        )
        return Response(MergedExportSerializer(done).data)
