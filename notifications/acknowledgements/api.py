"""A notice and its answer over the API."""

import json
import re
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.acknowledgements import documents, night, queries, services, showing
from notifications.acknowledgements.models import NoticeClock
from notifications.acknowledgements.rules import Answer
from portal import errors
from portal.organizations.rules import Right
from trust.notices import additions, life
from trust.notices import queries as notices
from trust.notices.api import AsItIs, as_json, read_upload
from trust.notices.document import stamp
from trust.notices.models import Notice
from trust.notices.reading import Unreadable, read_object


class PlainText(BaseRenderer):
    """``Accept: text/plain``: the night page for a terminal."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return (data if isinstance(data, str) else json.dumps(data)).encode()


def acknowledgement_json(notice: Notice, clock: NoticeClock, now: Any) -> dict[str, Any]:
    """Return what was said to a notice, fact by fact."""
    return {
        "state": queries.shown_state(notice, clock, now),
        "acknowledge_by": stamp(notice.acknowledge_by),
        "acknowledged_at": clock.acknowledged_at.isoformat() if clock.acknowledged_at else None,
        "acknowledged_by": clock.acknowledged_by_label or None,
        "done_at": clock.done_at.isoformat() if clock.done_at else None,
        "cannot_act_at": clock.cannot_act_at.isoformat() if clock.cannot_act_at else None,
        "overdue_at": clock.overdue_at.isoformat() if clock.overdue_at else None,
        "answers": [
            {
                "answer": each.answer,
                "at": each.at.isoformat(),
                "by": each.label,
                "via": each.via,
                "first": each.first,
                "message": each.message,
                "evidence_sha256": each.evidence_sha256,
                "signed": bool(each.document_sha256),
            }
            for each in queries.answers_of(notice)
            if each.answer != Answer.OPENED
        ],
    }


@extend_schema(tags=["notices"])
class NoticeView(APIView):
    """One notice, with the signed bytes as they are and what was answered."""

    rights = {"GET": Right.READ}
    renderer_classes = [JSONRenderer, PlainText]

    @extend_schema(operation_id="read_notice", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Any, label: str) -> Response:
        """Return a notice; as text for a terminal with ``Accept: text/plain`` or ``?format=txt``."""
        if request.query_params.get("format") == "":
            # The framework takes an empty one for none, and the schema does not.
            raise errors.Invalid("The format is empty.", fields={"format": ["Say json or txt, or leave it out."]})
        organization, now = request.actor.organization, request._request.now
        notice = notices.get(organization, label)
        if isinstance(request.accepted_renderer, PlainText):
            return Response(night.text(showing.view(notice, organization, now), now))
        told = acknowledgement_json(notice, queries.clock_of(notice), now)
        named = [
            {
                "sha256": each.sha256 or None,
                "serial": each.serial or None,
                "waits_for": None if each.done else each.step.value,
                "submission": each.submission.number if each.submission else None,
            }
            for each in additions.of(notice)
        ]
        return Response(as_json(notice, organization) | {"acknowledgement": told, "additions": named})


@extend_schema(tags=["notices"])
class ClosingView(APIView):
    """The end of a notice that the services have adopted."""

    rights = {"POST": Right.ACKNOWLEDGE}

    @extend_schema(operation_id="close_notice", request=None, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Any, label: str) -> Response:
        """Close a notice. Either side can, once all services have moved; it closes by itself when the receiver says "done"."""
        now, organization = request._request.now, request.actor.organization
        notice = notices.get(organization, label)
        return Response(as_json(life.close(notice=notice, actor=request.actor, now=now), organization))


@extend_schema(tags=["notices"])
class AcknowledgementView(APIView):
    """The receiver's answer to a notice."""

    rights = {"GET": Right.READ, "POST": Right.ACKNOWLEDGE}
    parser_classes = [MultiPartParser, AsItIs]

    @extend_schema(operation_id="read_acknowledgement", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Any, label: str) -> Response:
        notice = notices.get(request.actor.organization, label)
        return Response(acknowledgement_json(notice, queries.clock_of(notice), request._request.now))

    @extend_schema(
        operation_id="answer_notice",
        request={"application/json": OpenApiTypes.OBJECT, "multipart/form-data": OpenApiTypes.OBJECT},
        responses={200: OpenApiTypes.OBJECT},
    )
    def post(self, request: Any, label: str) -> HttpResponse:
        """Acknowledge, say that it is done, or that you cannot act.

        Either JSON with ``answer`` (``acknowledged``, ``done`` or ``cannot_act``), ``message`` and, if you keep evidence,
        ``evidence_sha256``; or a signed acknowledgement in any of the forms in which notices are taken.
        """
        now = request._request.now
        notice = notices.get(request.actor.organization, label)
        plain = self._plain(request)
        if plain is not None:
            answered = services.answer(notice=notice, actor=request.actor, now=now, **plain)
        else:
            content, signature = read_upload(request)
            answered = documents.take(notice=notice, actor=request.actor, now=now, content=content, signature=signature)
        notice.refresh_from_db()
        return Response(acknowledgement_json(notice, answered.clock, now) | {"first": answered.first})

    def _plain(self, request: Any) -> dict[str, Any] | None:
        """Return the answer of an unsigned JSON body, or None for a signed one."""
        raw = request.data.get("raw") if hasattr(request.data, "get") else None
        if not isinstance(raw, bytes) or not request.content_type.startswith("application/json"):
            return None
        try:
            members = read_object(raw)
        except Unreadable as problem:
            raise errors.Invalid(problem.sentence.replace("notice", "body"), code=problem.code) from problem
        if "signature" in members:
            return None
        known = {Answer.ACKNOWLEDGED.value, Answer.DONE.value, Answer.CANNOT_ACT.value}
        if members.get("answer") not in known or not isinstance(members.get("message", ""), str):
            raise errors.Invalid(
                "answer is acknowledged, done or cannot_act.",
                fields={"answer": ["Send acknowledged, done or cannot_act."]},
            )
        evidence = members.get("evidence_sha256", "")
        if not isinstance(evidence, str) or not re.fullmatch(r"([0-9A-Fa-f]{64})?", evidence):
            raise errors.Invalid(
                "evidence_sha256 is a SHA-256 in hexadecimal.",
                fields={"evidence_sha256": ["Send 64 hexadecimal digits."]},
            )
        return {
            "answer": Answer(members["answer"]),
            "message": members.get("message", ""),
            "evidence_sha256": evidence.lower(),
        }
