"""The API about partnerships."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.rules import Right
from portal.partnerships import queries
from portal.partnerships.models import Partnership


class PartnershipSerializer(serializers.ModelSerializer):
    """A partnership, from the point of view of the organization that asks."""

    partner = serializers.SerializerMethodField()
    partner_slug = serializers.SerializerMethodField()

    class Meta:
        model = Partnership
        fields = ("id", "slug", "partner", "partner_slug", "state", "state_reason", "created_at", "activated_at")

    def get_partner(self, partnership: Partnership) -> str:
        return partnership.other(self.context["organization"]).name

    def get_partner_slug(self, partnership: Partnership) -> str:
        return partnership.other(self.context["organization"]).slug


@extend_schema(tags=["partnerships"])
class PartnershipsView(generics.ListAPIView):
    """The partnerships of the organization."""

    rights = {"GET": Right.READ}
    serializer_class = PartnershipSerializer
    queryset = Partnership.objects.none()

    def get_queryset(self) -> Any:
        return queries.of(self.request.actor.organization)

    def get_serializer_context(self) -> dict[str, Any]:
        actor = getattr(self.request, "actor", None)
        return super().get_serializer_context() | {"organization": actor.organization if actor else None}


@extend_schema(tags=["partnerships"])
class PartnershipView(APIView):
    """One partnership."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="partnership_read", responses=PartnershipSerializer)
    def get(self, request: Request, slug: str) -> Response:
        organization = request.actor.organization
        found = queries.get(organization, slug)
        return Response(PartnershipSerializer(found, context={"organization": organization}).data)
