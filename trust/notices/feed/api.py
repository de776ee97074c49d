"""The feed of notices over the API, and the programs that read it."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.notices import queries as notices
from trust.notices.api import as_json
from trust.notices.feed import queries, rules, services

FEED_LIMIT = 200


class Notices(APIView):
    """The feed: every notice of a partnership in its sequence."""

    rights = {"GET": Right.READ}

    @extend_schema(
        operation_id="list_notices",
        parameters=[
            OpenApiParameter("after", int, description="The last sequence number that you have. 0 for all."),
            OpenApiParameter("partnership", str, description="A partnership's short name; needed if you have several."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Any) -> Response:
        """Return the notices after a sequence number, oldest first. Numbers have no gaps, so a missing one was missed.

        A token that reads here is watched: when it stops, its organization is told.
        """
        organization = request.actor.organization
        after = _after(request.query_params.get("after", "0"))
        partnership = _partnership(organization, request.query_params.get("partnership", ""))
        rows = notices.feed(partnership, after=after, limit=FEED_LIMIT)
        if request.actor.token is not None and request.method == "GET":
            latest = partnership.last_notice_number
            services.note_read(
                token=request.actor.token,
                partnership=partnership,
                reached=rules.reached(after=after, last_sent=rows[-1].sequence if rows else None, latest=latest),
                user_agent=request.headers.get("User-Agent", ""),
                now=request._request.now,
            )
        return Response(
            {
                "partnership": partnership.slug,
                "latest_sequence": partnership.last_notice_number,
                "results": [as_json(each, organization) for each in rows],
                "more": len(rows) == FEED_LIMIT,
            }
        )


def _after(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise errors.Invalid("after is a sequence number.", fields={"after": ["Give a whole number from 0."]})
    return int(given)


def _partnership(organization: Organization, slug: str) -> Partnership:
    if slug:
        return partnerships.get(organization, slug)
    found = list(partnerships.of(organization)[:2])
    if len(found) != 1:
        raise errors.Invalid(
            "Sequence numbers belong to a partnership.", fields={"partnership": ["Name a partnership."]}
        )
    return found[0]


class FeedReaderSerializer(serializers.Serializer):
    """How one program stands with the feed of one partnership."""

    id = serializers.UUIDField(source="reader.pk")
    program = serializers.CharField(source="reader.token.name", help_text="The name of its API token.")
    hint = serializers.CharField(source="reader.token.hint", help_text="How its token begins.")
    token_expires_at = serializers.DateTimeField(source="reader.token.expires_at")
    partnership = serializers.CharField(source="reader.partnership.slug")
    state = serializers.ChoiceField(choices=[each.value for each in rules.State])
    first_read_at = serializers.DateTimeField(source="reader.first_read_at")
    read_at = serializers.DateTimeField(source="reader.read_at", help_text="Its last read, to a minute.")
    reached = serializers.IntegerField(source="reader.reached", help_text="The highest sequence number that it has.")
    unread = serializers.IntegerField(help_text="How many notices it has not fetched.")
    interval_seconds = serializers.IntegerField(
        source="reader.interval_seconds",
        allow_null=True,
        help_text="How often it promises to read; null when nobody waits for it.",
    )
    silent_from = serializers.DateTimeField(
        source="reader.silent_from",
        allow_null=True,
        help_text="From when it is silent unless it reads before; null when nobody waits for it.",
    )


class FeedReadersSerializer(serializers.Serializer):
    """The programs that read the organization's feeds."""

    results = FeedReaderSerializer(many=True)


class PromiseSerializer(serializers.Serializer):
    """How often a program promises to read."""

    interval_seconds = serializers.IntegerField(
        min_value=int(rules.MIN_PROMISE.total_seconds()),
        max_value=int(rules.MAX_PROMISE.total_seconds()),
        allow_null=True,
        help_text="Null: nobody waits for it, and its silence is told to nobody.",
    )


@extend_schema(tags=["notices"])
class FeedReaders(APIView):
    """The programs of the organization that read a feed of notices; each begins with its first read."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="list_notice_feed_readers", responses=FeedReadersSerializer)
    def get(self, request: Any) -> Response:
        """Return who reads which feed, how far, and who is silent; those that need somebody first."""
        found = queries.standings(request.actor.organization, request._request.now)
        return Response({"results": FeedReaderSerializer(found, many=True).data})


@extend_schema(tags=["notices"])
class FeedReaderView(APIView):
    """One program that reads a feed."""

    rights = {"PATCH": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="promise_notice_feed_reads", request=PromiseSerializer, responses=FeedReaderSerializer)
    def patch(self, request: Any, reader_id: str) -> Response:
        """Say how often a program reads the feed, or that nobody waits for it."""
        reader = queries.get(request.actor.organization, reader_id)
        asked = PromiseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        seconds = asked.validated_data["interval_seconds"]
        interval = timedelta(seconds=seconds) if seconds is not None else None
        now = request._request.now
        changed = services.promise(reader=reader, interval=interval, actor=request.actor, now=now)
        return Response(FeedReaderSerializer(queries.standing(changed, request.actor.organization, now)).data)
