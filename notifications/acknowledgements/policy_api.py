"""The escalation policy over the API, by the rules of its page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.acknowledgements import queries, rules, services
from notifications.acknowledgements.rules import Step
from portal.organizations.models import Organization
from portal.organizations.rules import Right


class StepSerializer(serializers.Serializer):
    """One level: minutes after the notice came, whom it tells (responders, officers, admins or ids of members)."""

    after_minutes = serializers.IntegerField(min_value=0, max_value=int(rules.LATEST_STEP.total_seconds() // 60))
    who = serializers.ListField(child=serializers.CharField(max_length=36), min_length=1, max_length=50)
    tell_sender = serializers.BooleanField(default=False)


class PolicySerializer(serializers.Serializer):
    """Who is told when nobody acknowledges, level by level. The first is at once."""

    steps: Any = serializers.ListField(child=StepSerializer(), min_length=1, max_length=rules.MAX_STEPS)


def _steps(request: Request) -> list[dict[str, Any]]:
    asked = PolicySerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return [dict(each) for each in asked.validated_data["steps"]]


def _as_json(organization: Organization, policy: Sequence[Step], now: datetime) -> dict[str, Any]:
    told = [[str(each.user) for each in queries.members_of_step(organization, step)] for step in policy]
    rows = rules.stored(policy)
    return {
        "steps": [row | {"told": names} for row, names in zip(rows, told, strict=True)],
        "clocks": [
            {
                "label": example.label,
                "urgent": example.urgent,
                "acknowledge_within_seconds": int(example.within.total_seconds()),
                "moments": [
                    {
                        "after_seconds": int((moment.at - now).total_seconds()),
                        "mark": moment.mark.value,
                        "level": moment.level,
                        "told": told[moment.level - 1] if moment.step else [],
                        "tell_sender": bool(moment.step and moment.step.tell_sender and moment.mark == "escalate"),
                    }
                    for moment in rules.plan(
                        policy, received_at=now, acknowledge_by=now + example.within, urgent=example.urgent
                    )
                ],
            }
            for example in rules.EXAMPLES
        ],
    }


@extend_schema(tags=["notices"])
class PolicyView(APIView):
    """Who is told when nobody acknowledges a notice. No token's scope changes it: that needs an admin's session."""

    rights = {"GET": Right.READ, "PUT": Right.MANAGE_MEMBERS}

    @extend_schema(operation_id="escalation_policy_read", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Any) -> Response:
        """Return the policy with the members whom each level tells now, and the clock of each kind of notice."""
        organization = request.actor.organization
        return Response(_as_json(organization, queries.policy_of(organization), request._request.now))

    @extend_schema(
        operation_id="escalation_policy_replace", request=PolicySerializer, responses={200: OpenApiTypes.OBJECT}
    )
    def put(self, request: Any) -> Response:
        """Replace the policy. It counts for notices that come from now on."""
        now = request._request.now
        found = services.change_policy(actor=request.actor, now=now, steps=_steps(request))
        return Response(_as_json(request.actor.organization, rules.policy_from(found.steps), now))


@extend_schema(tags=["notices"])
class PolicyPreviewView(APIView):
    """The clock of a policy before it is saved."""

    rights = {"POST": Right.MANAGE_MEMBERS}

    @extend_schema(
        operation_id="escalation_policy_preview", request=PolicySerializer, responses={200: OpenApiTypes.OBJECT}
    )
    def post(self, request: Any) -> Response:
        """Return what ``PUT`` would answer, and change nothing."""
        organization = request.actor.require(Right.MANAGE_MEMBERS)
        policy = services.usable_policy(organization, _steps(request))
        return Response(_as_json(organization, policy, request._request.now))
