"""The API about the inventory."""

import base64
import binascii
import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.idempotency import idempotent
from portal.organizations.rules import Right
from portal.pagination import SteadyCursorPagination
from portal.partnerships import queries as partnerships
from trust.certificates.models import Certificate
from trust.inventory import queries, rules, services
from trust.inventory.forms import FilterForm
from trust.pki.pem import looks_like_pem


class RowSerializer(serializers.Serializer):
    """A line of the inventory, with the columns of the guide's table."""

    kind = serializers.CharField()
    owner = serializers.CharField()
    partnerships = serializers.ListField(child=serializers.CharField())
    common_name = serializers.CharField()
    subject = serializers.CharField()
    alternative_names = serializers.ListField(child=serializers.CharField())
    issuer = serializers.CharField()
    serial_number = serializers.CharField()
    sha256 = serializers.CharField()
    spki_sha256 = serializers.CharField()
    not_before = serializers.DateTimeField(allow_null=True)
    not_after = serializers.DateTimeField(allow_null=True)
    key_algorithm = serializers.CharField()
    key_size = serializers.IntegerField(allow_null=True, help_text="In bits; null for OpenPGP keys.")
    signature_algorithm = serializers.CharField()
    extended_key_usage = serializers.ListField(child=serializers.CharField())
    certificate_policies = serializers.ListField(child=serializers.CharField())
    crl_distribution_points = serializers.ListField(child=serializers.CharField())
    ocsp_responders = serializers.ListField(child=serializers.CharField())
    tier = serializers.CharField()
    state = serializers.CharField()
    service_name = serializers.CharField()
    environment = serializers.CharField()
    team_owner = serializers.CharField()
    created_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    revocation_reason = serializers.CharField()


class AddSerializer(serializers.Serializer):
    """A certificate of a service."""

    certificate = serializers.CharField(max_length=100_000, help_text="PEM, or base64 of the DER.")
    service_name = serializers.CharField(max_length=80)
    environment = serializers.CharField(required=False, allow_blank=True, max_length=40, default="")
    team = serializers.CharField(required=False, allow_blank=True, max_length=80, default="")
    partnership = serializers.SlugField(required=False, allow_blank=True, default="")


class AddedSerializer(serializers.Serializer):
    """A service certificate that was added."""

    id = serializers.UUIDField()
    sha256 = serializers.CharField(source="certificate_id")
    service_name = serializers.CharField()


class _FirstToEnd(SteadyCursorPagination):
    ordering = ("not_after", "sha256")


_PARAMETERS = [OpenApiParameter(name, str) for name in ("q", "kind", "side", "partnership", "state", "expiring")]


@extend_schema(tags=["inventory"])
class InventoryView(generics.ListAPIView):
    """Certificates of both sides, the first to end first. OpenPGP keys are under /keys."""

    rights = {"GET": Right.READ}
    serializer_class = RowSerializer
    pagination_class = _FirstToEnd
    queryset = Certificate.objects.none()

    def get_queryset(self) -> Any:
        organization = self.request.actor.organization
        partners = [(each.slug, each.slug) for each in partnerships.of(organization)]
        form = FilterForm(self.request.query_params, partners=partners)
        if not form.is_valid():
            raise errors.Invalid(
                "A filter cannot be read.",
                fields={name: [str(each) for each in found] for name, found in form.errors.items()},
            )
        return queries.certificates(organization, form.filters(), self.request._request.now)

    @extend_schema(operation_id="inventory_list", parameters=_PARAMETERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        found = queries.rows_of(request.actor.organization, page or [], request._request.now)
        return self.get_paginated_response([rules.json_object(row) for row in found])


@extend_schema(tags=["inventory"])
class ServiceCertificatesView(APIView):
    """Adding a certificate of one of the own services."""

    rights = {"POST": Right.UPLOAD}

    @extend_schema(operation_id="service_certificate_add", request=AddSerializer, responses={201: AddedSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        asked = AddSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = dict(asked.validated_data)
        slug, organization = data.pop("partnership"), request.actor.organization
        made = services.add_service_certificate(
            actor=request.actor,
            upload=_bytes(data.pop("certificate")),
            partnership=partnerships.get(organization, slug) if slug else None,
            now=request._request.now,
            **data,
        )
        return Response(AddedSerializer(made).data, status=201)


@extend_schema(tags=["inventory"])
class ServiceCertificateView(APIView):
    """Taking a certificate of one of the own services out."""

    rights = {"DELETE": Right.UPLOAD}

    @extend_schema(operation_id="service_certificate_retire", responses={204: None})
    def delete(self, request: Request, service_certificate_id: uuid.UUID) -> Response:
        services.retire_service_certificate(
            actor=request.actor, service_certificate_id=service_certificate_id, now=request._request.now
        )
        return Response(status=204)


def _bytes(text: str) -> bytes:
    if looks_like_pem(text.encode()):
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        sentence = "Send PEM, or base64 of the DER."
        raise errors.Invalid(sentence, fields={"certificate": [sentence]}) from None
