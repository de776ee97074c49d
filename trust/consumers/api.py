"""The API about consumers: registering them, their tokens, what they run, and the door for their agents' reports."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.rules import Right
from trust.consumers import queries, rules, services
from trust.consumers.models import Consumer, ConsumerToken, PullRecord
from trust.stores import queries as stores
from trust.stores.serve.access import Access
from trust.stores.serve.view import PullTokenAuthentication

STATES = [state.value for state in rules.State]


class ConsumerTokenSerializer(serializers.ModelSerializer):
    """A consumer's token, without its secret."""

    class Meta:
        model = ConsumerToken
        fields = ("id", "hint", "created_at", "expires_at", "revoked_at", "last_used_at")


class ConsumerSerializer(serializers.ModelSerializer):
    """A service that pulls stores. ``states`` in the context is what ``queries.states`` says of those that are written."""

    stores: Any = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)
    state = serializers.SerializerMethodField(
        help_text="The worst state in which it is with one of its stores; switched_off has a moment in retired_at."
    )

    class Meta:
        model = Consumer
        fields = ("name", "owner", "state", "interval_seconds", "stores", "created_at", "retired_at")

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, consumer: Consumer) -> str:
        return str(self.context["states"][consumer.pk].value)


class ReportedSerializer(serializers.Serializer):
    """What a consumer's agent said last: how far a version got, and what proved it."""

    stage = serializers.ChoiceField(choices=PullRecord.Stage.choices, source="reported_stage")
    version = serializers.IntegerField(source="reported_number")
    at = serializers.DateTimeField(source="reported_at")
    proof = serializers.CharField(source="reported_proof")


class StandingSerializer(serializers.Serializer):
    """How a consumer stands with one store."""

    consumer = serializers.CharField(source="consumer.name")
    store = serializers.CharField(source="store.name")
    state = serializers.ChoiceField(choices=STATES)
    runs = serializers.IntegerField(source="pull.runs", allow_null=True, default=None)
    current = serializers.IntegerField(source="store.current_number")
    pulled_at = serializers.DateTimeField(source="pull.pulled_at", allow_null=True, default=None)
    next_expected_at = serializers.DateTimeField(allow_null=True)
    still_trusts = serializers.ListField(child=serializers.CharField())
    reported = serializers.SerializerMethodField()

    @extend_schema_field(ReportedSerializer(allow_null=True))
    def get_reported(self, standing: queries.Standing) -> dict[str, Any] | None:
        pull = standing.pull
        return dict(ReportedSerializer(pull).data) if pull and pull.reported_stage else None


class ConsumerDetailSerializer(ConsumerSerializer):
    """A consumer with its tokens and how it stands with each store."""

    tokens = ConsumerTokenSerializer(many=True)
    standings = StandingSerializer(many=True)

    class Meta(ConsumerSerializer.Meta):
        fields = (*ConsumerSerializer.Meta.fields, "tokens", "standings")


class _NewTokenSerializer(serializers.Serializer):
    """How long a token lives that is made."""

    lifetime_days = serializers.IntegerField(
        min_value=1, max_value=rules.TOKEN_MAX_LIFETIME.days, default=rules.TOKEN_LIFETIME.days
    )

    @property
    def lifetime(self) -> timedelta:
        """Return what was asked for, once it is valid."""
        return timedelta(days=self.validated_data["lifetime_days"])


class NewConsumerSerializer(_NewTokenSerializer):
    """What is needed to register a consumer."""

    name = serializers.CharField(max_length=80)
    owner = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    stores = serializers.ListField(child=serializers.SlugField(max_length=80), min_length=1, max_length=100)
    interval_seconds = serializers.IntegerField(min_value=10, max_value=31 * 86400, default=300)


class SecretSerializer(serializers.Serializer):
    """A token, shown this once."""

    consumer = serializers.CharField()
    secret = serializers.CharField()


