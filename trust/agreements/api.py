"""The API about agreements and waivers. Drafting and signing are a member's: no token's scope includes them."""

import base64
import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.idempotency import idempotent
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from portal.words import concealed
from trust.agreements import queries, services, trying, waivers
from trust.agreements.clauses import CLAUSES
from trust.agreements.models import Agreement, AgreementSignature, Waiver


class AgreementSignatureSerializer(serializers.ModelSerializer):
    """One side's signature."""

    organization: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    person = serializers.CharField(source="person_label", read_only=True)
    signer_fingerprint = serializers.SerializerMethodField(help_text="In full once its call was made.")

    def get_signer_fingerprint(self, signature: AgreementSignature) -> str:
        request = self.context.get("request")
        if request and queries.shows_key(signature, request.actor.organization, request._request.now):
            return signature.signer_fingerprint
        return concealed(signature.signer_fingerprint)

    class Meta:
        model = AgreementSignature
        fields = ("organization", "person", "form", "signer_fingerprint", "signed_at", "received_at")


class AgreementSerializer(serializers.ModelSerializer):
    """A version of an agreement."""

    partnership: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    proposed_by: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    signatures = AgreementSignatureSerializer(many=True, read_only=True)

    class Meta:
        model = Agreement
        fields: Any = (
            "id",
            "partnership",
            "version",
            "state",
            "sha256",
            "proposed_by",
            "message",
            "created_at",
            "sent_at",
            "in_force_at",
            "ended_at",
            "ended_reason",
            "signatures",
        )


class ClauseSerializer(serializers.Serializer):
    """A clause as people read it."""

    number = serializers.CharField()
    title = serializers.CharField()
    path = serializers.CharField()
    sentences = serializers.ListField(child=serializers.CharField())


class AgreementDetailSerializer(AgreementSerializer):
    """A version with its terms and their sentences."""

    terms = serializers.SerializerMethodField()
    clauses = serializers.SerializerMethodField()

    class Meta(AgreementSerializer.Meta):
        fields: Any = (*AgreementSerializer.Meta.fields, "terms", "clauses")

    def get_terms(self, agreement: Agreement) -> dict[str, Any]:
        return dict(queries.read(agreement)["terms"])

    @extend_schema(responses=ClauseSerializer(many=True))
    def get_clauses(self, agreement: Agreement) -> list[dict[str, Any]]:
        terms = queries.read(agreement)["terms"]
        return [
            {
                "number": each.number,
                "title": each.title,
                "path": f"terms.{each.path}",
                "sentences": each.sentences(terms),
            }
            for each in CLAUSES
        ]


class DraftSerializer(serializers.Serializer):
    """New terms."""

    partnership = serializers.SlugField()
    terms = serializers.DictField(help_text="The terms member of /docs/schemas/agreement.json.")
    message = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class SignSerializer(serializers.Serializer):
    """A signature over the document's bytes."""

    signature = serializers.CharField(
        max_length=200_000, help_text="Armored detached signature, or the document clearsigned."
    )


class EndSerializer(serializers.Serializer):
    """Why a waiting version ends."""

    reason = serializers.CharField(max_length=1000)


class WaiverSerializer(serializers.ModelSerializer):
    """A waiver."""

    partnership: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    concerns: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    proposed_by: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Waiver
        fields = (
            "id",
            "partnership",
            "clause",
            "concerns",
            "certificate_sha256",
            "reason",
            "owner",
            "expires_at",
            "state",
            "proposed_by",
            "created_at",
            "decided_at",
            "ended_at",
        )


class ProposeWaiverSerializer(serializers.Serializer):
    """A waiver to ask for."""

    partnership = serializers.SlugField()
    clause = serializers.CharField(max_length=10)
    concerns = serializers.SlugField()
    certificate_sha256 = serializers.CharField(required=False, allow_blank=True, max_length=64, default="")
    reason = serializers.CharField(max_length=1000)
    owner = serializers.CharField(max_length=120)
    expires_at = serializers.DateTimeField()


