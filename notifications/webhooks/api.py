"""Webhook endpoints and their deliveries over the API."""

import uuid
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.deliveries.models import Attempt, Delivery
from notifications.deliveries.rules import Channel
from notifications.webhooks import queries, redelivering, services, showing
from notifications.webhooks.models import EndpointKey, WebhookEndpoint
from portal.organizations.idempotency import idempotent
from portal.organizations.rules import Right


class KeySerializer(serializers.ModelSerializer):
    """A signing key as receivers need it: the public key of Ed25519; nothing of HMAC but its times."""

    class Meta:
        model = EndpointKey
        fields = ("id", "scheme", "public", "created_at", "retires_at")


class EndpointSerializer(serializers.ModelSerializer):
    """An endpoint, its health and its keys' history."""

    keys = KeySerializer(many=True, read_only=True)
    has_bearer_token = serializers.SerializerMethodField()

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id", "name", "url", "description", "scheme", "event_types", "state", "state_reason", "has_bearer_token",
            "client_certificate", "failures", "failing_since", "last_success_at", "last_failure_at", "last_reason",
            "created_at", "proven_at", "keys",
        )  # fmt: skip

    def get_has_bearer_token(self, endpoint: WebhookEndpoint) -> bool:
        return bool(endpoint.bearer_token_sealed)


class NewEndpointSerializer(serializers.Serializer):
    """What is needed to add an endpoint."""

    name = serializers.CharField(max_length=80)
    url = serializers.CharField(max_length=2000)
    event_types = serializers.ListField(child=serializers.CharField(max_length=80), max_length=20)
    scheme = serializers.ChoiceField(choices=WebhookEndpoint.Scheme.choices, default=WebhookEndpoint.Scheme.ED25519)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    bearer_token = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    client_certificate = serializers.BooleanField(required=False)


class ChangeSerializer(serializers.Serializer):
    """What can be changed of an endpoint; its URL cannot."""

    event_types = serializers.ListField(child=serializers.CharField(max_length=80), max_length=20, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    bearer_token = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class AddedSerializer(EndpointSerializer):
    """A new endpoint, with its secret (HMAC) or public key (Ed25519), shown this once."""

    key = serializers.CharField(read_only=True)

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "key")


class RotateSerializer(serializers.Serializer):
    """For how long older keys go on signing."""

    overlap_hours = serializers.IntegerField(min_value=0, max_value=168, default=24)


class ChallengeSerializer(serializers.Serializer):
    """What the test delivered."""

    challenge = serializers.CharField(max_length=100)


class SinceSerializer(serializers.Serializer):
    """From when on."""

    since = serializers.DateTimeField()


class AttemptSerializer(serializers.ModelSerializer):
    """One try: what was sent and what came back."""

    class Meta:
        model = Attempt
        fields = ("number", "started_at", "finished_at", "outcome", "status_code", "detail", "exchange")


class DeliverySerializer(serializers.ModelSerializer):
    """One event owed to one endpoint."""

    attempts = AttemptSerializer(many=True, read_only=True)
    event_type = serializers.CharField(source="event.kind")
    endpoint = serializers.CharField(source="recipient")
    state = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields = (
            "id", "event", "event_type", "endpoint", "state", "urgent", "tries", "next_attempt_at", "created_at",
            "finished_at", "body", "attempts",
        )  # fmt: skip

    def get_state(self, delivery: Delivery) -> str:
        return showing.shown_state(delivery)


