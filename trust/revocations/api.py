"""The API about revocations: what is watched in a partnership, and the lists of a store."""

import base64
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.authentication import MemberSessionAuthentication
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from trust.revocations import lists, queries, seeing
from trust.revocations.models import RevocationGap, RevocationSource
from trust.revocations.rules import ListKind
from trust.stores.models import TrustStore
from trust.stores.serve import answer
from trust.stores.serve.access import require_live
from trust.stores.serve.view import MayPull, PullTokenAuthentication


class SourceSerializer(serializers.ModelSerializer):
    """An address where one side says what it revoked, and how it stands."""

    owner = serializers.CharField(source="owner.slug")
    what = serializers.SerializerMethodField()
    issuer_sha256 = serializers.CharField(source="issuer_id", allow_null=True)
    crl_number = serializers.SerializerMethodField()

    class Meta:
        model = RevocationSource
        fields = (
            "id", "owner", "kind", "what", "url", "issuer_sha256", "state", "state_since", "sentence", "checked_at",
            "answered_at", "next_check_at", "this_update", "next_update", "crl_number",
        )  # fmt: skip

    def get_what(self, source: RevocationSource) -> str:
        return seeing.name_of(source)

    def get_crl_number(self, source: RevocationSource) -> str | None:
        return source.crl.number or None if source.crl else None


class GapSerializer(serializers.ModelSerializer):
    """A revocation that only the notice or only the CRL tells."""

    owner = serializers.CharField(source="owner.slug")
    certificate_sha256 = serializers.CharField(source="certificate_id", allow_null=True)
    notice = serializers.CharField(source="notice.label", allow_null=True, default=None)

    class Meta:
        model = RevocationGap
        fields = (
            "id", "owner", "kind", "label", "serial", "certificate_sha256", "reason", "notice", "since", "opened_at",
            "closed_at", "outcome",
        )  # fmt: skip


class WatchedSerializer(serializers.Serializer):
    """What is watched in a partnership, on both sides."""

    sources = SourceSerializer(many=True)
    gaps = GapSerializer(many=True)


MOST_GAPS = 100


@extend_schema(tags=["revocations"])
class PartnershipRevocationsView(APIView):
    """The CRL addresses and OCSP responders of both sides, and where notices and CRLs disagree."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="partnership_revocations", responses=WatchedSerializer)
    def get(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        now: datetime = request._request.now
        sides = (partnership.first_organization, partnership.second_organization)
        found = [each for side in sides for each in queries.of_partnership(partnership, side, now)]
        gaps = queries.gaps_of(partnership)[:MOST_GAPS]
        return Response(
            {"sources": SourceSerializer(found, many=True).data, "gaps": GapSerializer(gaps, many=True).data}
        )


class StoreListView(APIView):
    """What a store has beside its versions: the current CRLs of its CAs, a statement about them, and the deny list."""

    authentication_classes = [PullTokenAuthentication, MemberSessionAuthentication]
    permission_classes = [MayPull]
    http_method_names = ["get", "head"]

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}  # the answer says everything itself

    @extend_schema(
        operation_id="pull_store_list",
        tags=["trust-stores"],
        summary="Pull the CRL set or the deny list of a store",
        description=(
            "`crl-set.pem`: the current CRL of every CA in the store, verified; `Crl-Set-Complete: ?0` and the file's first lines"
            " say when a CA has none, and a server that checks the whole chain then rejects every client below it."
            " `crl-set.json`: the same as a statement for programs. `deny-list.json`: service certificates that signed notices"
            " revoked, by issuer and serial. All have a strong ETag that is their SHA-256 and change without a new version."
        ),
        parameters=[
            OpenApiParameter("name", str, OpenApiParameter.PATH, description="The store's name."),
            OpenApiParameter("list", str, OpenApiParameter.PATH, enum=[each.value for each in ListKind]),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        ],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/x-pem-file"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="You have these bytes already"),
        },
    )
    def get(self, request: Any, name: str, **wanted: str) -> HttpResponse:
        """Answer with the bytes, or with 304 when the asker has them."""
        access, kind = request.access, ListKind(wanted["list"])
        mine = TrustStore.objects.filter(relying_id=access.organization_id, name=name)
        store = mine.select_related("partnership", "owner", "relying").first()
        if store is None or not access.opens(store.pk):
            raise errors.NotFound()
        require_live(access, store)
        made = lists.of(store, kind, request._request.now)
        if made is None:
            raise errors.NotFound(f"{store.name} has no version yet.", code="no_version_yet")
        return _answer(request, store, made)

    def head(self, request: Any, **more: Any) -> HttpResponse:
        """Answer like GET, without the bytes."""
        return self.get(request, **more)


def _answer(request: Any, store: TrustStore, made: lists.Made) -> HttpResponse:
    etag = f'"{made.sha256}"'
    known = answer.not_modified(request.headers.get("If-None-Match"), etag)
    body = b"" if known or request.method == "HEAD" else made.content
    response = HttpResponse(body, status=304 if known else 200)
    del response["Content-Type"]
    if not known:
        digest = base64.b64encode(bytes.fromhex(made.sha256)).decode("ascii")
        response["Content-Type"] = lists.CONTENT_TYPES[made.kind]
        response["Content-Length"] = str(len(made.content))
        response["Content-Disposition"] = f'attachment; filename="{store.name}.{made.kind}"'
        response["Content-Digest"] = f"sha-256=:{digest}:"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization, Cookie"
    response["Trust-Store-Version"] = str(made.version_number)
    if made.kind is not ListKind.DENY_LIST:
        # A boolean of structured fields (RFC 9651 3.3.6).
        response["Crl-Set-Complete"] = "?1" if made.complete else "?0"
    return response
