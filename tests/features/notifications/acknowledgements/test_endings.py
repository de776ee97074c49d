"""Notices whose key is verified after they came, their end, evidence of what was done, and the preview of a policy."""

import hashlib
from datetime import timedelta

import pytest

from notifications.acknowledgements import queries, rules, services
from notifications.acknowledgements.models import EscalationPolicy, NoticeAnswer, NoticeClock
from notifications.acknowledgements.rules import Answer
from portal import errors
from portal.audit.models import Event
from tests.makers import notices, stores
from trust.notices import life
from trust.notices.rules import State

EVIDENCE = hashlib.sha256(b"report.pdf").hexdigest()


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


class TestVerifiedLater:
    LATER = timedelta(days=3)

    @pytest.fixture
    def unverified(self, cast):
        stores.published(cast)
        return notices.make_signer(cast, verified=False)

    def verify(self, cast, signer, now):
        notices.verify(cast, signer.holder.fingerprint, owner=cast.alder, relying=cast.birch)
        life.sweep(now=now + self.LATER)

    def test_gives_the_receiver_the_whole_time_to_acknowledge(self, cast, now, unverified):
        notice = unverified.send().notice
        whole = notice.acknowledge_by - notice.received_at

        self.verify(cast, unverified, now)

        notice.refresh_from_db()
        assert notice.key_verified
        assert notice.acknowledge_by == now + self.LATER + whole

    def test_starts_the_clock_then_and_escalates_nothing_at_once(self, cast, now, unverified):
        notice = unverified.send().notice
        self.verify(cast, unverified, now)

        services.sweep(now=now + self.LATER + timedelta(seconds=5))

        assert not Event.objects.filter(kind__startswith="acknowledgement.").exists()
        plan = queries.plan_of(NoticeClock.objects.get(notice=notice))
        assert [each.mark for each in plan][-1] is rules.Mark.OVERDUE
        assert min(each.at for each in plan) > now + self.LATER
        told = Event.objects.filter(kind="notice.received").get()
        assert told.data["acknowledge_by"] > notice.members["timestamp"]

    def test_lets_it_withdraw_what_it_names(self, cast, now, unverified):
        first = unverified.send().notice
        second = unverified.send(
            kind="withdrawal", certificate_sha256=None, revocation_reason=None, withdraws=first.message_id
        ).notice
        assert second.state == State.UNVERIFIED

        self.verify(cast, unverified, now)

        first.refresh_from_db()
        assert first.state == State.WITHDRAWN
        assert Event.objects.filter(kind="notice.withdrawn").count() == 1

    def test_is_no_error_when_what_it_names_took_effect_meanwhile(self, cast, now, unverified):
        first = unverified.send().notice
        second = unverified.send(
            kind="withdrawal", certificate_sha256=None, revocation_reason=None, withdraws=first.message_id
        ).notice
        type(first).objects.filter(pk=first.pk).update(state=State.EXECUTED)

        self.verify(cast, unverified, now)

        second.refresh_from_db()
        assert second.key_verified
        first.refresh_from_db()
        assert first.state in (State.EXECUTED, State.ADOPTED), "what was removed stays removed"


class TestClose:
    @pytest.fixture
    def adopted(self, alder):
        notice = alder.send().notice
        type(notice).objects.filter(pk=notice.pk).update(state=State.ADOPTED)
        notice.refresh_from_db()
        return notice

    @pytest.mark.parametrize("company", ["alder", "birch"])
    def test_is_open_to_either_side_once_the_services_have_moved(self, cast, adopted, company):
        browser = getattr(cast, company).officer.client()
        address = f"/notices/{adopted.label}/close/"
        assert address.encode() in browser.get(f"/notices/{adopted.label}/").content

        browser.post(address)

        adopted.refresh_from_db()
        assert adopted.state == State.CLOSED
        assert Event.objects.filter(kind="notice.closed").count() == 1

    def test_over_the_api(self, cast, adopted):
        answer = cast.birch.officer.client().post(f"/api/v1/notices/{adopted.label}/closing")

        assert (answer.status_code, answer.json()["state"]) == (200, "closed")

    def test_is_refused_before(self, cast, now, alder):
        notice = alder.send().notice

        answer = cast.birch.officer.client().post(f"/api/v1/notices/{notice.label}/closing")

        assert (answer.status_code, answer.json()["code"]) == (409, "not_adopted")
        with pytest.raises(errors.NotFound):
            life.close(notice=notice, actor=cast.cedar.officer.actor, now=now)

    def test_is_nothing_for_a_stranger(self, cast, adopted):
        assert cast.cedar.officer.client().post(f"/notices/{adopted.label}/close/").status_code == 404


class TestEvidence:
    def test_is_kept_with_what_was_done(self, cast, alder):
        notice = alder.send().notice
        browser = cast.birch.responder.client()

        answer = browser.post(
            f"/api/v1/notices/{notice.label}/acknowledgement",
            {"answer": "done", "message": "All restarted.", "evidence_sha256": EVIDENCE.upper()},
            content_type="application/json",
        )

        assert answer.json()["answers"][0]["evidence_sha256"] == EVIDENCE
        assert Event.objects.get(kind="acknowledgement.done").data["evidence_sha256"] == EVIDENCE

    def test_in_the_browser_too(self, cast, alder):
        notice = alder.send().notice

        cast.birch.responder.client().post(
            f"/notices/{notice.label}/answer/",
            {"answer": "done", "message": "All restarted.", "evidence_sha256": EVIDENCE},
        )

        assert NoticeAnswer.objects.get(answer=Answer.DONE).evidence_sha256 == EVIDENCE

    @pytest.mark.parametrize("wrong", ["abc", 7, "g" * 64, None])
    def test_that_is_no_digest_is_refused(self, cast, alder, wrong):
        notice = alder.send().notice

        answer = cast.birch.responder.client().post(
            f"/api/v1/notices/{notice.label}/acknowledgement",
            {"answer": "done", "message": "x", "evidence_sha256": wrong},
            content_type="application/json",
        )

        assert answer.status_code == 400
        assert not NoticeAnswer.objects.exists()


class TestPolicyPreview:
    STEPS = {
        "after_1": "0", "who_1": ["responders"],
        "after_2": "45", "who_2": ["admins"], "sender_2": "on",
    }  # fmt: skip

    def test_draws_the_clock_and_saves_nothing(self, cast):
        page = cast.birch.admin.client().post("/notices/escalation/", self.STEPS | {"preview": "yes"})

        assert page.status_code == 200
        text = page.content.decode()
        assert "The policy as you typed it" in text
        assert "After 45 min:" in text
        assert not EscalationPolicy.objects.exists()
        assert not Event.objects.filter(kind="acknowledgement.policy_changed").exists()

    def test_says_why_one_cannot_be_used(self, cast):
        page = cast.birch.admin.client().post("/notices/escalation/", self.STEPS | {"after_2": "0", "preview": "yes"})

        assert page.status_code == 400
        assert "Each step comes later than the one before." in page.content.decode()
