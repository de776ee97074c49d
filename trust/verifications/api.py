"""The API about verifications: reading. What must be a person's act says so, and takes only a member's session."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.rules import Right
from portal.partnerships import contact_queries
from trust.verifications import exports, queries, services
from trust.verifications.models import Verification, VerificationRequest


class CallSerializer(serializers.ModelSerializer):
    """One call about a fingerprint, with its record once it has ended. Nothing that is still to be typed is in it."""

    contact = serializers.CharField(source="contact.name")
    verifier = serializers.SerializerMethodField()
    reader = serializers.SerializerMethodField()
    record = serializers.SerializerMethodField()

    class Meta:
        model = Verification
        fields = ("number", "state", "contact", "verifier", "reader", "booked_for", "started_at", "ended_at", "record")

    def get_verifier(self, call: Verification) -> str | None:
        return call.verifier.name if call.verifier else None

    def get_reader(self, call: Verification) -> str | None:
        return call.reader.name if call.reader else None

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_record(self, call: Verification) -> dict[str, Any]:
        return {
            name: {"sha256": written.sha256, "document": written.document}
            for name, written in exports.parts(call).items()
        }


class VerificationRequestSerializer(serializers.ModelSerializer):
    """A fingerprint that an organization must verify by phone. Members of the relying one see it in full after the call."""

    partnership = serializers.CharField(source="partnership.slug")
    owner = serializers.CharField(source="owner.slug")
    relying = serializers.CharField(source="relying.slug")
    fingerprint = serializers.SerializerMethodField()
    source = serializers.CharField(source="source_label")
    approved_by = serializers.SerializerMethodField()

    class Meta:
        model = VerificationRequest
        fields = (
            "id",
            "partnership",
            "owner",
            "relying",
            "item_kind",
            "label",
            "fingerprint",
            "source",
            "state",
            "created_at",
            "approved_at",
            "approved_by",
        )

    def get_fingerprint(self, request: VerificationRequest) -> str:
        return queries.shown_fingerprint(request, self.context["organization"])

    def get_approved_by(self, request: VerificationRequest) -> str | None:
        return request.approved_by.name if request.approved_by else None


class ApprovalSerializer(serializers.Serializer):
    """An officer's decision."""

    decision = serializers.ChoiceField(choices=["approve", "decline"])
    reason = serializers.CharField(max_length=300)
    record_sha256 = serializers.CharField(min_length=64, max_length=64)


class StartSerializer(serializers.Serializer):
    """Whom to call."""

    contact = serializers.UUIDField()


def _context(request: Any) -> dict[str, Any]:
    actor = getattr(request, "actor", None)
    return {"organization": actor.organization if actor else None}


@extend_schema(tags=["verifications"])
class VerificationRequestsView(generics.ListAPIView):
    """The fingerprints that the organization verifies, and those of its own that partners verify."""

    rights = {"GET": Right.READ}
    serializer_class = VerificationRequestSerializer
    queryset = VerificationRequest.objects.none()

    def get_queryset(self) -> Any:
        return queries.requests_of(self.request.actor.organization)

    def get_serializer_context(self) -> dict[str, Any]:
        return super().get_serializer_context() | _context(self.request)


@extend_schema(tags=["verifications"])
class VerificationRequestView(APIView):
    """One fingerprint to verify."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="verification_read", responses=VerificationRequestSerializer)
    def get(self, request: Request, request_id: str) -> Response:
        found = queries.get_request(request.actor.organization, request_id)
        return Response(VerificationRequestSerializer(found, context=_context(request)).data)


@extend_schema(tags=["verifications"])
class CallsView(APIView):
    """The calls about a fingerprint. Starting and typing are a person's act: a token is answered ``person_required``."""

    # The service asks for the right to call, of a person.
    rights = {"GET": Right.READ, "POST": Right.READ}

    @extend_schema(operation_id="verification_calls", responses=CallSerializer(many=True))
    def get(self, request: Request, request_id: str) -> Response:
        found = queries.get_request(request.actor.organization, request_id)
        calls = queries.calls_of(request.actor.organization).filter(request=found).prefetch_related("records")
        return Response(CallSerializer(calls, many=True).data)

    @extend_schema(operation_id="verification_call_start", request=StartSerializer, responses={201: CallSerializer})
    def post(self, request: Request, request_id: str) -> Response:
        found = queries.get_request(request.actor.organization, request_id)
        request.actor.require_person(Right.CALL, step_up=False)
        body = StartSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        contact = contact_queries.get(request.actor.organization, body.validated_data["contact"])
        call = services.start_call(request=found, contact=contact, actor=request.actor, now=request._request.now)
        return Response(CallSerializer(call).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["verifications"])
class ApprovalView(APIView):
    """The officer's decision. A person's act with a fresh second factor: a token is answered ``person_required``."""

    rights = {"POST": Right.READ}

    @extend_schema(
        operation_id="verification_decide", request=ApprovalSerializer, responses=VerificationRequestSerializer
    )
    def post(self, request: Request, request_id: str) -> Response:
        found = queries.get_request(request.actor.organization, request_id)
        request.actor.require_person(Right.APPROVE)
        body = ApprovalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        act = services.approve if body.validated_data.pop("decision") == "approve" else services.decline
        act(request=found, actor=request.actor, now=request._request.now, **body.validated_data)
        found.refresh_from_db()
        return Response(VerificationRequestSerializer(found, context=_context(request)).data)
