"""The API about trust stores: what there is, what each version holds and changed, and removing certificates.

Publishing additions, removals and reviews are human acts with a second factor; they need a member's session.
"""

import uuid
from typing import Any

from django.db.models import prefetch_related_objects
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.rules import Right
from trust.stores import checking, queries, rules, services, shown
from trust.stores.drafts import MAX_REASON
from trust.stores.models import StoreDraft, StoreEntry, StoreVersion, TrustStore


class TrustStoreSerializer(serializers.ModelSerializer):
    """A trust store."""

    owner = serializers.CharField(source="owner.slug", help_text="Whose certificates it holds.")
    partnership = serializers.CharField(source="partnership.slug")
    formats = serializers.SerializerMethodField()

    class Meta:
        model = TrustStore
        fields = (
            "name",
            "owner",
            "partnership",
            "purpose",
            "environment",
            "current_number",
            "created_at",
            "formats",
        )

    def get_formats(self, store: TrustStore) -> list[str]:
        if not hasattr(store, "currently"):
            prefetch_related_objects([store], queries.WITH_FORMATS)
        return sorted(artifact.format for version in store.currently for artifact in version.artifacts.all())


class EntrySerializer(serializers.ModelSerializer):
    """A certificate in a version, and where the right to be there comes from."""

    sha256 = serializers.CharField(source="certificate_id")
    subject = serializers.CharField(source="certificate.subject")
    not_after = serializers.DateTimeField(source="certificate.not_after")
    submission = serializers.IntegerField(source="submission.number")
    verification = serializers.UUIDField(source="verification_id", allow_null=True)

    class Meta:
        model = StoreEntry
        fields = ("sha256", "role", "subject", "not_after", "submission", "signer_fingerprint", "verification")


class VersionSerializer(serializers.ModelSerializer):
    """A numbered version."""

    published_by = serializers.CharField(source="published_by_label")
    first_person = serializers.CharField(source="first_person.name", allow_null=True, default=None)
    submission = serializers.IntegerField(source="submission.number", allow_null=True, default=None)
    notice = serializers.CharField(source="notice_label")

    class Meta:
        model = StoreVersion
        fields = (
            "number",
            "kind",
            "published_at",
            "published_by",
            "first_person",
            "reason",
            "submission",
            "notice",
            "withdrawal",
            "emergency",
            "adds",
            "removes",
            "review_due_at",
            "reviewed_at",
        )


class VersionDetailSerializer(VersionSerializer):
    """A numbered version with its certificates and the digests of its files."""

    certificates = serializers.SerializerMethodField()
    artifacts = serializers.SerializerMethodField()

    class Meta(VersionSerializer.Meta):
        fields = (*VersionSerializer.Meta.fields, "certificates", "artifacts")

    def get_certificates(self, version: StoreVersion) -> list[dict[str, Any]]:
        return [dict(each) for each in EntrySerializer(queries.entries(version), many=True).data]

    def get_artifacts(self, version: StoreVersion) -> dict[str, dict[str, Any]]:
        rows = version.artifacts.defer("content")
        return {row.format: {"sha256": row.sha256, "length": row.length, "loses": list(row.loses)} for row in rows}


class RemovalSerializer(serializers.Serializer):
    """What to remove from the current version, and why."""

    certificates = serializers.ListField(
        child=serializers.RegexField(r"^[0-9a-fA-F]{64}\Z", max_length=64),
        min_length=1,
        max_length=rules.MAX_CERTIFICATES,
        help_text="SHA-256 of each; what hangs below them goes too.",
    )
    reason = serializers.CharField(max_length=MAX_REASON)
    empty_store = serializers.BooleanField(default=False, help_text="Say that nothing may be left.")
    emergency = serializers.BooleanField(
        default=False, help_text="Do not wait for services, whatever the agreement says of planned removals."
    )


class DifferenceSerializer(serializers.Serializer):
    """What going from one version to another adds and removes; digests of certificates."""

    first = serializers.IntegerField()
    second = serializers.IntegerField()
    sentence = serializers.CharField()
    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())
    unchanged = serializers.ListField(child=serializers.CharField())


class ChainSerializer(serializers.Serializer):
    """A chain to check: PEM, the service's own certificate first, and no private key."""

    chain = serializers.CharField(max_length=100_000, trim_whitespace=False)
    version = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=999_999_999,
        help_text="A version other than the current; here or in the address.",
    )
    draft = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=36,
        help_text="The ID of a proposal of the store, instead of a version; here or in the address.",
    )


class ReadingSerializer(serializers.Serializer):
    """What one verifier says about the chain for one use."""

    verifier = serializers.CharField()
    use = serializers.CharField()
    accepted = serializers.BooleanField()
    reason = serializers.CharField()
    decided_by = serializers.CharField(
        help_text="SHA-256 of the certificate that decides for this verifier; empty where it does not say which it was."
    )


