"""The API about a store's SPIFFE trust domain."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.rules import Right
from trust.stores import queries as stores
from trust.stores.federation import queries, services
from trust.stores.federation.models import SpiffeBinding


class BindingSerializer(serializers.ModelSerializer):
    """Which trust domain a store stands for, and whether its bundle is public."""

    store: Any = serializers.SlugRelatedField(slug_field="name", read_only=True)
    public = serializers.SerializerMethodField()
    in_current_map = serializers.SerializerMethodField(
        help_text="What spiffe-map.json of the current version names. Versions never change, so the next has the new."
    )

    class Meta:
        model = SpiffeBinding
        fields = ("store", "trust_domain", "public", "public_since", "in_current_map", "changed_at")

    def get_public(self, binding: SpiffeBinding) -> bool:
        return binding.public_since is not None

    def get_in_current_map(self, binding: SpiffeBinding) -> str:
        return queries.domain_in_current_map(binding.store)


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