class DecideWaiverSerializer(serializers.Serializer):
    """An answer to a waiver."""

    answer = serializers.ChoiceField(choices=["agree", "decline", "end"])


class TrySerializer(serializers.Serializer):
    """A certificate to hold against the terms."""

    partnership = serializers.SlugField()
    owner = serializers.SlugField(help_text="Whose certificate it is: the slug of one of the two organizations.")
    certificate = serializers.CharField(max_length=100_000, help_text="PEM, or base64 of the DER.")


class FindingSerializer(serializers.Serializer):
    """One thing that a check has to say."""

    code = serializers.CharField()
    severity = serializers.CharField(source="severity.value")
    sentence = serializers.CharField()
    fix = serializers.CharField()
    source: Any = serializers.CharField()
    detail = serializers.CharField()


class TriedSerializer(serializers.Serializer):
    """What the terms make of a certificate."""

    terms = serializers.CharField()
    tier = serializers.CharField()
    sha256 = serializers.CharField()
    accepted = serializers.BooleanField()
    permissions = serializers.ListField(child=serializers.CharField())
    findings = FindingSerializer(many=True)


def _answer(agreement: Agreement, request: Request) -> dict[str, Any]:
    found = queries.by_id(request.actor.organization, agreement.pk)
    return dict(AgreementDetailSerializer(found, context={"request": request}).data)


