"""The API about submissions. Accepting one is a human act and not offered here."""

import base64
import binascii
import dataclasses
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors, words
from portal.organizations.idempotency import idempotent
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.pagination import SteadyCursorPagination
from portal.partnerships import queries as partnerships
from trust.certificates.rules import finding_to_json
from trust.submissions import queries, report, rules, sarif, services, standing
from trust.submissions.checking import Checked, problems
from trust.submissions.models import Submission, SubmissionCertificate, SubmissionFinding
from trust.submissions.renewals import Renewal


class FindingSerializer(serializers.ModelSerializer):
    """One thing that a check has to say."""

    detail = serializers.SerializerMethodField(
        help_text="What was seen or agreed: the clause, until when both sides waived it, or the fingerprints of twins."
    )

    class Meta:
        model = SubmissionFinding
        fields = ("code", "severity", "sentence", "fix", "source", "certificate_sha256", "detail")

    def get_detail(self, finding: SubmissionFinding) -> str:
        return report.detail_of(finding, in_full=self.context["in_full"])


class RenewalSerializer(serializers.Serializer):
    """Why an anchor that was renewed with its name and key needs no call, or needs one all the same."""

    needs_call = serializers.BooleanField()
    sentence = serializers.CharField()
    same_key_as = serializers.CharField(help_text="SHA-256 of the certificate whose fingerprint was verified by phone.")
    verification = serializers.IntegerField(help_text="Number of the verification, the record of that call.")


def renewal_to_json(renewal: Renewal) -> dict[str, Any]:
    """Return a renewal as plain JSON."""
    return {
        "needs_call": bool(renewal.because),
        "sentence": renewal.sentence,
        "same_key_as": renewal.call.request.fingerprint,
        "verification": renewal.call.number,
    }


class PlaceSerializer(serializers.ModelSerializer):
    """A certificate of a submission. The fingerprint is cut to its ends for whoever still has to hear it by phone."""

    sha256 = serializers.SerializerMethodField()
    sha256_hidden = serializers.SerializerMethodField()
    subject = serializers.CharField(source="certificate.subject")
    issuer = serializers.CharField(source="certificate.issuer")
    serial = serializers.CharField(source="certificate.serial")
    not_before = serializers.DateTimeField(source="certificate.not_before")
    not_after = serializers.DateTimeField(source="certificate.not_after")
    key = serializers.CharField(source="certificate.key_algorithm")
    renewal = serializers.SerializerMethodField()

    class Meta:
        model = SubmissionCertificate
        fields = (
            "position", "role", "sha256", "sha256_hidden", "subject", "issuer", "serial", "not_before", "not_after", "key",
            "renewal",
        )  # fmt: skip

    def get_sha256(self, place: SubmissionCertificate) -> str:
        return place.certificate_id if self.context["in_full"] else words.concealed(place.certificate_id)

    @extend_schema_field(RenewalSerializer(allow_null=True))
    def get_renewal(self, place: SubmissionCertificate) -> dict[str, Any] | None:
        found = self.context["renewed"].get(place.certificate_id)
        return renewal_to_json(found) if found else None

    def get_sha256_hidden(self, place: SubmissionCertificate) -> bool:
        return not self.context["in_full"]


class SubmissionSerializer(serializers.ModelSerializer):
    """A submission in a list."""

    partnership = serializers.CharField(source="partnership.slug")
    owner = serializers.CharField(source="owner.slug")
    relying = serializers.CharField(source="relying.slug")
    uploaded_by = serializers.CharField(source="uploaded_by_label")

    class Meta:
        model = Submission
        fields = (
            "id", "number", "partnership", "owner", "relying", "state", "file_name", "container", "received_at",
            "uploaded_by", "environment", "purpose", "verdict", "refusal_code", "decided_at", "decision_reason",
        )  # fmt: skip


class SubmissionDetailSerializer(SubmissionSerializer):
    """A submission with all that the checks said."""

    findings = serializers.SerializerMethodField()
    certificates = serializers.SerializerMethodField()
    signed_at = serializers.DateTimeField(allow_null=True)

    class Meta(SubmissionSerializer.Meta):
        fields = (
            *SubmissionSerializer.Meta.fields, "content_sha256", "signed_at", "sequence", "was_encrypted",
            "members", "certificates", "findings",
            "forecast",
        )  # fmt: skip

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, submission: Submission) -> list[dict[str, Any]]:
        shown = FindingSerializer(submission.findings.all(), many=True, context=self.context).data
        return [_concealed(dict(each), self.context["in_full"]) for each in shown]

    @extend_schema_field(PlaceSerializer(many=True))
    def get_certificates(self, submission: Submission) -> list[dict[str, Any]]:
        places = submission.places.select_related("certificate")
        return list(PlaceSerializer(places, many=True, context=self.context).data)

    def to_representation(self, instance: Submission) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not self.context["in_full"]:
            # From the digest of a bundle that holds one certificate its fingerprint follows.
            shown["content_sha256"] = ""
        return shown


