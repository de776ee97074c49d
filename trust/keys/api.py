"""Keys over the API. Everything a person does on the pages can be done here, except revoking without a certificate."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import errors, words
from portal.organizations.idempotency import idempotent
from portal.organizations.models import Organization
from portal.organizations.rules import Right
from portal.parsing import JsonParser
from trust.keys import queries, services
from trust.keys.models import OpenPgpKey
from trust.keys.queries import Standing

_PARSERS = [JsonParser, MultiPartParser]
MAX_TEXT = 1024 * 1024  # characters; the readers have smaller limits of their own


class StandingSerializer(serializers.Serializer[Standing]):
    """How one partner sees a key."""

    partnership = serializers.CharField(source="partnership.slug")
    relying = serializers.CharField(source="relying.slug")
    state = serializers.ChoiceField(["uploaded", "proven", "verified", "expired", "revoked", "replaced"])
    verified_at = serializers.SerializerMethodField()

    def get_verified_at(self, standing: Standing) -> str | None:
        moment = standing.request.approved_at if standing.request and standing.is_verified else None
        return moment.isoformat().replace("+00:00", "Z") if moment else None


class FindingSerializer(serializers.Serializer[dict[str, str]]):
    """One thing that reading the key had to say."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(["refuse", "warning", "note"])
    sentence = serializers.CharField()
    fix = serializers.CharField()


class KeySerializer(serializers.ModelSerializer[OpenPgpKey]):
    """An OpenPGP key. The whole fingerprint is shown once it no longer has to be read aloud in a call."""

    organization = serializers.CharField(source="organization.slug")
    fingerprint = serializers.SerializerMethodField()
    fingerprint_ends = serializers.SerializerMethodField()
    claimed_user_ids = serializers.ListField(source="user_ids", child=serializers.CharField())
    replaces = serializers.UUIDField(source="replaces_id", allow_null=True)
    findings = serializers.SerializerMethodField()
    standings = serializers.SerializerMethodField()

    class Meta:
        model = OpenPgpKey
        fields = (
            "id",
            "organization",
            "state",
            "is_next",
            "fingerprint",
            "fingerprint_ends",
            "version",
            "algorithm",
            "claimed_user_ids",
            "key_created_at",
            "expires_at",
            "created_at",
            "proven_at",
            "revoked_at",
            "revocation_reason",
            "replaced_at",
            "replaces",
            "vouched_at",
            "findings",
            "standings",
        )

    def _viewer(self) -> Organization:
        viewer: Organization = self.context["organization"]
        return viewer

    def get_fingerprint(self, key: OpenPgpKey) -> str | None:
        full = queries.may_see_in_full(key, self._viewer(), self.context["now"], self.context.get("around"))
        return key.fingerprint if full else None

    def get_fingerprint_ends(self, key: OpenPgpKey) -> str:
        return words.concealed(key.fingerprint)

    @extend_schema(responses=FindingSerializer(many=True))
    def get_findings(self, key: OpenPgpKey) -> list[dict[str, str]]:
        found: list[dict[str, str]] = key.facts.get("findings", [])
        return found

    def get_standings(self, key: OpenPgpKey) -> list[dict[str, Any]]:
        seen = queries.standings(key, self.context["now"], self.context.get("around"))
        if key.organization != self._viewer():
            seen = [each for each in seen if each.relying == self._viewer()]
        return [dict(each) for each in StandingSerializer(seen, many=True).data]  # type: ignore[arg-type]


class NewKeySerializer(serializers.Serializer[Any]):
    """A public key block: armored text, or a file of that name in a multipart request."""

    block = serializers.CharField(max_length=MAX_TEXT, trim_whitespace=False)


class UploadedKeySerializer(KeySerializer):
    """A key as uploaded, and what the upload did."""

    outcome = serializers.ChoiceField(["new", "updated", "unchanged"])

    class Meta(KeySerializer.Meta):
        fields = (*KeySerializer.Meta.fields, "outcome")


class ChallengeSerializer(serializers.Serializer[Any]):
    """The text to sign with ``gpg --clearsign``, byte for byte."""

    text = serializers.CharField()
    expires_at = serializers.DateTimeField()


class AnswerSerializer(serializers.Serializer[Any]):
    """The clearsigned text."""

    answer = serializers.CharField(max_length=MAX_TEXT, trim_whitespace=False)


class StatementSerializer(serializers.Serializer[Any]):
    """The text of a key's succession, clearsigned by the active key."""

    statement = serializers.CharField(max_length=MAX_TEXT, trim_whitespace=False)


class TextSerializer(serializers.Serializer[Any]):
    """A text to sign."""

    text = serializers.CharField()


class RevocationSerializer(serializers.Serializer[Any]):
    """A revocation certificate, armored."""

    certificate = serializers.CharField(max_length=MAX_TEXT, trim_whitespace=False)


def _content(request: Request, name: str) -> bytes:
    """Return what was sent as ``name``, text or file. Raises Invalid if there is neither."""
    file = request.FILES.get(name)
    if file is not None:
        return bytes(file.read())
    data = request.data
    value = data.get(name) if hasattr(data, "get") else None
    if not isinstance(value, str) or not value.strip():
        sentence = f"Send {name} as text, or as a file."
        raise errors.Invalid(sentence, code="required", fields={name: [sentence]})
    if len(value) > MAX_TEXT:
        raise errors.TooLarge(f"{name.capitalize()} is over the size limit.")
    return value.encode("utf-8", "surrogatepass")


