"""The feed of events, by number."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors
from portal.dashboard import telling
from portal.history import queries
from portal.organizations.rules import Right

LIMIT = 100
MAX_LIMIT = 500


class EventSerializer(serializers.Serializer):
    """One line of the log: the facts that its hash covers, both hashes, and the sentence that people read."""

    sequence = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    sentence = serializers.CharField()
    actor = serializers.DictField(child=serializers.CharField(allow_blank=True))
    organization = serializers.UUIDField(allow_null=True)
    partnership = serializers.UUIDField(allow_null=True)
    audience = serializers.CharField()
    subject = serializers.DictField(child=serializers.CharField(allow_blank=True))
    data = serializers.DictField()
    previous_hash = serializers.CharField()
    hash = serializers.CharField()


class FeedSerializer(serializers.Serializer):
    """A piece of the feed. Ask next with ``after`` = ``last``; an empty piece means that nothing is newer."""

    results = EventSerializer(many=True)
    last = serializers.IntegerField(help_text="The number to ask after next.")
    more = serializers.BooleanField(help_text="Whether there was more than fits.")


@extend_schema(tags=["events"])
class EventsView(APIView):
    """The events that the organization may read, oldest first, after a number."""

    rights = {"GET": Right.READ}

    @extend_schema(
        operation_id="events_feed",
        parameters=[
            OpenApiParameter("after", int, description="Only events with a higher number (default 0)."),
            OpenApiParameter("kind", str, description="Only this kind, or kinds that begin with it and a dot."),
            OpenApiParameter("limit", int, description=f"At most so many, 1 to {MAX_LIMIT} (default {LIMIT})."),
        ],
        responses=FeedSerializer,
    )
    def get(self, request: Request) -> Response:
        organization = request.actor.organization
        after = _number(request, "after", 0, 0, queries.LARGEST)
        limit = _number(request, "limit", LIMIT, 1, MAX_LIMIT)
        what = queries.filters_from({"what": request.query_params.get("kind", "")}).what
        events = queries.feed(organization, after=after, what=what, limit=limit + 1)
        told = telling.lines(events[:limit], organization)
        results = [
            {
                **event.facts(),
                "sentence": line.sentence,
                "previous_hash": event.previous_hash,
                "hash": event.hash,
            }
            for event, line in zip(events, told, strict=False)
        ]
        last = results[-1]["sequence"] if results else after
        return Response({"results": results, "last": last, "more": len(events) > limit})


def _number(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 16 or not lowest <= int(text) <= highest:
        sentence = f"{name} is a number from {lowest} to {highest}."
        raise errors.Invalid(sentence, fields={name: [sentence]})
    return int(text)
