"""The API about contacts: reading the directory. Changing it is a person's act in the portal."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.rules import Right
from portal.partnerships import contact_queries
from portal.partnerships.models import Contact


class ContactSerializer(serializers.ModelSerializer):
    """A contact. The number is masked: a program has nobody to call, and a person reads it in the portal."""

    organization = serializers.CharField(source="organization.slug")
    phone = serializers.CharField(source="phone_masked")
    state = serializers.SerializerMethodField()
    can_be_called = serializers.SerializerMethodField()
    has_login = serializers.SerializerMethodField()

    class Meta:
        model = Contact
        fields = (
            "id",
            "organization",
            "name",
            "role_title",
            "is_primary",
            "is_backup",
            "phone",
            "languages",
            "hours",
            "time_zone",
            "openpgp_fingerprint",
            "state",
            "can_be_called",
            "has_login",
            "number_changed_at",
            "usable_from",
            "created_at",
        )

    def get_state(self, contact: Contact) -> str:
        return contact.state_at(self.context["now"]).value

    def get_can_be_called(self, contact: Contact) -> bool:
        return contact.obstacle_at(self.context["now"]) is None

    def get_has_login(self, contact: Contact) -> bool:
        return contact.membership_id is not None


@extend_schema(tags=["contacts"])
class ContactsView(generics.ListAPIView):
    """The contacts of the organization and of its partners."""

    rights = {"GET": Right.READ}
    serializer_class = ContactSerializer
    queryset = Contact.objects.none()

    def get_queryset(self) -> Any:
        return contact_queries.visible_to(self.request.actor.organization).filter(retired_at=None)

    def get_serializer_context(self) -> dict[str, Any]:
        now = self.request._request.now if self.request is not None else None
        return super().get_serializer_context() | {"now": now}


@extend_schema(tags=["contacts"])
class ContactView(APIView):
    """One contact."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="contact_read", responses=ContactSerializer)
    def get(self, request: Request, contact_id: str) -> Response:
        found = contact_queries.get(request.actor.organization, contact_id)
        return Response(ContactSerializer(found, context={"now": request._request.now}).data)
