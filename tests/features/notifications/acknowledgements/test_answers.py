"""Answering a notice: who may, what it does, and who is told."""

from datetime import timedelta

import pytest

from notifications.acknowledgements import documents, queries, services
from notifications.acknowledgements.models import NoticeAnswer
from notifications.acknowledgements.rules import Answer, State
from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from portal import errors
from portal.audit.models import Event
from portal.organizations import acting
from portal.organizations.models import ApiToken
from tests.makers import notices, stores
from trust.notices import document, life
from trust.notices.rules import State as NoticeState


def answer(cast, notice, now, what=Answer.ACKNOWLEDGED, *, actor=None, message=""):
    return services.answer(
        notice=notice, actor=actor or cast.birch.responder.actor, now=now, answer=what, message=message
    )


def token(company, now, *scopes) -> acting.Actor:
    made = ApiToken.objects.create(
        organization=company.organization,
        name="bot",
        hint="txa_1234",
        digest="d" * 64,
        created_at=now,
        expires_at=now + timedelta(days=1),
        scopes=list(scopes),
        created_by=company.admin.user,
    )
    return acting.api_token(made)


class TestAcknowledge:
    def test_is_seen_by_the_sender(self, cast, notice, now):
        answer(cast, notice, now)

        event = Event.objects.get(kind="acknowledgement.acknowledged")
        assert event.partnership_id == cast.partnership.pk
        assert event.data["person"] == cast.birch.responder.user.name

    def test_stops_escalation(self, cast, notice, now):
        answer(cast, notice, now)

        services.sweep(now=now + timedelta(hours=2))

        assert not Event.objects.filter(kind="acknowledgement.escalated").exists()

    def test_tells_the_second_who_was_first(self, cast, notice, now):
        answer(cast, notice, now)

        second = answer(cast, notice, now + timedelta(seconds=3), actor=cast.birch.officer.actor)

        assert not second.first
        assert second.clock.acknowledged_by == cast.birch.responder.user
        assert Event.objects.filter(kind="acknowledgement.acknowledged").count() == 1

    @pytest.mark.parametrize("person", ["officer", "verifier", "responder"])
    def test_is_for_those_on_call(self, cast, notice, now, person):
        assert answer(cast, notice, now, actor=getattr(cast.birch, person).actor).first

    @pytest.mark.parametrize("person", ["admin", "viewer"])
    def test_is_not_for(self, cast, notice, now, person):
        with pytest.raises(errors.NotAllowed):
            answer(cast, notice, now, actor=getattr(cast.birch, person).actor)

    def test_needs_a_second_factor(self, cast, notice, now):
        with pytest.raises(errors.StepUpRequired):
            answer(cast, notice, now, actor=cast.birch.responder.actor_without_step_up)

    def test_is_not_for_the_sender_or_a_stranger(self, cast, notice, now):
        for company in (cast.alder, cast.cedar):
            with pytest.raises(errors.NotFound):
                answer(cast, notice, now, actor=company.officer.actor)
        assert not NoticeAnswer.objects.exists()

    def test_is_for_a_token_of_that_scope_only(self, cast, notice, now):
        with pytest.raises(errors.NotAllowed):
            answer(cast, notice, now, actor=token(cast.birch, now, "read", "notices"))
        ApiToken.objects.all().delete()

        assert answer(cast, notice, now, actor=token(cast.birch, now, "acknowledge")).first

    def test_is_refused_while_the_senders_key_is_not_verified(self, cast, now):
        stores.published(cast)
        notice = notices.make_signer(cast, name="Unverified Alder", verified=False).send().notice

        with pytest.raises(errors.Conflict):
            answer(cast, notice, now)


