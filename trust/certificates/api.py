"""The API about certificates."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.rules import Right
from trust.certificates import queries
from trust.certificates.models import Certificate
from trust.certificates.showing import pem_of


@extend_schema_field({"type": ["array", "null"], "items": {"type": "object"}})
class FindingsField(serializers.JSONField):
    """What was found about a certificate alone, or null when nobody has looked yet."""


class CertificateSerializer(serializers.ModelSerializer):
    """One CA certificate."""

    pem = serializers.SerializerMethodField()
    details = serializers.JSONField(source="facts")
    lint = FindingsField(read_only=True)

    class Meta:
        model = Certificate
        fields = (
            "sha256", "spki_sha256", "subject", "issuer", "serial", "not_before", "not_after", "key_algorithm",
            "signature_algorithm", "is_ca", "self_signed", "details", "lint", "pem",
        )  # fmt: skip

    def get_pem(self, certificate: Certificate) -> str:
        return pem_of(certificate)


@extend_schema(tags=["certificates"])
class CertificateView(APIView):
    """A certificate that the organization sent, or received and heard by phone."""

    rights = {"GET": Right.READ}

    @extend_schema(
        operation_id="certificate_read",
        responses=CertificateSerializer,
    )
    def get(self, request: Request, sha256: str) -> Response:
        found: Any = queries.get(request.actor.organization, sha256)
        return Response(CertificateSerializer(found).data)