class RotateSerializer(_NewTokenSerializer):
    """How long the older tokens go on working, and how long the new one lives."""

    overlap_seconds = serializers.IntegerField(min_value=0, max_value=14 * 86400, default=86400)


class SwitchOnSerializer(_NewTokenSerializer):
    """How long the token lives that a consumer gets when it is switched on again."""


class AdoptionSerializer(serializers.Serializer):
    """How many consumers of a store are in each state."""

    store = serializers.CharField()
    current_number = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField())
    safe_to_remove_after = serializers.DateTimeField(
        allow_null=True,
        help_text="When the last late service should run the current version; null while one is silent or never pulled.",
    )


class ReportSerializer(serializers.Serializer):
    """What an agent says it runs."""

    version = serializers.IntegerField(min_value=1)
    stage = serializers.ChoiceField(choices=PullRecord.Stage.choices)
    proof = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


def _worst(consumer: Consumer, standings: list[queries.Standing]) -> rules.State:
    return queries.state_of(consumer, (each.state for each in standings))


def _detail(consumer: Consumer, request: Request) -> dict[str, Any]:
    standings = queries.standings([consumer], request._request.now)
    return {
        **ConsumerSerializer(consumer, context={"states": {consumer.pk: _worst(consumer, standings)}}).data,
        "tokens": ConsumerTokenSerializer(queries.tokens_of(consumer), many=True).data,
        "standings": StandingSerializer(standings, many=True).data,
    }


@extend_schema(tags=["consumers"])
class ConsumersView(generics.ListAPIView):
    """The consumers of the organization, those that are switched off too. Registering one returns its token, once."""

    rights = {"GET": Right.READ, "POST": Right.MANAGE_DELIVERY}
    serializer_class = ConsumerSerializer
    queryset = Consumer.objects.none()

    def get_queryset(self) -> Any:
        organization, state = self.request.actor.organization, self.request.query_params.get("state")
        if state is None:
            return queries.of(organization, with_retired=True)
        if state not in STATES:
            sentence = f"Give one of {', '.join(STATES)}."
            raise errors.Invalid(f"state: {sentence}", fields={"state": [sentence]})
        return queries.in_state(organization, rules.State(state), self.request._request.now)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "state",
                str,
                enum=STATES,
                description="Only those in this state with at least one of their stores, or only those that are switched off;"
                " all without it.",
            )
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the consumers, each with its state."""
        page = self.paginate_queryset(self.get_queryset())
        context = {"states": queries.states(page or (), request._request.now)}
        return self.get_paginated_response(ConsumerSerializer(page, many=True, context=context).data)

    @extend_schema(operation_id="consumer_register", request=NewConsumerSerializer, responses={201: SecretSerializer})
    def post(self, request: Request) -> Response:
        asked = NewConsumerSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        fields = asked.validated_data
        consumer, secret = services.register(
            name=fields["name"],
            owner=fields["owner"],
            stores=[stores.get(request.actor.organization, name) for name in fields["stores"]],
            interval=timedelta(seconds=fields["interval_seconds"]),
            lifetime=asked.lifetime,
            actor=request.actor,
            now=request._request.now,
        )
        return Response({"consumer": consumer.name, "secret": secret}, status=201)


@extend_schema(tags=["consumers"])
class ConsumerView(APIView):
    """One consumer."""

    rights = {"GET": Right.READ, "DELETE": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="consumer_read", responses=ConsumerDetailSerializer)
    def get(self, request: Request, name: str) -> Response:
        return Response(_detail(queries.get(request.actor.organization, name), request))

    @extend_schema(operation_id="consumer_retire", responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Switch the consumer off: its tokens end at once. It keeps its history and can be switched on again."""
        consumer = queries.get(request.actor.organization, name)
        services.retire(consumer=consumer, actor=request.actor, now=request._request.now)
        return Response(status=204)


