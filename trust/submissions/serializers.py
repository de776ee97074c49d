"""What the API says of submissions and dry runs, and what it is told."""

import dataclasses
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal import words
from portal.organizations.models import Organization
from trust.certificates.rules import finding_to_json
from trust.submissions import queries, report, rules, standing, uptake
from trust.submissions.checking import Checked, problems
from trust.submissions.models import Submission, SubmissionCertificate, SubmissionFinding
from trust.submissions.renewals import Renewal


class FindingSerializer(serializers.ModelSerializer):
    """One thing that a check has to say."""

    certificate_sha256 = serializers.CharField(
        allow_null=True, help_text="The certificate that it is about; empty or null when that is the whole file."
    )
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


class UptakeOfSubmissionSerializer(serializers.Serializer):
    """How far the relying side's services are with an accepted submission: from when its CAs can be used."""

    store = serializers.CharField()
    version = serializers.IntegerField(
        help_text="The version that brought it; a later one when something of it was gone in between."
    )
    services = serializers.IntegerField(
        source="total",
        allow_null=True,
        help_text="Registered for the store; null where numbers are not shared (clause 1.2).",
    )
    taken = serializers.IntegerField(allow_null=True, help_text="How many of them took this version or a later one.")
    held = serializers.BooleanField(
        allow_null=True, help_text="Whether the store's current version still holds all that was sent."
    )
    complete = serializers.BooleanField(help_text="Every service took it, there is one, and all of it is still there.")
    safe_to_use_from = serializers.DateTimeField(
        source="safe_from",
        allow_null=True,
        help_text="From when no service refuses what is issued below these CAs: now when complete, or when the last service "
        "promised to pull; null when no moment can be said: then ask the relying side.",
    )


class SubmissionDetailSerializer(SubmissionSerializer):
    """A submission with all that the checks said."""

    findings = serializers.SerializerMethodField()
    certificates = serializers.SerializerMethodField()
    signed_at = serializers.DateTimeField(allow_null=True)
    uptake = serializers.SerializerMethodField()

    class Meta(SubmissionSerializer.Meta):
        # More than those of the base, which the stubs do not allow.
        fields = (  # type: ignore[assignment]
            *SubmissionSerializer.Meta.fields, "content_sha256", "signed_at", "sequence", "was_encrypted",
            "members", "certificates", "findings",
            "forecast", "uptake",
        )  # fmt: skip

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, submission: Submission) -> list[dict[str, Any]]:
        shown = FindingSerializer(submission.findings.all(), many=True, context=self.context).data
        return [_concealed(dict(each), self.context["in_full"]) for each in shown]

    @extend_schema_field(PlaceSerializer(many=True))
    def get_certificates(self, submission: Submission) -> list[dict[str, Any]]:
        places = submission.places.select_related("certificate")
        return list(PlaceSerializer(places, many=True, context=self.context).data)

    @extend_schema_field(UptakeOfSubmissionSerializer(allow_null=True))
    def get_uptake(self, submission: Submission) -> dict[str, Any] | None:
        found = self.context["uptake"]
        return dict(UptakeOfSubmissionSerializer(found).data) if found else None

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
        "uptake": uptake.of(submission, organization, now),
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


class SarifSerializer(serializers.Serializer):
    """A dry run as SARIF 2.1.0."""

    version = serializers.CharField()
    runs = serializers.ListField(child=serializers.DictField())


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
