"""Notices over the API: the inbound doors for signed notices. What goes out is the feed."""

import base64
import json
from typing import Any

import rfc8785
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from trust.notices import composing, queries, services
from trust.notices import document as documents
from trust.notices.composing import Preview
from trust.notices.document import KINDS
from trust.notices.models import Notice
from trust.notices.reading import Unreadable, read_object
from trust.notices.rules import Kind
from trust.stores import queries as stores

SIGNED_JSON = "application/json"


class AsItIs(BaseParser):
    """Leaves the body as bytes: what was signed must not pass through any reader before its signature is checked."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, bytes]:
        return {"raw": stream.read()}


def read_upload(request: Any) -> tuple[bytes, bytes | None]:
    """Return the signed content and its detached signature from an upload in any of the forms that are taken.

    Multipart with ``notice`` and perhaps ``signature``; JSON with the exact text in ``notice`` (or ``notice_base64``) and an
    armored ``signature``; the guide's form, where ``signature`` is a member of the notice itself and covers the canonical form
    (RFC 8785) of the rest; or one clear-signed file as the whole body. Raises Invalid.
    """
    if "raw" not in request.data or hasattr(request.data, "lists"):
        notice = request.FILES.get("notice")
        if notice is None:
            raise errors.Invalid("There is no notice.", fields={"notice": ["Send the signed file as notice."]})
        signature = request.FILES.get("signature")
        return notice.read(), signature.read() if signature else None
    raw: bytes = request.data["raw"]
    if not request.content_type.startswith(SIGNED_JSON):
        return raw, None
    return _from_json(raw)


def _from_json(raw: bytes) -> tuple[bytes, bytes | None]:
    try:
        members = read_object(raw)
    except Unreadable as problem:
        raise errors.Invalid(problem.sentence, code=f"notice_{problem.code}") from problem
    signature = members.pop("signature", None)
    if not isinstance(signature, str) and "notice" not in members:
        raise errors.Invalid("There is no signature.", code="signature_missing", fix="Add an armored signature.")
    encoded = signature.encode() if isinstance(signature, str) else None
    if isinstance(members.get("notice"), str):
        return members["notice"].encode(), encoded
    if isinstance(members.get("notice_base64"), str):
        try:
            return base64.b64decode(members["notice_base64"], validate=True), encoded
        except ValueError as problem:
            raise errors.Invalid("notice_base64 is not base64.", code="notice_not_base64") from problem
    return rfc8785.dumps(members), encoded


def as_json(notice: Notice, organization: Organization) -> dict[str, Any]:
    """Return a notice as the API shows it, with the signed bytes as they are."""
    return {
        "label": notice.label,
        "partnership": notice.partnership.slug,
        "sequence": notice.sequence,
        "direction": "sent" if notice.sender_id == organization.pk else "received",
        "sender": notice.sender.slug,
        "receiver": notice.receiver.slug,
        "kind": notice.kind,
        "title": notice.title,
        "severity": notice.severity,
        "state": notice.state,
        "rehearsal": notice.rehearsal,
        "distress": notice.distress,
        "message_id": notice.message_id,
        "written_at": documents.stamp(notice.written_at),
        "received_at": documents.stamp(notice.received_at),
        "effective_at": documents.stamp(notice.effective_at),
        "acknowledge_by": documents.stamp(notice.acknowledge_by),
        "executed_at": documents.stamp(notice.executed_at) if notice.executed_at else None,
        "adopted_at": documents.stamp(notice.adopted_at) if notice.adopted_at else None,
        "closed_at": documents.stamp(notice.closed_at) if notice.closed_at else None,
        "exceptions": notice.exceptions,
        "matched": notice.matched,
        "certificate_sha256": notice.certificate_id,
        "signer_fingerprint": notice.signer_fingerprint,
        "key_verified": notice.key_verified,
        "says": notice.members,
        "payload_sha256": notice.payload_sha256,
        "signed": {
            "content_base64": base64.b64encode(bytes(notice.content)).decode(),
            "signature": bytes(notice.signature).decode("utf-8", "replace"),
            "form": "detached" if bytes(notice.signature) else "inside",
        },
    }


def _answer(taken: services.Submitted) -> HttpResponse:
    """Return the stored answer, byte for byte: 201 for an accepted notice, 202 for one that is only shown."""
    status = 201 if '"accepted":true' in taken.answer else 202
    answer = HttpResponse(taken.answer, content_type="application/json", status=status)
    if taken.replayed:
        answer["Idempotent-Replay"] = "true"
    return answer


class CertificateAlerts(APIView):
    """The door for a partner's automation: signed notices."""

    rights = {"POST": Right.SEND_NOTICE}
    parser_classes = [MultiPartParser, AsItIs]
    throttle_scope = "uploads"

    @extend_schema(
        operation_id="send_notice",
        request={"application/json": OpenApiTypes.OBJECT, "multipart/form-data": OpenApiTypes.OBJECT},
        responses={201: OpenApiTypes.OBJECT, 202: OpenApiTypes.OBJECT},
    )
    def post(self, request: Any) -> HttpResponse:
        """Hand in a signed notice. The same bytes again get the same answer; 202 means shown but not accepted."""
        content, signature = read_upload(request)
        return _answer(
            services.submit(actor=request.actor, now=request._request.now, content=content, signature=signature)
        )


