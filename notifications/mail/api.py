"""What is mailed to the signed-in member, over the API. A token has no mailbox, so this needs a member's session."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.mail import preferences
from notifications.mail.models import MailPreference
from notifications.mail.rules import NEWS_CHOICES, TASK_CHOICES
from portal import errors
from portal.organizations.rules import Right


class MailPreferenceSerializer(serializers.Serializer):
    """How often a member is mailed about what waits for them, and about what is only to know. Alarms come at once, always."""

    tasks = serializers.ChoiceField(choices=[each.value for each in TASK_CHOICES])
    news = serializers.ChoiceField(choices=[each.value for each in NEWS_CHOICES])


@extend_schema(tags=["organization"])
class MailPreferenceView(APIView):
    """The acting member's wishes about mail."""

    rights = {"GET": Right.READ, "PUT": Right.READ}

    @extend_schema(operation_id="mail_preference_read", responses=MailPreferenceSerializer)
    def get(self, request: Request) -> Response:
        if request.actor.membership is None:
            raise errors.NotAllowed("A program is sent no mail.", code="person_required", fix="Sign in as a member.")
        return Response(_as_json(preferences.of(request.actor.membership)))

    @extend_schema(
        operation_id="mail_preference_change", request=MailPreferenceSerializer, responses=MailPreferenceSerializer
    )
    def put(self, request: Request) -> Response:
        wish = MailPreferenceSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        found = preferences.change(actor=request.actor, now=request._request.now, **wish.validated_data)
        return Response(_as_json(found))


def _as_json(found: MailPreference) -> dict[str, str]:
    return {"tasks": found.tasks, "news": found.news}