@extend_schema(tags=["consumers"])
class ConsumerSwitchOnView(APIView):
    """Switching on again a consumer that was switched off."""

    rights = {"POST": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="consumer_switch_on", request=SwitchOnSerializer, responses={201: SecretSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Switch the consumer on again and make its new token; the tokens that it had stay revoked."""
        asked = SwitchOnSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        consumer = queries.get(request.actor.organization, name)
        secret = services.switch_on(
            consumer=consumer,
            lifetime=asked.lifetime,
            actor=request.actor,
            now=request._request.now,
        )
        return Response({"consumer": consumer.name, "secret": secret}, status=201)


@extend_schema(tags=["consumers"])
class ConsumerTokensView(APIView):
    """The tokens of one consumer."""

    rights = {"POST": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="consumer_token_rotate", request=RotateSerializer, responses={201: SecretSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Make a new token; the older ones go on working for the overlap and no longer."""
        asked = RotateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        consumer = queries.get(request.actor.organization, name)
        secret = services.rotate_token(
            consumer=consumer,
            overlap=timedelta(seconds=asked.validated_data["overlap_seconds"]),
            lifetime=asked.lifetime,
            actor=request.actor,
            now=request._request.now,
        )
        return Response({"consumer": consumer.name, "secret": secret}, status=201)


@extend_schema(tags=["consumers"])
class ConsumerTokenView(APIView):
    """One token of a consumer."""

    rights = {"DELETE": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="consumer_token_revoke", responses={204: None})
    def delete(self, request: Request, name: str, token_id: str) -> Response:
        """Revoke the token at once, in every process."""
        consumer = queries.get(request.actor.organization, name)
        services.revoke_token(consumer=consumer, token_id=token_id, actor=request.actor, now=request._request.now)
        return Response(status=204)


@extend_schema(tags=["trust-stores"])
class AdoptionView(APIView):
    """Who runs the current version of a store, in numbers; and the door at which agents report what they run."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="trust_store_adoption", responses=AdoptionSerializer)
    def get(self, request: Request, name: str) -> Response:
        store = stores.get(request.actor.organization, name)
        counts = queries.adoption(store, request._request.now)
        members = {"store": store.name, "current_number": store.current_number, "counts": counts}
        ready = queries.readiness(store, request._request.now)
        return Response(AdoptionSerializer(members | {"safe_to_remove_after": ready.after}).data)


class UptakeSerializer(serializers.Serializer):
    """What a partner's services run of one's own certificates, in numbers."""

    partnership = serializers.CharField(source="store.partnership.slug")
    relying = serializers.CharField(source="store.relying.slug")
    store = serializers.CharField(
        source="store.name", help_text="A partner has a store for each environment and purpose."
    )
    current_number = serializers.IntegerField(source="store.current_number")
    counts = serializers.DictField(child=serializers.IntegerField())


@extend_schema(tags=["consumers"])
class UptakeView(APIView):
    """What partners' services run of the organization's certificates, where the agreement in force shares the counts."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="certificate_uptake", responses=UptakeSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = queries.shared_with(request.actor.organization, request._request.now)
        return Response(UptakeSerializer(found, many=True).data)


@extend_schema(tags=["consumers"])
class ReportView(APIView):
    """Where a consumer's agent reports what it runs, with the token that it pulls with."""

    authentication_classes = [PullTokenAuthentication]
    permission_classes: list = []

    @extend_schema(operation_id="adoption_report", request=ReportSerializer, responses={204: None})
    def post(self, request: Request, name: str) -> Response:
        found = request.auth
        if not isinstance(found, Access):
            raise errors.NotSignedIn("Send the consumer's token.", fix="Send a token: Authorization: Bearer txc_…")
        store, consumer = queries.reporting(found, name)
        asked = ReportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.report_adoption(
            consumer=consumer,
            store=store,
            number=asked.validated_data["version"],
            stage=asked.validated_data["stage"],
            proof=asked.validated_data["proof"],
            now=request._request.now,
        )
        return Response(status=204)
