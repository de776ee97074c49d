"""The API about the regular review: what was seen, answers, findings, and signing off, which only people do."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.organizations.idempotency import idempotent
from portal.organizations.rules import Right
from portal.partnerships import queries as partnerships
from trust.onboarding import review_rules, reviews
from trust.onboarding.models import Review, ReviewFinding
from trust.onboarding.services import RIGHT


class FindingSerializer(serializers.ModelSerializer):
    """Something to mend; it is carried from review to review until it is closed."""

    found_in = serializers.IntegerField(source="found_in.number", help_text="The number of the review.")

    class Meta:
        model = ReviewFinding
        fields = (
            "id", "found_in", "title", "severity", "action", "owner", "due_on", "written_at", "closed_at", "closing_note",
        )  # fmt: skip


class NewFindingSerializer(serializers.Serializer):
    """What to mend, how bad it is, who does what about it, and until when."""

    title = serializers.CharField(max_length=200)
    severity = serializers.ChoiceField(choices=sorted(reviews.SEVERITIES))
    action = serializers.CharField(max_length=500)
    owner = serializers.CharField(max_length=120)
    due_on = serializers.DateField()


class ClosingSerializer(serializers.Serializer):
    """What was done about a finding."""

    note = serializers.CharField(min_length=3, max_length=500)


class AnswerSerializer(serializers.Serializer):
    """What the own side says to a question."""

    question = serializers.ChoiceField(choices=[each.key for each in review_rules.ASKED])
    yes = serializers.BooleanField()
    note = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class SideSerializer(serializers.Serializer):
    """One side of one question: what the portal saw when the review opened, or what people answered; null while nobody did."""

    side = serializers.CharField()
    yes = serializers.BooleanField(allow_null=True)
    says = serializers.CharField(allow_blank=True)


class QuestionSerializer(serializers.Serializer):
    """One question with both sides."""

    key = serializers.CharField()
    group = serializers.CharField()
    text = serializers.CharField()
    seen_by_the_portal = serializers.BooleanField()
    sides = SideSerializer(many=True)


class ReviewSerializer(serializers.ModelSerializer):
    """A review and who signed it off."""

    signed_off_by = serializers.SerializerMethodField()

    class Meta:
        model = Review
        fields = ("number", "opened_at", "due_at", "closed_at", "signed_off_by")

    def get_signed_off_by(self, review: Review) -> list[str]:
        """Return the sides that signed off."""
        return [each.organization.slug for each in review.sign_offs.all()]


class ReviewDetailSerializer(ReviewSerializer):
    """A review with its questions and the findings up to it."""

    questions = QuestionSerializer(many=True)
    findings = FindingSerializer(many=True)

    class Meta(ReviewSerializer.Meta):
        fields: Any = (*ReviewSerializer.Meta.fields, "questions", "findings")


class ReviewsSerializer(serializers.Serializer):
    """The reviews of a partnership, newest first, and the findings that are open."""

    reviews = ReviewSerializer(many=True)
    open_findings = FindingSerializer(many=True)


def _detail(review: Review) -> dict[str, Any]:
    findings = reviews.findings(review.partnership).filter(found_in__number__lte=review.number)
    base = dict(ReviewSerializer(review).data)
    return base | {"questions": _questions(review), "findings": FindingSerializer(findings, many=True).data}


def _questions(review: Review) -> list[dict[str, Any]]:
    facts = {(each["question"], each["side"]): (each["good"], each["sentence"]) for each in review.facts}
    answers = {
        (each.question, each.organization.slug): (each.yes, each.note)
        for each in review.answers.select_related("organization")
    }
    said = facts | answers
    both = [each.slug for each in (review.partnership.first_organization, review.partnership.second_organization)]
    found = []
    for question in review_rules.QUESTIONS:
        sides = [(side, *said.get((question.key, side), (None, ""))) for side in both]
        found.append(
            {
                "key": question.key,
                "group": question.group,
                "text": question.text,
                "seen_by_the_portal": bool(question.seen),
                "sides": [{"side": side, "yes": yes, "says": says} for side, yes, says in sides],
            }
        )
    return found


def _found(request: Request, slug: str, number: int) -> Review:
    return reviews.get(partnerships.get(request.actor.organization, slug), number)


@extend_schema(tags=["reviews"])
class ReviewsView(APIView):
    """The reviews of a partnership; opening one before it is due."""

    rights = {"GET": Right.READ, "POST": RIGHT}

    @extend_schema(operation_id="reviews_list", responses=ReviewsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        shown = {
            "reviews": reviews.of(partnership)[:100],
            "open_findings": reviews.findings(partnership, open_only=True),
        }
        return Response(ReviewsSerializer(shown).data)

    @extend_schema(operation_id="review_open", request=None, responses={201: ReviewDetailSerializer})
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        made = reviews.open_now(actor=request.actor, partnership=partnership, now=request._request.now)
        return Response(_detail(made), status=201)


@extend_schema(tags=["reviews"])
class ReviewView(APIView):
    """One review: what the portal saw, what both sides answered, and the findings up to it."""

    rights = {"GET": Right.READ}

    @extend_schema(operation_id="review_read", responses=ReviewDetailSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        return Response(_detail(_found(request, slug, number)))


@extend_schema(tags=["reviews"])
class ReviewAnswersView(APIView):
    """Answering a question for the own side. A member's act: people say what they looked at."""

    rights = {"POST": RIGHT}

    @extend_schema(operation_id="review_answer", request=AnswerSerializer, responses=ReviewDetailSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        review = _found(request, slug, number)
        asked = AnswerSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        reviews.answer(actor=request.actor, review=review, now=request._request.now, **asked.validated_data)
        return Response(_detail(_found(request, slug, number)))


@extend_schema(tags=["reviews"])
class ReviewFindingsView(APIView):
    """Writing a finding into an open review. A member's act."""

    rights = {"POST": RIGHT}

    @extend_schema(operation_id="review_finding_add", request=NewFindingSerializer, responses={201: FindingSerializer})
    @idempotent
    def post(self, request: Request, slug: str, number: int) -> Response:
        review = _found(request, slug, number)
        asked = NewFindingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = reviews.add_finding(actor=request.actor, review=review, now=request._request.now, **asked.validated_data)
        return Response(FindingSerializer(made).data, status=201)


@extend_schema(tags=["reviews"])
class FindingClosingView(APIView):
    """Closing a finding with what was done. A member's act."""

    rights = {"POST": RIGHT}

    @extend_schema(operation_id="review_finding_close", request=ClosingSerializer, responses=FindingSerializer)
    def post(self, request: Request, slug: str, finding_id: str) -> Response:
        partnership = partnerships.get(request.actor.organization, slug)
        asked = ClosingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        closed = reviews.close_finding(
            actor=request.actor,
            partnership=partnership,
            finding_id=finding_id,
            note=asked.validated_data["note"],
            now=request._request.now,
        )
        return Response(FindingSerializer(closed).data)


@extend_schema(tags=["reviews"])
class ReviewSignOffView(APIView):
    """Signing a review off for the own side. A member's act with a second factor; refused while a question is open."""

    rights = {"POST": RIGHT}

    @extend_schema(operation_id="review_sign_off", request=None, responses=ReviewDetailSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        review = _found(request, slug, number)
        reviews.sign_off(actor=request.actor, review=review, now=request._request.now)
        return Response(_detail(_found(request, slug, number)))