@extend_schema(tags=["agreements"])
class AgreementsView(generics.ListAPIView):
    """Versions of the agreements of the organization's partnerships, and drafting a new one."""

    rights = {"GET": Right.READ, "POST": Right.SIGN_AGREEMENT}
    serializer_class = AgreementSerializer
    queryset = Agreement.objects.none()

    def get_queryset(self) -> Any:
        found = queries.visible_to(self.request.actor.organization)
        slug = self.request.query_params.get("partnership")
        if slug:
            found = found.filter(partnership=partnerships.get(self.request.actor.organization, slug))
        return found

    @extend_schema(operation_id="agreements_list", parameters=[OpenApiParameter("partnership", str)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(operation_id="agreement_draft", request=DraftSerializer, responses={201: AgreementDetailSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        asked = DraftSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        organization = request.actor.organization
        made = services.draft(
            actor=request.actor,
            partnership=partnerships.get(organization, data["partnership"]),
            terms=data["terms"],
            message=data["message"],
            now=request._request.now,
        )
        return Response(_answer(made, request), status=201)


@extend_schema(tags=["agreements"])
class AgreementView(APIView):
    """One version, with its terms and sentences."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="agreement_read", responses=AgreementDetailSerializer)
    def get(self, request: Request, agreement_id: uuid.UUID) -> Response:
        found = queries.by_id(request.actor.organization, agreement_id)
        return Response(AgreementDetailSerializer(found, context={"request": request}).data)


@extend_schema(tags=["agreements"])
class AgreementDocumentView(APIView):
    """The exact bytes that both sides sign."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="agreement_document", responses={(200, "application/json"): dict})
    def get(self, request: Request, agreement_id: uuid.UUID) -> HttpResponse:
        found = queries.by_id(request.actor.organization, agreement_id)
        queries.read(found)
        response = HttpResponse(bytes(found.document), content_type="application/json")
        response["ETag"] = f'"{found.sha256}"'
        response["Cache-Control"] = "private, no-cache"
        return response


@extend_schema(tags=["agreements"])
class AgreementSignaturesView(APIView):
    """Signing a version: a draft is sent to the partner, a waiting one comes into force. A member's act."""

    rights = {"POST": Right.SIGN_AGREEMENT}

    @extend_schema(operation_id="agreement_sign", request=SignSerializer, responses={201: AgreementDetailSerializer})
    @idempotent
    def post(self, request: Request, agreement_id: uuid.UUID) -> Response:
        asked = SignSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        organization = request.actor.organization
        found = queries.by_id(organization, agreement_id)
        signed = services.sign(
            actor=request.actor,
            agreement=found,
            upload=asked.validated_data["signature"].encode(),
            now=request._request.now,
        )
        return Response(_answer(signed, request), status=201)


@extend_schema(tags=["agreements"])
class AgreementEndView(APIView):
    """Withdrawing the own waiting version, or declining the partner's."""

    rights = {"POST": Right.SIGN_AGREEMENT}

    @extend_schema(operation_id="agreement_end", request=EndSerializer, responses=AgreementDetailSerializer)
    def post(self, request: Request, agreement_id: uuid.UUID) -> Response:
        asked = EndSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        organization = request.actor.organization
        found = queries.by_id(organization, agreement_id)
        ended = services.end_proposal(
            actor=request.actor, agreement=found, reason=asked.validated_data["reason"], now=request._request.now
        )
        return Response(_answer(ended, request))


@extend_schema(tags=["agreements"])
class TryView(APIView):
    """Holds a certificate against the terms that count now. Keeps nothing."""

    rights = {"POST": Right.READ}
    throttle_scope = "checks"

    @extend_schema(operation_id="agreement_try", request=TrySerializer, responses=TriedSerializer)
    def post(self, request: Request) -> Response:
        asked = TrySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        partnership = partnerships.get(request.actor.organization, data["partnership"])
        terms = queries.terms(partnership)
        tried = trying.attempt(
            partnership=partnership,
            owner=data["owner"],
            upload=_bytes(data["certificate"]),
            terms=terms,
            now=request._request.now,
        )
        answer = {
            "terms": terms.source,
            "tier": tried.tier,
            "sha256": tried.certificate.sha256,
            "accepted": tried.accepted,
            "permissions": tried.decision.permissions if tried.decision else (),
            "findings": tried.findings,
        }
        return Response(TriedSerializer(answer).data)


def _bytes(text: str) -> bytes:
    if "-----BEGIN" in text:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:  # also for what is no ASCII
        raise errors.Invalid(
            "The certificate is neither PEM nor base64.", fields={"certificate": ["Send PEM, or base64 of the DER."]}
        ) from None


@extend_schema(tags=["agreements"])
class WaiversView(generics.ListAPIView):
    """The waivers of the organization's partnerships, and asking for one."""

    rights = {"GET": Right.READ, "POST": Right.SIGN_AGREEMENT}
    serializer_class = WaiverSerializer
    queryset = Waiver.objects.none()

    def get_queryset(self) -> Any:
        organization = self.request.actor.organization
        found = Waiver.objects.filter(partnership_id__in=partnerships.ids_of(organization))
        return found.select_related("partnership", "concerns", "proposed_by")

    @extend_schema(operation_id="waivers_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(operation_id="waiver_propose", request=ProposeWaiverSerializer, responses={201: WaiverSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        asked = ProposeWaiverSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = dict(asked.validated_data)
        partnership = partnerships.get(request.actor.organization, data.pop("partnership"))
        sides = {each.slug: each for each in (partnership.first_organization, partnership.second_organization)}
        concerns = sides.get(data.pop("concerns"))
        if concerns is None:
            raise errors.Invalid("Say whose certificates.", fields={"concerns": ["Name one of the two sides."]})
        made = waivers.propose(
            actor=request.actor, partnership=partnership, concerns=concerns, now=request._request.now, **data
        )
        return Response(WaiverSerializer(made).data, status=201)


@extend_schema(tags=["agreements"])
class WaiverAnswerView(APIView):
    """Agreeing to the partner's waiver, declining it, or ending one."""

    rights = {"POST": Right.SIGN_AGREEMENT}

    @extend_schema(operation_id="waiver_answer", request=DecideWaiverSerializer, responses=WaiverSerializer)
    def post(self, request: Request, waiver_id: uuid.UUID) -> Response:
        asked = DecideWaiverSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        answer, now = asked.validated_data["answer"], request._request.now
        found = queries.waiver(request.actor.organization, waiver_id)
        if answer == "end":
            done = waivers.end(actor=request.actor, waiver=found, now=now)
        else:
            done = waivers.decide(actor=request.actor, waiver=found, agree=answer == "agree", now=now)
        return Response(WaiverSerializer(done).data)