def _shown(request: Request, key: OpenPgpKey) -> dict[str, Any]:
    context = {"organization": request.actor.organization, "now": request._request.now}
    return dict(KeySerializer(key, context=context).data)


@extend_schema(tags=["keys"])
class KeysView(generics.ListAPIView):
    """The organization's own keys, and those that its partners have proven. ``?organization=slug`` picks one's."""

    rights = {"GET": Right.READ, "POST": Right.UPLOAD}
    parser_classes = _PARSERS
    serializer_class = KeySerializer
    queryset = OpenPgpKey.objects.none()

    def get_queryset(self) -> Any:
        found = queries.visible_to(self.request.actor.organization)
        slug = self.request.query_params.get("organization")
        return found.filter(organization__slug=slug) if slug else found

    def paginate_queryset(self, queryset: Any) -> Any:
        found = super().paginate_queryset(queryset)
        self.around = queries.around(found or [])
        return found

    def get_serializer_context(self) -> dict[str, Any]:
        actor = getattr(self.request, "actor", None)
        now = getattr(getattr(self.request, "_request", None), "now", None)
        return super().get_serializer_context() | {
            "organization": actor.organization if actor else None,
            "now": now,
            "around": getattr(self, "around", None),
        }

    @extend_schema(request=NewKeySerializer, responses={201: UploadedKeySerializer, 200: UploadedKeySerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        """Upload the organization's public key, or a newer form of one it has."""
        done = services.upload_key(block=_content(request, "block"), actor=request.actor, now=request._request.now)
        body = _shown(request, done.key) | {"outcome": done.outcome}
        return Response(body, status=201 if done.outcome == "new" else 200)


@extend_schema(tags=["keys"])
class KeyView(APIView):
    """One key."""

    rights = {"GET": Right.READ, "DELETE": Right.UPLOAD}

    @extend_schema(operation_id="key_read", responses=KeySerializer)
    def get(self, request: Request, key_id: str) -> Response:
        return Response(_shown(request, queries.get_visible(request.actor.organization, key_id)))

    @extend_schema(operation_id="key_discard", responses={204: None})
    def delete(self, request: Request, key_id: str) -> Response:
        """Drop a key that was never proven."""
        services.discard(key=_own(request, key_id), actor=request.actor, now=request._request.now)
        return Response(status=204)


@extend_schema(tags=["keys"])
class ChallengeView(APIView):
    """The text that proves possession."""

    rights = {"POST": Right.UPLOAD}

    @extend_schema(operation_id="key_challenge", request=None, responses=ChallengeSerializer)
    def post(self, request: Request, key_id: str) -> Response:
        """Get the text to sign: the open one while it lasts, else a new one."""
        challenge = services.issue_challenge(key=_own(request, key_id), actor=request.actor, now=request._request.now)
        return Response(ChallengeSerializer(challenge).data)


@extend_schema(tags=["keys"])
class ProofView(APIView):
    """Proof of possession."""

    rights = {"POST": Right.UPLOAD}
    parser_classes = _PARSERS

    @extend_schema(operation_id="key_prove", request=AnswerSerializer, responses=KeySerializer)
    def post(self, request: Request, key_id: str) -> Response:
        """Send the clearsigned text. Afterwards each partner is asked to verify the key by phone."""
        key = services.prove_possession(
            key=_own(request, key_id),
            answer=_content(request, "answer"),
            actor=request.actor,
            now=request._request.now,
        )
        return Response(_shown(request, key))


@extend_schema(tags=["keys"])
class SuccessionView(APIView):
    """The old key's word for the next one."""

    rights = {"GET": Right.UPLOAD, "POST": Right.UPLOAD}
    parser_classes = _PARSERS

    @extend_schema(operation_id="key_succession_text", responses=TextSerializer)
    def get(self, request: Request, key_id: str) -> Response:
        return Response({"text": services.succession(_own(request, key_id))[0]})

    @extend_schema(operation_id="key_vouch", request=StatementSerializer, responses=KeySerializer)
    def post(self, request: Request, key_id: str) -> Response:
        key = services.vouch(
            key=_own(request, key_id),
            statement=_content(request, "statement"),
            actor=request.actor,
            now=request._request.now,
        )
        return Response(_shown(request, key))


@extend_schema(tags=["keys"])
class ReplacementView(APIView):
    """The next key takes the place of the active one."""

    rights = {"POST": Right.UPLOAD}

    @extend_schema(operation_id="key_replace", request=None, responses=KeySerializer)
    def post(self, request: Request, key_id: str) -> Response:
        key = services.replace_active(key=_own(request, key_id), actor=request.actor, now=request._request.now)
        return Response(_shown(request, key))


@extend_schema(tags=["keys"])
class RevocationView(APIView):
    """Revoking a key with its revocation certificate, at any time."""

    rights = {"POST": Right.UPLOAD}
    parser_classes = _PARSERS

    @extend_schema(operation_id="key_revoke", request=RevocationSerializer, responses=KeySerializer)
    def post(self, request: Request, key_id: str) -> Response:
        key = services.revoke_key(
            key=_own(request, key_id),
            certificate=_content(request, "certificate"),
            actor=request.actor,
            now=request._request.now,
        )
        return Response(_shown(request, key))


def _own(request: Request, key_id: str) -> OpenPgpKey:
    return queries.get(request.actor.organization, key_id)
