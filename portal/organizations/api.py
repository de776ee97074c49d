"""The API about the own organization: itself, its members, its tokens."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations import queries, services
from portal.organizations.models import ApiToken, Membership, Organization
from portal.organizations.rules import Right, Scope


class OrganizationSerializer(serializers.ModelSerializer):
    """A company."""

    class Meta:
        model = Organization
        fields = ("id", "slug", "name", "short_code", "state")


class MemberSerializer(serializers.ModelSerializer):
    """A person's place in the organization."""

    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Membership
        fields = ("id", "name", "email", "role", "responder", "state", "created_at")


class TokenSerializer(serializers.ModelSerializer):
    """An API token, without its secret."""

    scopes = serializers.ListField(child=serializers.ChoiceField(choices=[scope.value for scope in Scope]))

    class Meta:
        model = ApiToken
        fields = ("id", "name", "hint", "scopes", "created_at", "expires_at", "revoked_at")


class NewTokenSerializer(serializers.Serializer):
    """What is needed to make a token."""

    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=[s.value for s in Scope]), max_length=10)
    lifetime_days = serializers.IntegerField(min_value=1, max_value=366)


class CreatedTokenSerializer(TokenSerializer):
    """A new token with its secret, which is shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "secret")


@extend_schema(tags=["organization"])
class OrganizationView(APIView):
    """The organization that the token or session acts for."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="organization_read", responses=OrganizationSerializer)
    def get(self, request: Request) -> Response:
        return Response(OrganizationSerializer(request.actor.organization).data)


@extend_schema(tags=["organization"])
class MembersView(generics.ListAPIView):
    """The members of the organization."""

    rights = {"GET": Right.READ}
    serializer_class = MemberSerializer
    queryset = Membership.objects.none()

    def get_queryset(self) -> Any:
        return queries.members_of(self.request.actor.organization)


@extend_schema(tags=["organization"])
class TokensView(generics.ListAPIView):
    """The API tokens of the organization. Making one needs a member's session with a fresh second factor."""

    rights = {"GET": Right.MANAGE_DELIVERY, "POST": Right.MANAGE_DELIVERY}
    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> Any:
        return ApiToken.objects.filter(organization=self.request.actor.organization)

    @extend_schema(request=NewTokenSerializer, responses={201: CreatedTokenSerializer})
    def post(self, request: Request) -> Response:
        asked = NewTokenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        token, secret = services.create_api_token(
            name=asked.validated_data["name"],
            scopes=asked.validated_data["scopes"],
            lifetime=timedelta(days=asked.validated_data["lifetime_days"]),
            actor=request.actor,
            now=request._request.now,
        )
        return Response(TokenSerializer(token).data | {"secret": secret}, status=201)


@extend_schema(tags=["organization"])
class TokenView(APIView):
    """One API token."""

    rights = {"DELETE": Right.MANAGE_DELIVERY}

    @extend_schema(operation_id="token_revoke", responses={204: None})
    def delete(self, request: Request, token_id: str) -> Response:
        """Revoke the token at once."""
        services.revoke_api_token(token_id=token_id, actor=request.actor, now=request._request.now)
        return Response(status=204)
