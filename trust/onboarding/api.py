"""The API about onboarding: the checklist, what is missing, and saying that one is ready."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.idempotency import idempotent
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from portal.partnerships.models import Partnership
from trust.onboarding import queries, services
from trust.onboarding.board_rules import Line
from trust.onboarding.queries import Board
from trust.onboarding.rules import Group, Template


class CellSerializer(serializers.Serializer):
    """One side of one item."""

    side = serializers.CharField()
    status = serializers.CharField()
    sentence = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    owner = serializers.CharField(source="said.owner")
    due_on = serializers.DateField(source="said.due_on", allow_null=True)
    seen_by_the_portal = serializers.BooleanField(source="machine")


class LineSerializer(serializers.Serializer):
    """One item with both sides."""

    key = serializers.CharField(source="item.key")
    group = serializers.CharField(source="item.group.value")
    title = serializers.CharField(source="item.title")
    why = serializers.CharField(source="item.why")
    own = serializers.BooleanField(
        source="item.custom", help_text="One of the sides added it; that side can remove it."
    )
    needed_to_go_live = serializers.BooleanField(source="required")
    completed = serializers.BooleanField()
    sides = CellSerializer(source="cells", many=True)


class MissingSerializer(serializers.Serializer):
    """Something that stands between the partnership and going live."""

    item = serializers.CharField(source="key")
    title = serializers.CharField()
    side = serializers.CharField()
    sentence = serializers.CharField()


class OnboardingSerializer(serializers.Serializer):
    """The checklist of a partnership."""

    partnership = serializers.CharField()
    state = serializers.CharField()
    template = serializers.CharField()
    items = LineSerializer(many=True)
    missing = MissingSerializer(many=True)
    ready = serializers.ListField(child=serializers.CharField(), help_text="The sides that said that they are ready.")


class PlanSerializer(serializers.Serializer):
    """Who does an item on the own side and until when, and whether it is done."""

    owner = serializers.CharField(required=False, allow_blank=True, max_length=120)
    due_on = serializers.DateField(required=False, allow_null=True)
    done = serializers.BooleanField(required=False, help_text="Only for items that the portal cannot see for itself.")


class NewItemSerializer(serializers.Serializer):
    """An item of one's own, which both sides complete by saying so."""

    group = serializers.ChoiceField(choices=[each.value for each in Group])
    title = serializers.CharField(min_length=3, max_length=120, help_text="What is to be done.")
    why = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")
    needed_to_go_live = serializers.BooleanField(required=False, default=False)


class TemplateSerializer(serializers.Serializer):
    """The kind of checklist that a partnership has."""

    template = serializers.ChoiceField(choices=[each.value for each in Template])


class NudgeSerializer(serializers.Serializer):
    """The item of which the other side is reminded."""

    item = serializers.CharField(max_length=60)


def _answer(partnership: Partnership, board: Board) -> dict[str, Any]:
    answer = {
        "partnership": partnership.slug,
        "state": partnership.state,
        "template": board.template.value,
        "items": board.lines,
        "missing": board.missing,
        "ready": [each.organization.slug for each in board.ready],
    }
    return dict(OnboardingSerializer(answer).data)


def _line(partnership: Partnership, key: str, now: Any) -> Line:
    return queries.board(partnership, now).line(key)


@extend_schema(tags=["onboarding"])
class OnboardingView(APIView):
    """The checklist of a partnership: both sides of each item, and what is missing to go live; and choosing its kind."""

    rights = {"GET": Right.READ, "PATCH": Right.MANAGE_PARTNERSHIPS}

    @extend_schema(operation_id="onboarding_read", responses=OnboardingSerializer)
    def get(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        return Response(_answer(partnership, queries.board(partnership, request._request.now)))

    @extend_schema(operation_id="onboarding_change", request=TemplateSerializer, responses=OnboardingSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Choose the kind of checklist. Whoever said that they are ready says it again."""
        partnership, now = partnerships.get(request.actor.organization, slug), request._request.now
        asked = TemplateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.choose_template(actor=request.actor, partnership=partnership, now=now, **asked.validated_data)
        return Response(_answer(partnership, queries.board(partnership, now)))


@extend_schema(tags=["onboarding"])
class OwnItemsView(APIView):
    """Adding an item of one's own to the checklist."""

    rights = {"POST": Right.MANAGE_PARTNERSHIPS}

    @extend_schema(operation_id="onboarding_item_add", request=NewItemSerializer, responses={201: LineSerializer})
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        partnership, now = partnerships.get(request.actor.organization, slug), request._request.now
        asked = NewItemSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        made = services.add_item(
            actor=request.actor,
            partnership=partnership,
            group=data["group"],
            title=data["title"],
            why=data["why"],
            needed=data["needed_to_go_live"],
            now=now,
        )
        return Response(LineSerializer(_line(partnership, queries.key_of(made), now)).data, status=201)


@extend_schema(tags=["onboarding"])
class OnboardingItemView(APIView):
    """One item: read it, plan it, say that it is done on the own side; and remove it, if the own side added it."""

    rights = {"GET": Right.READ, "PATCH": Right.MANAGE_PARTNERSHIPS, "DELETE": Right.MANAGE_PARTNERSHIPS}

    @extend_schema(operation_id="onboarding_item_read", responses=LineSerializer)
    def get(self, request: Request, slug: str, key: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        return Response(LineSerializer(_line(partnership, key, request._request.now)).data)

    @extend_schema(operation_id="onboarding_item_change", request=PlanSerializer, responses=LineSerializer)
    def patch(self, request: Request, slug: str, key: str) -> Response:
        actor, now = request.actor, request._request.now
        partnership = partnerships.get(actor.organization, slug)
        asked = PlanSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        if "owner" in data or "due_on" in data:
            said = _line(partnership, key, now).cell(actor.organization.slug).said
            services.plan_task(
                actor=actor,
                partnership=partnership,
                key=key,
                owner=data.get("owner", said.owner),
                due_on=data.get("due_on", said.due_on),
                now=now,
            )
        if "done" in data:
            change = services.complete_task if data["done"] else services.reopen_task
            change(actor=actor, partnership=partnership, key=key, now=now)
        return Response(LineSerializer(_line(partnership, key, now)).data)

    @extend_schema(operation_id="onboarding_item_remove", responses={204: None})
    def delete(self, request: Request, slug: str, key: str) -> Response:
        """Remove an item that the own side added. The items that every checklist has cannot be removed."""
        services.remove_item(
            actor=request.actor,
            partnership=partnerships.get(request.actor.organization, slug),
            item_id=queries.own_item_id(key),
            now=request._request.now,
        )
        return Response(status=204)


@extend_schema(tags=["onboarding"])
class NudgeView(APIView):
    """Reminding the other side of an item, once a day."""

    rights = {"POST": Right.READ}

    @extend_schema(operation_id="onboarding_nudge", request=NudgeSerializer, responses={204: None})
    def post(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        asked = NudgeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        key = asked.validated_data["item"]
        services.nudge(actor=request.actor, partnership=partnership, key=key, now=request._request.now)
        return Response(status=204)


@extend_schema(tags=["onboarding"])
class ActivationView(APIView):
    """Saying that one's side is ready. A member's act with a second factor; refused while a needed item is missing."""

    rights = {"POST": Right.MANAGE_PARTNERSHIPS}

    @extend_schema(operation_id="partnership_activate", request=None, responses=OnboardingSerializer)
    def post(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        now = request._request.now
        live = services.activate(actor=request.actor, partnership=partnership, now=now)
        return Response(_answer(live, queries.board(live, now)))