def _concealed(finding: dict[str, Any], in_full: bool) -> dict[str, Any]:
    if not in_full and finding["certificate_sha256"]:
        finding["certificate_sha256"] = words.concealed(finding["certificate_sha256"])
    return finding


def shown_to(organization: Organization, submission: Submission, now: datetime) -> dict[str, Any]:
    """Return a submission as ``organization`` may see it."""
    context = {
        "in_full": queries.shows_fingerprints_to(submission, organization),
        "renewed": standing.renewed(submission, now),
    }
    return SubmissionDetailSerializer(submission, context=context).data


class ScopeSerializer(serializers.Serializer):
    """Which of the partner's stores a bundle is for."""

    environment = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=20,
        help_text="Production (prod) when neither this nor a manifest says it.",
    )
    purpose = serializers.ChoiceField(
        required=False,
        allow_blank=True,
        choices=[each.value for each in rules.Purpose],
        help_text="Whose service certificates hang below the CAs; both when neither this nor a manifest says it.",
    )


class SubmitSerializer(ScopeSerializer):
    """A bundle to submit, as JSON."""

    partnership = serializers.SlugField(max_length=90)
    file_name = serializers.CharField(max_length=200, default="upload", allow_blank=True)
    content = serializers.CharField(help_text="The file in base64.", trim_whitespace=True)
    signature = serializers.CharField(help_text="The detached signature in base64.", required=False, allow_null=True)


class SubmitFilesSerializer(ScopeSerializer):
    """A bundle to submit, as files."""

    partnership = serializers.SlugField(max_length=90)
    file = serializers.FileField(allow_empty_file=True)
    signature = serializers.FileField(required=False, allow_null=True, allow_empty_file=True)


class CheckSerializer(serializers.Serializer):
    """What a dry run found."""

    outcome = serializers.ChoiceField(choices=["refused", "problems", "passed"])
    signature = serializers.CharField(help_text="The verdict, or `unsigned`.")
    certificates = serializers.ListField(child=serializers.CharField(), help_text="SHA-256 of each, in order.")
    findings = FindingSerializer(many=True)
    forecast = serializers.JSONField()
    against = serializers.JSONField()


class ReasonSerializer(serializers.Serializer):
    """Why."""

    reason = serializers.CharField(max_length=2000)


class _NewestFirst(SteadyCursorPagination):
    ordering = ("-received_at", "-number")


@extend_schema(tags=["submissions"])
class SubmissionsView(generics.ListAPIView):
    """The submissions that the organization sent and received."""

    rights = {"GET": Right.READ, "POST": Right.UPLOAD}
    parser_classes = (MultiPartParser, JSONParser)
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
    parser_classes = (MultiPartParser, JSONParser)
    throttle_scope = "checks"

    @extend_schema(
        operation_id="submission_check",
        request={"multipart/form-data": SubmitFilesSerializer, "application/json": SubmitSerializer},
        parameters=[OpenApiParameter("report", str, enum=["json", "sarif"], description="SARIF 2.1.0 for CI systems.")],
        responses={200: CheckSerializer},
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


def checked_to_json(checked: Checked) -> dict[str, Any]:
    """Return what a dry run found as plain JSON."""
    reading = checked.examination.reading if checked.examination else None
    return {
        "outcome": outcome(checked),
        "signature": checked.signature.verdict.value if checked.signature else "unsigned",
        "certificates": [one.sha256 for one in reading.certificates] if reading else [],
        "findings": [finding_to_json(each) for each in checked.findings],
        "forecast": [dataclasses.asdict(each) for each in checked.forecasts],
        "against": checked.against,
    }


def outcome(checked: Checked) -> str:
    """Return how a submission of this bundle would go: refused, problems that a person must decide, or passed."""
    if checked.refused:
        return "refused"
    return "problems" if problems(checked.findings) else "passed"


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
    signature = _decoded("signature", encoded) if encoded is not None else None
    content = _decoded("content", given["content"])
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


def _decoded(field: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        sentence = "This is not base64."
        raise errors.Invalid(f"{field}: {sentence}", code="not_base64", fields={field: [sentence]}) from error


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