class CheckedSerializer(serializers.Serializer):
    """Whether a chain verifies under one version, and which certificate decides."""

    version = serializers.IntegerField()
    under = serializers.CharField(help_text="What it was tried under, in words.")
    accepted = serializers.BooleanField()
    decided_by = serializers.CharField(
        help_text="SHA-256 of the certificate that decides: the anchor that was reached, or the one at which OpenSSL stopped."
        " Empty when none does alone, or when the verifiers reach different anchors; then each reading says which."
    )
    sentence = serializers.CharField()
    readings = ReadingSerializer(many=True)


@extend_schema(tags=["trust-stores"])
class StoresView(generics.ListAPIView):
    """The trust stores of the organization."""

    rights = {"GET": Right.READ}
    serializer_class = TrustStoreSerializer
    queryset = TrustStore.objects.none()

    def get_queryset(self) -> Any:
        return queries.of(self.request.actor.organization).prefetch_related(queries.WITH_FORMATS)


@extend_schema(tags=["trust-stores"])
class StoreView(APIView):
    """One trust store."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="trust_store_read", responses=TrustStoreSerializer)
    def get(self, request: Request, name: str) -> Response:
        return Response(TrustStoreSerializer(queries.get(request.actor.organization, name)).data)


@extend_schema(tags=["trust-stores"])
class VersionsView(APIView):
    """The versions of a store, newest first."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="trust_store_versions", responses=VersionSerializer(many=True))
    def get(self, request: Request, name: str) -> Response:
        store = queries.get(request.actor.organization, name)
        return Response(VersionSerializer(queries.versions(store)[:500], many=True).data)


@extend_schema(tags=["trust-stores"])
class RemovalsView(APIView):
    """Removing certificates from a store. An officer's act, in a session with a fresh second factor; another one reviews it."""

    rights = {"POST": Right.PUBLISH_REMOVAL}

    @extend_schema(
        operation_id="trust_store_remove", request=RemovalSerializer, responses={201: VersionDetailSerializer}
    )
    def post(self, request: Request, name: str) -> Response:
        """Publish the next version without these certificates.

        409 `services_not_ready` when the agreement has planned removals wait: it names the services that are missing and until
        when it waits.
        """
        asked = RemovalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = services.withdraw_certificates(
            store=queries.get(request.actor.organization, name),
            **asked.validated_data,
            actor=request.actor,
            now=request._request.now,
        )
        return Response(VersionDetailSerializer(version).data, status=201)


@extend_schema(tags=["trust-stores"])
class VersionView(APIView):
    """One version: its certificates, their origin, and the digests of its files."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="trust_store_version_read", responses=VersionDetailSerializer)
    def get(self, request: Request, name: str, number: int) -> Response:
        store = queries.get(request.actor.organization, name)
        return Response(VersionDetailSerializer(queries.version(store, number)).data)


@extend_schema(tags=["trust-stores"])
class CompareView(APIView):
    """What going from one version to another adds and removes."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="trust_store_compare", responses=DifferenceSerializer)
    def get(self, request: Request, name: str, first: int, second: int) -> Response:
        store = queries.get(request.actor.organization, name)
        found = queries.compare(store, first, second)
        return Response(_difference(found, first, second))


def _difference(found: rules.Composition, first: int, second: int) -> dict[str, Any]:
    added = {entry.sha256 for entry in found.added}
    return {
        "first": first,
        "second": second,
        "sentence": shown.sentence(found),
        "added": sorted(added),
        "removed": sorted(entry.sha256 for entry in found.removed),
        "unchanged": sorted(entry.sha256 for entry in found.entries if entry.sha256 not in added),
    }


@extend_schema(tags=["trust-stores"])
class CheckChainView(APIView):
    """Try a chain: does it verify under the current version, or another, and which certificate decides?"""

    rights = {"POST": Right.READ}
    throttle_scope = "checks"

    @extend_schema(
        operation_id="trust_store_check_chain",
        request=ChainSerializer,
        parameters=[
            OpenApiParameter(
                "version", OpenApiTypes.INT, description="A version other than the current; here or in the body."
            ),
            OpenApiParameter(
                "draft",
                OpenApiTypes.UUID,
                description="A proposal of the store, instead of a version; here or in the body.",
            ),
        ],
        responses=CheckedSerializer,
    )
    def post(self, request: Request, name: str) -> Response:
        store = queries.get(request.actor.organization, name)
        asked = ChainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        chain, now = asked.validated_data["chain"], request._request.now
        version, draft = checking.asked_for(request.query_params, asked.validated_data)
        if draft:
            found = checking.check_draft(_draft(store, draft), chain, now)
        else:
            number = checking.number_asked(version, store.current_number)
            found = checking.check(queries.version(store, number), chain, now)
        return Response(CheckedSerializer(found).data)


def _draft(store: TrustStore, draft_id: str) -> StoreDraft:
    try:
        found = queries.waiting_draft(store, uuid.UUID(draft_id))
    except ValueError as error:
        raise errors.NotFound() from error
    if found is None:
        raise errors.NotFound()
    return found