def preview_json(seen: Preview) -> dict[str, Any]:
    """Return what a notice would say and do, as the API shows it."""
    return {
        "title": seen.title,
        "effective_at": documents.stamp(seen.effective_at),
        "acknowledge_within_seconds": int(seen.acknowledge_within.total_seconds()),
        "lead_seconds": int(seen.lead.total_seconds()),
        "terms": seen.source,
        "exceptions": list(seen.exceptions),
        "certificate_sha256": seen.certificate.sha256 if seen.certificate else None,
        # Names of stores and counts are null unless the agreement shares consumer counts.
        "losses": [
            {
                "store": loss.store or None,
                "version": loss.version or None,
                "services": loss.services,
                "empties": loss.empties,
                "stops_verifying": [{"sha256": each.sha256, "subject": each.subject} for each in loss.stops],
            }
            for loss in seen.losses
        ],
        "services_hit": seen.services_hit,
    }


def _body(request: Any) -> bytes:
    """Return the body as it came; empty for none."""
    found = request.data.get("raw", b"") if hasattr(request.data, "get") else b""
    return found if isinstance(found, bytes) else b""


class NoticePreviews(APIView):
    """What a notice would do, before it is signed."""

    rights = {"POST": Right.SEND_NOTICE}
    parser_classes = [AsItIs]

    @extend_schema(
        operation_id="preview_notice",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={200: OpenApiTypes.OBJECT},
    )
    def post(self, request: Any) -> Response:
        """Return what the unsigned document of a notice would do, such as which certificates stop verifying. Keeps nothing."""
        seen = composing.preview_of(actor=request.actor, now=request._request.now, content=_body(request))
        return Response(preview_json(seen))


class DistressNotices(APIView):
    """The door that needs no sign-in: a revocation that its owner signed in advance."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    parser_classes = [MultiPartParser, AsItIs]
    throttle_scope = "distress"

    @extend_schema(
        operation_id="hand_in_distress_notice",
        auth=[],
        request={"application/json": OpenApiTypes.OBJECT, "multipart/form-data": OpenApiTypes.OBJECT},
        responses={201: OpenApiTypes.OBJECT, 202: OpenApiTypes.OBJECT},
    )
    def post(self, request: Any) -> HttpResponse:
        """Hand in a distress notice. Anybody who holds it can; it takes effect once."""
        content, signature = read_upload(request)
        return _answer(services.hand_in_distress(now=request._request.now, content=content, signature=signature))


class DenyList(APIView):
    """The service certificates that the users of a store must refuse although their CA is trusted."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="read_deny_list", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Any, name: str) -> Response:
        """Return a store's deny list: issuer and serial of each certificate, with the notice that revoked it."""
        store = stores.get(request.actor.organization, name)
        return Response(
            {
                "store": store.name,
                "denied": [
                    {
                        "issuer_sha256": each.issuer_sha256,
                        "serial": each.serial,
                        "certificate_sha256": each.certificate_sha256 or None,
                        "reason": each.reason,
                        "denied_at": documents.stamp(each.denied_at),
                        "notice": each.notice.label,
                    }
                    for each in queries.deny_list(store)
                ],
            }
        )


class NoticeSchemas(APIView):
    """The JSON Schemas of notices; open to everybody, since a signer may have no login."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(operation_id="read_notice_schema", auth=[], responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Any, kind: str) -> Response:
        """Return the schema of one kind, or the part that all share (``common``)."""
        if kind == "common":
            return Response(json.loads((documents.FOLDER / "common.json").read_text(encoding="utf-8")))
        if kind not in KINDS:
            raise errors.NotFound()
        return Response(documents.schema(Kind(kind)))
