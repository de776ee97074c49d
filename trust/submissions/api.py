"""The API about submissions. Accepting one is a human act and not offered here."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import generics
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.idempotency import idempotent
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.pagination import SteadyCursorPagination
from portal.parsing import JsonParser
from portal.partnerships import queries as partnerships
from portal.uploads import decoded
from trust.submissions import queries, rules, sarif, services
from trust.submissions.models import Submission
from trust.submissions.serializers import (
    CheckSerializer,
    ReasonSerializer,
    SarifSerializer,
    SubmissionDetailSerializer,
    SubmissionSerializer,
    SubmitFilesSerializer,
    SubmitSerializer,
    checked_to_json,
    shown_to,
)


class _NewestFirst(SteadyCursorPagination):
    ordering = ("-received_at", "-number")


@extend_schema(tags=["submissions"])
class SubmissionsView(generics.ListAPIView):
    """The submissions that the organization sent and received."""

    rights = {"GET": Right.READ, "POST": Right.UPLOAD}
    parser_classes = (MultiPartParser, JsonParser)
    serializer_class = SubmissionSerializer
    pagination_class = _NewestFirst
    queryset = Submission.objects.none()
    throttle_scope = "uploads"

    def get_throttles(self) -> list[Any]:
        return super().get_throttles() if self.request.method == "POST" else []

    def get_queryset(self) -> Any:
        found = queries.visible_to(self.request.actor.organization)
        slug = self.request.query_params.get("partnership")
        state = self.request.query_params.get("state")
        if slug:
            found = found.filter(partnership__slug=slug)
        return found.filter(state=state) if state else found

    @extend_schema(
        parameters=[
            OpenApiParameter("partnership", str, description="Slug of a partnership."),
            OpenApiParameter("state", str, description="Only those in this state."),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        request={"multipart/form-data": SubmitFilesSerializer, "application/json": SubmitSerializer},
        responses={201: SubmissionDetailSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Submit a signed bundle. What the checks refuse answers 400, with the findings and the submission's number."""
        slug, file, scope = _uploaded(request)
        organization = request.actor.organization
        submission = services.submit(
            partnership=partnerships.get(organization, slug),
            **file,
            environment=scope["environment"],
            purpose=scope["purpose"],
            actor=request.actor,
            now=request._request.now,
        )
        shown = shown_to(organization, submission, request._request.now)
        if submission.state == Submission.State.REFUSED:
            raise refusal(shown)
        return Response(shown, status=201)


@extend_schema(tags=["submissions"])
class CheckView(APIView):
    """Trying out a bundle, signed or not, without submitting it. Nothing of it is kept."""

    rights = {"POST": Right.UPLOAD}
    parser_classes = (MultiPartParser, JsonParser)
    throttle_scope = "checks"

    @extend_schema(
        operation_id="submission_check",
        request={"multipart/form-data": SubmitFilesSerializer, "application/json": SubmitSerializer},
        parameters=[OpenApiParameter("report", str, enum=["json", "sarif"], description="SARIF 2.1.0 for CI systems.")],
        responses=PolymorphicProxySerializer(
            component_name="CheckOrSarif", serializers=[CheckSerializer, SarifSerializer], resource_type_field_name=None
        ),
    )
    def post(self, request: Request) -> Response:
        """Answer 200 whatever was found: `outcome` says how it would go."""
        slug, file, _ = _uploaded(request)
        organization = request.actor.organization
        checked = services.check_bundle(
            partnership=partnerships.get(organization, slug),
            **file,
            actor=request.actor,
            now=request._request.now,
        )
        if request.query_params.get("report") == "sarif":
            return Response(
                sarif.report(checked.findings, file_name=rules.file_name(file["file_name"]), portal=settings.BASE_URL)
            )
        return Response(checked_to_json(checked))


def refusal(shown: dict[str, Any]) -> errors.Invalid:
    """Return what a refused submission answers: the heaviest finding as the problem, all of them beside it."""
    first = shown["findings"][0]
    return errors.Invalid(
        first["sentence"],
        code=shown["refusal_code"],
        fix=first["fix"],
        extra={"submission": shown["id"], "number": shown["number"], "findings": shown["findings"]},
    )


def _uploaded(request: Request) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return slug, file and scope of either form of request, as `submit` takes them. Raises Invalid."""
    if request.content_type.startswith("multipart/"):
        asked = SubmitFilesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        signature = _read(given["signature"]) if given.get("signature") else None
        file = {"file_name": given["file"].name or "", "content": _read(given["file"]), "signature": signature}
        return given["partnership"], file, _scope(given)
    asked_json = SubmitSerializer(data=request.data)
    asked_json.is_valid(raise_exception=True)
    given = asked_json.validated_data
    encoded = given.get("signature")
    signature = decoded("signature", encoded) if encoded is not None else None
    content = decoded("content", given["content"])
    return (
        given["partnership"],
        {"file_name": given["file_name"], "content": content, "signature": signature},
        _scope(given),
    )


def _scope(given: dict[str, Any]) -> dict[str, str]:
    return {name: given.get(name, "") for name in ("environment", "purpose")}


def _read(file: Any) -> bytes:
    """Read at most one byte more than is taken, so that the service can say how large it was."""
    return file.read(settings.UPLOAD_MAX_BYTES + 1)


@extend_schema(tags=["submissions"])
class SubmissionView(APIView):
    """One submission with its findings."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="submission_read", responses=SubmissionDetailSerializer)
    def get(self, request: Request, submission_id: str) -> Response:
        organization = request.actor.organization
        return Response(shown_to(organization, queries.by_id(organization, submission_id), request._request.now))


@extend_schema(tags=["submissions"])
class SubmissionFileView(APIView):
    """The bytes of a submission or of its detached signature, exactly as they came."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="submission_file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, submission_id: str, part: str) -> HttpResponse:
        organization = request.actor.organization
        return file_response(queries.by_id(organization, submission_id), part, organization)


def file_response(submission: Submission, part: str, organization: Organization) -> HttpResponse:
    """Return the file or its signature as a download. Raises NotFound when there is none or it is not to be seen yet."""
    if not queries.shows_fingerprints_to(submission, organization):
        raise errors.NotFound(
            "The file can be downloaded after the verification call.",
            code="call_first",
            fix="Make the call first: whoever types a fingerprint must not have it in a file.",
        )
    content = bytes(submission.content if part == "file" else submission.signature)
    if not content:
        raise errors.NotFound()
    answer = HttpResponse(content, content_type="application/octet-stream")
    name = submission.file_name + ("" if part == "file" else ".sig")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@extend_schema(tags=["submissions"])
class WithdrawalView(APIView):
    """Withdrawing one's own submission while it waits."""

    rights = {"POST": Right.UPLOAD}

    @extend_schema(
        operation_id="submission_withdraw", request=ReasonSerializer, responses={200: SubmissionDetailSerializer}
    )
    @idempotent
    def post(self, request: Request, submission_id: str) -> Response:
        asked = ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        organization = request.actor.organization
        submission = services.withdraw(
            submission=queries.by_id(organization, submission_id),
            reason=asked.validated_data["reason"],
            actor=request.actor,
            now=request._request.now,
        )
        return Response(shown_to(organization, submission, request._request.now))