class TestOtherAnswers:
    @pytest.mark.parametrize("what", [Answer.DONE, Answer.CANNOT_ACT])
    def test_need_a_sentence(self, cast, notice, now, what):
        with pytest.raises(errors.Invalid):
            answer(cast, notice, now, what)

    def test_cannot_act_alerts_the_sender_at_once(self, cast, notice, now):
        answer(cast, notice, now, Answer.CANNOT_ACT, message="Change freeze until Monday.")
        fanout.sweep(now=now)

        item = InboxItem.objects.filter(membership=cast.alder.officer.membership, urgent=True).latest("event")
        assert "cannot act" in item.subject

    def test_done_closes_a_notice_that_the_services_have_adopted(self, cast, alder, now):
        notice = alder.send(effective_date=alder.members()["timestamp"]).notice
        life.sweep(now=now)

        answer(cast, notice, now, Answer.DONE, message="All twelve restarted.")

        notice.refresh_from_db()
        assert notice.state == NoticeState.CLOSED

    def test_done_waits_for_the_services(self, cast, alder, now):
        from trust.consumers.models import Consumer, PullRecord
        from trust.stores.models import TrustStore

        store = TrustStore.objects.get()
        consumer = Consumer.objects.create(organization=cast.birch.organization, name="recon-batch", created_at=now)
        consumer.stores.add(store)
        pull = PullRecord.objects.create(consumer=consumer, store=store, pulled_at=now, version_number=1)
        notice = alder.send(effective_date=alder.members()["timestamp"]).notice
        answer(cast, notice, now, Answer.DONE, message="I think so.")
        life.sweep(now=now)
        services.sweep(now=now)
        notice.refresh_from_db()
        assert notice.state == NoticeState.EXECUTED

        PullRecord.objects.filter(pk=pull.pk).update(version_number=2)
        life.sweep(now=now)
        services.sweep(now=now)

        notice.refresh_from_db()
        assert notice.state == NoticeState.CLOSED


class TestSigned:
    def signed(self, cast, about, now, **changes):
        birch = notices.make_signer(cast, name="Birch", sender=cast.birch)
        members = documents.members_to_sign(about, Answer.ACKNOWLEDGED, now=now) | changes
        return birch.signed(document.canonical(members))

    def test_counts_and_is_kept_as_it_came(self, cast, notice, now):
        content, signature = self.signed(cast, notice, now)

        answered = documents.take(
            notice=notice, actor=cast.birch.officer.actor, now=now, content=content, signature=signature
        )

        kept = NoticeAnswer.objects.get()
        assert answered.first
        assert (bytes(kept.document), bytes(kept.signature), kept.via) == (content, signature, "document")

    def test_replayed_changes_nothing(self, cast, notice, now):
        content, signature = self.signed(cast, notice, now)
        take = {"notice": notice, "actor": cast.birch.officer.actor, "content": content, "signature": signature}
        documents.take(now=now, **take)

        again = documents.take(now=now + timedelta(days=9), **take)

        assert not again.first
        assert NoticeAnswer.objects.count() == 1

    @pytest.mark.parametrize(
        "changes",
        [{"payload_sha256": "0" * 64}, {"notice": "AL-2020-001"}, {"issuer": "cedar"}, {"answer": "opened"}],
        ids=["other bytes", "another notice", "another organization", "no answer"],
    )
    def test_is_bound_to_the_notices_bytes(self, cast, notice, now, changes):
        content, signature = self.signed(cast, notice, now, **changes)

        with pytest.raises(errors.Invalid):
            documents.take(notice=notice, actor=cast.birch.officer.actor, now=now, content=content, signature=signature)

        assert queries.clock_of(notice).state == State.OPEN

    def test_by_a_key_that_is_not_the_receivers_is_refused(self, cast, alder, notice, now):
        members = documents.members_to_sign(notice, Answer.ACKNOWLEDGED, now=now)
        content, signature = alder.signed(document.canonical(members))

        with pytest.raises(errors.Invalid) as refused:
            documents.take(notice=notice, actor=cast.birch.officer.actor, now=now, content=content, signature=signature)

        assert refused.value.code == "signature_unknown_key"


def test_mail_and_inbox_go_to_everybody_on_call_and_to_nobody_else(cast, notice, now):
    fanout.sweep(now=now)

    event = Event.objects.get(kind="notice.received")
    people = {
        each.membership.pk
        for each in (cast.birch.officer, cast.birch.second_officer, cast.birch.verifier, cast.birch.responder)
    }
    assert set(InboxItem.objects.filter(event=event).values_list("membership_id", flat=True)) == people
    mails = Delivery.objects.filter(event=event, channel="mail")
    assert {each.recipient for each in mails} == {str(each) for each in people}
    assert all(each.urgent for each in mails)


def test_who_took_it_is_told_so_others_may_sleep_and_the_sender_is_told_neither(cast, notice):
    page = f"/notices/{notice.label}/"
    cast.birch.responder.client().post(f"{page}acknowledge/")

    taker, colleague, sender = (
        person.client().get(page).content.decode()
        for person in (cast.birch.responder, cast.birch.officer, cast.alder.officer)
    )

    assert "You have it since" in taker
    assert "go back to sleep" not in taker
    name = cast.birch.responder.user.name
    assert f"{name} has it since" in colleague
    assert "You can help, or go back to sleep." in colleague
    assert f"{name} has it since" in sender
    assert "go back to sleep" not in sender