def _given(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    found = serializer(data=request.data)
    found.is_valid(raise_exception=True)
    return dict(found.validated_data)


def _now(request: Request) -> Any:
    return request._request.now  # type: ignore[attr-defined]


@extend_schema(tags=["webhooks"])
class EndpointsView(APIView):
    """The webhook endpoints of the organization."""

    rights = {"GET": Right.READ, "POST": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="webhooks_list", responses=EndpointSerializer(many=True))
    def get(self, request: Request) -> Response:
        endpoints = queries.of(request.actor.organization).prefetch_related("keys")
        return Response(EndpointSerializer(endpoints, many=True).data)

    @extend_schema(operation_id="webhooks_add", request=NewEndpointSerializer, responses={201: AddedSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Add an endpoint. Nothing is sent to it before its test was answered."""
        added = services.add_endpoint(actor=request.actor, now=_now(request), **_given(NewEndpointSerializer, request))
        return Response(EndpointSerializer(added.endpoint).data | {"key": added.shown_once}, status=201)


@extend_schema(tags=["webhooks"])
class EndpointView(APIView):
    """One webhook endpoint."""

    rights = {"GET": Right.READ, "PATCH": Right.MANAGE_DELIVERY, "DELETE": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="webhooks_read", responses=EndpointSerializer)
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        return Response(EndpointSerializer(queries.get(request.actor.organization, endpoint_id)).data)

    @extend_schema(operation_id="webhooks_change", request=ChangeSerializer, responses=EndpointSerializer)
    def patch(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Change what an endpoint hears. A new URL is a new endpoint."""
        changed = services.change_endpoint(
            actor=request.actor, now=_now(request), endpoint_id=endpoint_id, **_given(ChangeSerializer, request)
        )
        return Response(EndpointSerializer(changed).data)

    @extend_schema(operation_id="webhooks_remove", responses={204: None})
    def delete(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        services.remove_endpoint(actor=request.actor, now=_now(request), endpoint_id=endpoint_id)
        return Response(status=204)


@extend_schema(tags=["webhooks"])
class TestView(APIView):
    """The test of an endpoint."""

    rights = {"POST": Right.MANAGE_DELIVERY}
    throttle_scope = "checks"

    @extend_schema(operation_id="webhooks_test", request=None, responses=EndpointSerializer)
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Send the signed test event. Answering 2xx with its challenge in the body proves the endpoint."""
        endpoint, answer = services.send_test(actor=request.actor, now=_now(request), endpoint_id=endpoint_id)
        told = {"outcome": answer.outcome, "reason": answer.reason, "status": answer.status}
        return Response(EndpointSerializer(endpoint).data | {"test": told})


@extend_schema(tags=["webhooks"])
class ChallengeView(APIView):
    """The answer of a person who saw the test arrive."""

    rights = {"POST": Right.MANAGE_DELIVERY}
    throttle_scope = "checks"

    @extend_schema(operation_id="webhooks_confirm", request=ChallengeSerializer, responses=EndpointSerializer)
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        endpoint = services.confirm_challenge(
            actor=request.actor, now=_now(request), endpoint_id=endpoint_id, **_given(ChallengeSerializer, request)
        )
        return Response(EndpointSerializer(endpoint).data)


@extend_schema(tags=["webhooks"])
class KeysView(APIView):
    """The signing keys of an endpoint, with their history."""

    rights = {"GET": Right.READ, "POST": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="webhooks_keys", responses=KeySerializer(many=True))
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        keys = queries.keys_of(queries.get(request.actor.organization, endpoint_id))
        return Response(KeySerializer(keys, many=True).data)

    @extend_schema(operation_id="webhooks_rotate", request=RotateSerializer, responses={201: AddedSerializer})
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Add a key; older ones go on signing beside it for the overlap."""
        hours = _given(RotateSerializer, request)["overlap_hours"]
        added = services.rotate_key(
            actor=request.actor, now=_now(request), endpoint_id=endpoint_id, overlap=timedelta(hours=hours)
        )
        return Response(EndpointSerializer(added.endpoint).data | {"key": added.shown_once}, status=201)


@extend_schema(tags=["webhooks"])
class RecoverView(APIView):
    """Everything that failed at an endpoint."""

    rights = {"POST": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="webhooks_recover", request=SinceSerializer, responses={200: dict})
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Deliver everything again that failed for good since a moment."""
        count = redelivering.redeliver_failed(
            actor=request.actor, now=_now(request), endpoint_id=endpoint_id, **_given(SinceSerializer, request)
        )
        return Response({"redelivered": count})


@extend_schema(tags=["webhooks"])
class DeliveriesView(generics.ListAPIView):
    """The webhook deliveries of the organization, newest first; kept as long as their events."""

    rights = {"GET": Right.READ}
    serializer_class = DeliverySerializer
    queryset = Delivery.objects.none()

    def get_queryset(self) -> Any:
        mine = Delivery.objects.filter(organization=self.request.actor.organization, channel=Channel.WEBHOOK)
        endpoint = self.request.query_params.get("endpoint")
        if endpoint:
            mine = mine.filter(recipient=endpoint)
        return mine.select_related("event").prefetch_related("attempts")


@extend_schema(tags=["webhooks"])
class DeliveryView(APIView):
    """One delivery with its attempts."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="deliveries_read", responses=DeliverySerializer)
    def get(self, request: Request, delivery_id: uuid.UUID) -> Response:
        return Response(DeliverySerializer(showing.delivery(request.actor.organization, delivery_id)).data)


@extend_schema(tags=["webhooks"])
class RedeliverView(APIView):
    """One delivery, made again."""

    rights = {"POST": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="deliveries_redeliver", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """Make a finished delivery again, with the same id and bytes."""
        again = redelivering.redeliver(actor=request.actor, now=_now(request), delivery_id=delivery_id)
        return Response(DeliverySerializer(again).data, status=202)
