"""The API about the joint negative tests and the test kit, so that a pipeline runs both whenever a store changed."""

import json
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.idempotency import idempotent
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.onboarding import kit, kit_rules, negative, queries, reading
from trust.onboarding.models import KitResult, NegativeRun, NegativeSample
from trust.onboarding.negative_rules import EXPECTATIONS


class SampleSerializer(serializers.ModelSerializer):
    """A test certificate that one side supplied, and what must become of it."""

    side = serializers.CharField(source="owner.slug")
    sha256 = serializers.CharField(source="certificate_sha256")

    class Meta:
        model = NegativeSample
        fields = ("id", "side", "expectation", "subject", "sha256", "dns_name", "added_at")


class NewSampleSerializer(serializers.Serializer):
    """A test certificate of the own side: PEM, the service certificate first, then its CAs. Never a private key."""

    expectation = serializers.ChoiceField(choices=list(EXPECTATIONS))
    content = serializers.CharField(max_length=200_000, trim_whitespace=False)
    dns_name = serializers.CharField(required=False, allow_blank=True, max_length=255, default="")
    crl = serializers.CharField(
        required=False, allow_blank=True, max_length=200_000, default="", help_text="PEM, for a revoked one."
    )


class ResultSerializer(serializers.Serializer):
    """What came of one sample: what must happen, what openssl and cryptography did, and whether they agree."""

    expectation = serializers.CharField()
    subject = serializers.CharField()
    sha256 = serializers.CharField()
    expected = serializers.CharField()
    found = serializers.CharField()
    as_expected = serializers.BooleanField()


class RunSerializer(serializers.ModelSerializer):
    """One run of the partner's samples against the store that a side serves."""

    side = serializers.CharField(source="relying.slug")
    store = serializers.CharField(source="version.store.name")
    version = serializers.IntegerField(source="version.number")
    results = ResultSerializer(many=True)

    class Meta:
        model = NegativeRun
        fields = ("id", "side", "store", "version", "passed", "count", "complete", "at", "results")


class KitOutcomeSerializer(serializers.Serializer):
    """What came of one test of the kit, as the script wrote it."""

    test = serializers.ChoiceField(choices=list(kit_rules.TESTS))
    outcome = serializers.ChoiceField(choices=sorted(kit_rules.OUTCOMES))
    says = serializers.CharField(allow_blank=True)


class KitResultSerializer(serializers.ModelSerializer):
    """A result of the test kit that a side handed in."""

    side = serializers.CharField(source="organization.slug")
    results = KitOutcomeSerializer(many=True)

    class Meta:
        model = KitResult
        fields = ("id", "side", "store_version", "passed", "count", "at", "results")


class TestsSerializer(serializers.Serializer):
    """The test certificates of both sides, and each side's last run and last result of the kit."""

    samples = SampleSerializer(many=True)
    runs = RunSerializer(many=True)
    kit_results = KitResultSerializer(many=True)


class KitUploadSerializer(serializers.Serializer):
    """results.json, as the script wrote it."""

    format = serializers.ChoiceField(choices=[kit.FORMAT])
    format_version = serializers.IntegerField(min_value=1, max_value=1)
    kit = serializers.CharField()
    endpoint = serializers.CharField(required=False)
    at = serializers.CharField(required=False)
    openssl = serializers.CharField(required=False)
    results = serializers.ListField(child=KitOutcomeSerializer(), max_length=len(kit_rules.TESTS))


def _shown(partnership: Partnership) -> dict[str, Any]:
    both: tuple[Organization, ...] = reading.sides(partnership)
    runs = [queries.last_run(partnership, side) for side in both]
    results = [KitResult.objects.filter(partnership=partnership, organization=side).first() for side in both]
    return {
        "samples": queries.samples(partnership),
        "runs": [each for each in runs if each],
        "kit_results": [each for each in results if each],
    }


@extend_schema(tags=["onboarding"])
class JointTestsView(APIView):
    """The joint tests of a partnership: what each side supplied and what came of it."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="joint_tests_read", responses=TestsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        return Response(TestsSerializer(_shown(partnership)).data)


@extend_schema(tags=["onboarding"])
class SamplesView(APIView):
    """Supplying a test certificate of the own side. A member's act."""

    rights = {"POST": Right.UPLOAD}

    @extend_schema(operation_id="joint_tests_supply", request=NewSampleSerializer, responses={201: SampleSerializer})
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        asked = NewSampleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        made = negative.add_sample(
            actor=request.actor,
            partnership=partnership,
            expectation=data["expectation"],
            content=data["content"].encode(),
            crl=data["crl"].encode(),
            dns_name=data["dns_name"],
            now=request._request.now,
        )
        return Response(SampleSerializer(made).data, status=201)


@extend_schema(tags=["onboarding"])
class RunsView(APIView):
    """Running the partner's test certificates against the store that the own side serves."""

    rights = {"POST": Right.UPLOAD}

    @extend_schema(operation_id="joint_tests_run", request=None, responses={201: RunSerializer})
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        made = negative.run(actor=request.actor, partnership=partnership, now=request._request.now)
        return Response(RunSerializer(made).data, status=201)


@extend_schema(tags=["onboarding"])
class KitView(APIView):
    """The test kit of the own side, as a zip."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="test_kit", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str) -> HttpResponse:
        partnership = partnerships.get(request.actor.organization, slug)
        answer = HttpResponse(kit.build(partnership, request.actor.organization), content_type="application/zip")
        name = kit.folder_name(partnership, request.actor.organization)
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
        return answer


@extend_schema(tags=["onboarding"])
class KitResultsView(APIView):
    """Handing in a result of the test kit as evidence: ``curl --json @results.json``."""

    rights = {"POST": Right.UPLOAD}

    @extend_schema(operation_id="test_kit_hand_in", request=KitUploadSerializer, responses={201: KitResultSerializer})
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        KitUploadSerializer(data=request.data).is_valid(raise_exception=True)
        content = json.dumps(request.data).encode()
        made = kit.hand_in(actor=request.actor, partnership=partnership, content=content, now=request._request.now)
        return Response(KitResultSerializer(made).data, status=201)
