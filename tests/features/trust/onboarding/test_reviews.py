"""The regular review: opened by schedule, answered by both sides, findings carried over until they are closed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse

from portal import errors
from portal.audit.models import Event
from portal.partnerships.models import Partnership
from tests.makers import agreements, many, stores
from trust.agreements import rules as agreement_rules
from trust.agreements.models import Agreement
from trust.inventory import expiries
from trust.onboarding import review_rules, reviewing, reviews
from trust.onboarding.models import Review, ReviewFinding
from trust.onboarding.review_rules import ASKED, QUESTIONS

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ASKED_OF_ALDER = ("expiry_alerts", "alder")


@pytest.fixture
def review(cast, now):
    return reviews.open_now(actor=cast.alder.officer.actor, partnership=cast.partnership, now=now)


def answer_all(company, review, now):
    for question in ASKED:
        reviews.answer(actor=company.officer.actor, review=review, question=question.key, yes=True, note="", now=now)


def sign_off(company, review, now):
    return reviews.sign_off(actor=company.officer.actor, review=review, now=now)


class TestTheQuestions:
    def test_are_the_twenty_of_the_guide_in_its_groups(self):
        assert len(QUESTIONS) == 20
        assert [question.group for question in QUESTIONS] == [group for group in review_rules.GROUPS for _ in range(4)]

    def test_that_the_portal_sees_are_answered_for_both_sides(self, cast, now, review):
        seen = {(each["question"], each["side"]) for each in review.facts}

        assert seen == {(question.key, side) for question in QUESTIONS if question.seen for side in ("alder", "birch")}


class TestTheSchedule:
    def test_opens_as_often_as_the_agreement_says(self, cast, now):
        agreements.in_force(cast, terms=agreements.make_values(operations__review_every_days=30))

        opened = [day for day in range(100) if reviews.open_due(now=now + day * DAY) and close(cast, now)]

        assert opened == [30, 60, 90]

    def test_opens_none_while_one_is_open(self, cast, now):
        assert [reviews.open_due(now=now + day * DAY) for day in (30, 31, 60, 90)] == [1, 0, 0, 0]

    def test_reads_no_more_for_more_partnerships(self, cast, now, django_assert_num_queries):
        many.partners(cast, range(1, 8))
        Partnership.objects.update(activated_at=now)

        with django_assert_num_queries(2):
            assert reviews.open_due(now=now + 29 * DAY) == 0

    def test_goes_on_beside_an_agreement_that_is_damaged(self, cast, now):
        (other,) = many.partners(cast, range(1, 2))
        Agreement.objects.filter(partnership=other).update(sha256="0" * 64)

        assert reviews.open_due(now=now + 40 * DAY) == 1
        assert Review.objects.get().partnership == cast.partnership

    def test_looks_as_soon_as_an_agreement_can_ask_for(self):
        schema = json.loads(Path(agreement_rules.__file__).with_name("schema.json").read_text())
        days = schema["properties"]["terms"]["properties"]["operations"]["properties"]["review_every_days"]

        assert days["minimum"] == reviews.SOONEST.days

    @pytest.mark.parametrize("state", ["onboarding", "suspended", "ended"])
    def test_is_for_live_partnerships(self, cast, now, state):
        Partnership.objects.update(state=state)

        assert reviews.open_due(now=now + 40 * DAY) == 0

    def test_tells_both_sides(self, cast, now):
        reviews.open_due(now=now + 30 * DAY)

        assert Event.objects.get(kind="review.opened").audience == "partnership"


def close(cast, now):
    Review.objects.filter(closed_at=None).update(closed_at=now)
    return True


class TestAnswering:
    def test_needs_every_question_before_signing_off(self, cast, now, review):
        with pytest.raises(errors.Conflict) as refused:
            sign_off(cast.alder, review, now)

        assert refused.value.extra["questions"] == [question.key for question in ASKED]

    def test_closes_the_review_when_both_sides_signed_off(self, cast, now, review):
        for company in (cast.alder, cast.birch):
            answer_all(company, review, now)

        assert sign_off(cast.alder, review, now).closed_at is None
        assert sign_off(cast.birch, review, now).closed_at == now

    def test_is_over_after_the_own_sign_off(self, cast, now, review):
        answer_all(cast.alder, review, now)
        sign_off(cast.alder, review, now)

        with pytest.raises(errors.Conflict):
            answer_all(cast.alder, review, now)
        with pytest.raises(errors.Conflict):
            sign_off(cast.alder, review, now)

    def test_is_not_for_what_the_portal_sees(self, cast, now, review):
        with pytest.raises(errors.Invalid):
            reviews.answer(
                actor=cast.alder.officer.actor, review=review, question="contacts", yes=True, note="", now=now
            )

    def test_does_not_exist_for_strangers(self, cast, now, review):
        with pytest.raises(errors.NotFound):
            answer_all(cast.cedar, review, now)


class TestFindings:
    def add(self, cast, now, review, **changes):
        valid = {
            "title": "Policy CA too long",
            "severity": "medium",
            "action": "Renew it",
            "owner": "Mei Tanaka",
            "due_on": (now + 20 * DAY).date(),
        }
        return reviews.add_finding(actor=cast.alder.officer.actor, review=review, now=now, **(valid | changes))

    def test_are_carried_over_until_they_are_closed(self, cast, now, review):
        made = self.add(cast, now, review)
        close(cast, now)
        reviews.open_now(actor=cast.birch.officer.actor, partnership=cast.partnership, now=now)

        assert list(reviews.findings(cast.partnership, open_only=True)) == [made]
        reviews.close_finding(
            actor=cast.birch.officer.actor,
            partnership=cast.partnership,
            finding_id=made.pk,
            note="Renewed",
            now=now,
        )
        assert not reviews.findings(cast.partnership, open_only=True).exists()

    def test_that_are_overdue_show_in_the_next_review(self, cast, now, review):
        self.add(cast, now, review)
        close(cast, now)

        later = reviews.open_now(actor=cast.alder.officer.actor, partnership=cast.partnership, now=now + 30 * DAY)

        fact = next(each for each in later.facts if each["question"] == "issues")
        assert (fact["good"], fact["sentence"]) == (False, "1 findings are overdue.")

    @pytest.mark.parametrize("changes", [{"title": " "}, {"severity": "extreme"}, {"action": "x" * 501}, {"owner": ""}])
    def test_are_refused_with_the_field(self, cast, now, review, changes):
        with pytest.raises(errors.Invalid) as refused:
            self.add(cast, now, review, **changes)

        assert list(refused.value.fields) == list(changes)
        assert not ReviewFinding.objects.exists()


class TestWhatThePortalKnows:
    def test_sees_whether_expiries_are_told(self, cast, now):
        stores.published(cast, *stores.whole())

        def seen(at):
            found = reviewing.facts(cast.partnership, at)
            return next((each.good, each.sentence) for each in found if (each.question, each.side) == ASKED_OF_ALDER)

        assert seen(now) == (False, "The portal has not looked for coming expiries yet.")
        expiries.tell_expiries(now=now)
        assert seen(now + DAY) == (True, "The portal looks for coming expiries, and told of 0 in the last 90 days.")
        assert not seen(now + 3 * DAY)[0]

    def test_sees_expired_certificates_in_a_store(self, cast, now):
        stores.published(cast, *stores.whole())
        after = stores.hierarchy("Alder").issuing.certificate.not_valid_after_utc + DAY

        later = reviews.open_now(actor=cast.alder.officer.actor, partnership=cast.partnership, now=after)

        facts = {(each["question"], each["side"]): each for each in later.facts}
        assert not facts["none_expired", "birch"]["good"]
        assert facts["none_expired", "alder"]["good"]


class TestPages:
    def test_show_answer_and_sign_off(self, cast, review):
        client, slug = cast.alder.officer.client(), cast.partnership.slug
        assert "All certificates are in the inventory" in client.get(reverse("review", args=[slug, 1])).content.decode()
        client.post(reverse("review_answer", args=[slug, 1]), {f"yes_{question.key}": "yes" for question in ASKED})
        client.post(reverse("review_sign_off", args=[slug, 1]))

        text = cast.birch.viewer.client().get(reverse("review", args=[slug, 1])).content.decode()
        assert "signed off by Alder Officer" in text

    def test_take_findings(self, cast, review):
        client, slug = cast.alder.officer.client(), cast.partnership.slug
        sent = {"title": "Old key", "severity": "high", "action": "Replace it", "owner": "Mei", "due_on": "2027-03-01"}
        client.post(reverse("review_finding_add", args=[slug, 1]), sent)
        wrong = client.post(reverse("review_finding_add", args=[slug, 1]), sent | {"due_on": "soon"})

        assert "Old key" in client.get(reverse("reviews", args=[slug])).content.decode()
        assert wrong.status_code == 400
        client.post(reverse("review_finding_close", args=[slug, ReviewFinding.objects.get().pk]), {"note": "Replaced"})
        assert ReviewFinding.objects.get().closed_at

    def test_ask_what_was_done_about_a_finding_before_closing_it(self, cast, review):
        client, slug = cast.alder.officer.client(), cast.partnership.slug
        for title in ("Old key", "Old CRL"):
            sent = {"title": title, "severity": "low", "action": "Renew", "owner": "Mei", "due_on": "2027-03-01"}
            client.post(reverse("review_finding_add", args=[slug, 1]), sent)
        finding = ReviewFinding.objects.get(title="Old CRL")

        answer = client.post(reverse("review_finding_close", args=[slug, finding.pk]), {"note": " "})

        page = answer.content.decode()
        assert answer.status_code == 400
        assert f'<a href="#{finding.pk}-note">Enter what was done.</a>' in page
        assert page.count("There is a problem") == 1
        assert not ReviewFinding.objects.exclude(closed_at=None).exists()

    def test_say_that_a_note_without_an_answer_is_not_kept(self, cast, review):
        client, slug, question = cast.alder.officer.client(), cast.partnership.slug, ASKED[0]

        page = client.post(
            reverse("review_answer", args=[slug, 1]), {f"note_{question.key}": "Since May."}, follow=True
        ).content.decode()

        assert f"Your note was not kept, because yes or no was missing: {question.text}" in page
