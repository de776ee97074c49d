"""Answering a notice, and what happens in silence."""

import json
from datetime import timedelta

import pytest

from notifications.acknowledgements import documents, queries, services
from notifications.acknowledgements.models import NoticeAnswer, NoticeClock
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


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def notice(alder):
    return alder.send().notice


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


class TestSilence:
    def kinds(self) -> list[str]:
        return list(
            Event.objects.filter(kind__startswith="acknowledgement.")
            .order_by("sequence")
            .values_list("kind", flat=True)
        )

    def test_reminds_escalates_tells_the_sender_and_is_overdue(self, cast, notice, now):
        for minutes in (0, 14, 16, 29, 31, 89, 91, 239, 241, 500):
            services.sweep(now=now + timedelta(minutes=minutes))

        assert self.kinds() == [
            "acknowledgement.reminded",
            "acknowledgement.escalated",
            "acknowledgement.escalated",
            "acknowledgement.sender_told",
            "acknowledgement.overdue",
        ]

    def test_skips_no_level_while_the_portal_was_down(self, cast, notice, now):
        services.sweep(now=now + timedelta(hours=5))

        assert len(self.kinds()) == 5

    def test_tells_a_level_by_name(self, cast, notice, now):
        services.sweep(now=now + timedelta(minutes=31))
        fanout.sweep(now=now)

        event = Event.objects.get(kind="acknowledgement.escalated")
        told = set(InboxItem.objects.filter(event=event).values_list("membership_id", flat=True))
        assert told == {cast.birch.officer.membership.pk, cast.birch.second_officer.membership.pk}

    def test_hides_from_the_sender_whom_it_told(self, cast, notice, now):
        services.sweep(now=now + timedelta(minutes=91))

        assert Event.objects.filter(kind="acknowledgement.escalated").exclude(partnership_id=None).count() == 0
        assert Event.objects.get(kind="acknowledgement.sender_told").partnership_id == cast.partnership.pk

    def test_says_again_what_was_acknowledged_and_is_not_done(self, cast, notice, now):
        answer(cast, notice, now)

        services.sweep(now=now + timedelta(hours=2, minutes=59))
        assert "acknowledgement.unfinished" not in self.kinds()
        services.sweep(now=now + timedelta(hours=3))
        services.sweep(now=now + timedelta(hours=7))

        assert self.kinds().count("acknowledgement.unfinished") == 2

    def test_rests_when_the_notice_was_withdrawn(self, cast, alder, notice, now):
        services.sweep(now=now)
        alder.send(kind="withdrawal", withdraws=notice.message_id)

        services.sweep(now=now + timedelta(hours=5))

        assert not Event.objects.filter(kind="acknowledgement.overdue", subject_id=str(notice.pk)).exists()

    def test_of_a_rehearsal_runs_the_same_clock(self, cast, alder, now):
        alder.send(rehearsal=True)

        services.sweep(now=now + timedelta(hours=5))

        assert len(self.kinds()) == 5
        assert Event.objects.filter(kind="acknowledgement.overdue", data__rehearsal=True).exists()


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


class TestPages:
    def page(self, person, path, **headers):
        return person.client().get(path, headers=headers)

    def test_show_one_button_above_everything(self, cast, notice):
        page = self.page(cast.birch.responder, f"/notices/{notice.label}/").content.decode()

        assert page.count('class="btn p') == 1
        assert "Nobody has acknowledged this yet" in page
        assert "Tells" in page
        assert "Changes no trust store." in page

    def test_get_changes_nothing_and_the_button_does(self, cast, notice):
        client = cast.birch.responder.client()
        events = Event.objects.count()
        for path in (f"/n/{notice.label}/", f"/notices/{notice.label}/", f"/notices/{notice.label}/acknowledge/"):
            client.get(path)
            client.get(path)
        assert (Event.objects.count(), NoticeClock.objects.count()) == (events, 0)

        client.post(f"/notices/{notice.label}/acknowledge/")

        assert queries.clock_of(notice).state == State.ACKNOWLEDGED

    def test_opening_is_a_fact_of_its_own(self, cast, notice):
        cast.birch.responder.client().post(f"/notices/{notice.label}/opened/")

        assert NoticeAnswer.objects.get().answer == Answer.OPENED
        assert queries.clock_of(notice).state == State.OPEN
        seen = self.page(cast.birch.officer, f"/notices/{notice.label}/").content.decode()
        assert "<strong>Opened.</strong> By " in seen

    @pytest.mark.parametrize("tab", ["received", "sent"])
    def test_list_them_for_both_sides(self, cast, notice, tab):
        company = cast.alder if tab == "sent" else cast.birch

        page = self.page(company.officer, f"/notices/?tab={tab}").content.decode()

        assert notice.label in page

    def test_show_the_sender_the_answer_and_not_the_button(self, cast, notice, now):
        answer(cast, notice, now)

        page = self.page(cast.alder.officer, f"/notices/{notice.label}/").content.decode()

        assert cast.birch.responder.user.name in page
        assert "acknowledge/" not in page

    def test_are_nothing_for_a_stranger(self, cast, notice):
        for path in (f"/n/{notice.label}/", f"/notices/{notice.label}/", f"/notices/{notice.label}/signed"):
            assert self.page(cast.cedar.officer, path).status_code == 404

    def test_say_when_the_sender_is_not_verified(self, cast):
        stores.published(cast)
        notice = notices.make_signer(cast, name="Unverified Alder", verified=False).send().notice

        page = self.page(cast.birch.responder, f"/notices/{notice.label}/").content.decode()

        assert "We cannot tell who sent this. Do not act on it alone: call Alder." in page
        assert "acknowledge/" not in page

    def test_remove_early_by_a_responder(self, cast, notice):
        from trust.stores.models import TrustStore

        cast.birch.responder.client().post(f"/notices/{notice.label}/remove/")

        assert TrustStore.objects.get().current_number == 2

    def test_are_text_for_a_terminal(self, cast, notice):
        page = self.page(cast.birch.responder, f"/notices/{notice.label}/", accept="text/plain")

        text = page.content.decode()
        assert page["Content-Type"].startswith("text/plain")
        assert "What to do:" in text
        assert notice.certificate.sha256[:4].upper() in text
        assert "\x1b" not in text

    @pytest.mark.parametrize(
        "state", ["announced", "executed", "adopted", "closed", "superseded", "withdrawn", "unverified"]
    )
    @pytest.mark.parametrize("said", ["open", "acknowledged", "done", "cannot_act"])
    def test_exist_in_each_state(self, cast, notice, now, state, said):
        from trust.notices.models import Notice

        services.begin(notice)
        NoticeClock.objects.update(
            state=said, acknowledged_at=now, acknowledged_by_label="Priya Nair", done_at=now, cannot_act_at=now
        )
        Notice.objects.update(state=state)

        for company in (cast.alder, cast.birch):
            assert self.page(company.officer, f"/notices/{notice.label}/").status_code == 200

    def test_change_the_policy(self, cast):
        client = cast.birch.admin.client()

        page = client.post(
            "/notices/escalation/", {"after_1": 0, "who_1": ["responders"], "after_2": 10, "who_2": ["admins"]}
        )

        assert page.status_code == 302
        assert len(queries.policy_of(cast.birch.organization)) == 2
        assert "After 10 min" in client.get("/notices/escalation/").content.decode()

    def test_compose_sign_and_send(self, cast, alder):
        from django.core.files.uploadedfile import SimpleUploadedFile

        from tests.makers.stores import hierarchy
        from trust.notices.models import Notice, NoticeDraft

        client = cast.alder.officer.client()
        assert client.get("/notices/new/").status_code == 200
        chosen = client.post("/notices/new/", {"partnership": "alder-birch", "kind": "ca_revocation"})
        assert client.get(chosen.url).status_code == 200
        composed = client.post(
            chosen.url,
            {
                "certificate": hierarchy("Alder").issuing.sha256,
                "revocation_reason": "keyCompromise",
                "tlp": "TLP:AMBER",
            },
        )
        draft = NoticeDraft.objects.get()
        preview = client.get(composed.url).content.decode()
        content = client.get(f"{composed.url}notice.json").content
        signature = SimpleUploadedFile("notice.json.asc", alder.holder.sign_detached(content))
        sent = client.post(composed.url, {"signature": signature})

        notice = Notice.objects.get()
        assert "It leaves your partner" in preview
        assert (bytes(notice.payload), sent.url) == (bytes(draft.content), f"/notices/{notice.label}/")

    @pytest.mark.parametrize("kind", [kind.value for kind in document.Kind])
    def test_compose_each_kind(self, cast, alder, kind):
        assert cast.alder.officer.client().get(f"/notices/new/alder-birch/{kind}/").status_code == 200


class TestApi:
    def headers(self, company, now, *scopes):
        from portal.organizations import tokens

        secret, hint, digest = tokens.make(tokens.API_PREFIX)
        from django.utils import timezone

        ApiToken.objects.create(
            organization=company.organization,
            name="bot",
            hint=hint,
            digest=digest,
            created_at=now,
            expires_at=timezone.now() + timedelta(days=1),
            scopes=list(scopes),
            created_by=company.admin.user,
        )
        return {"Authorization": f"Bearer {secret}"}

    def test_takes_the_guides_own_form(self, cast, alder, now, client):
        members = alder.members()
        _, signature = alder.signed(members)
        headers = self.headers(cast.alder, now, "notices")

        first = client.post(
            "/api/v1/certificate-alerts",
            json.dumps(members | {"signature": signature.decode()}),
            content_type="application/json",
            headers=headers,
        )
        again = client.post(
            "/api/v1/certificate-alerts",
            json.dumps(members | {"signature": signature.decode()}),
            content_type="application/json",
            headers=headers,
        )

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert again["Idempotent-Replay"] == "true"

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[" * 100_000, b'{"signature": 1}', b"\xff\xfe", b'{"notice": 3, "signature": "x"}']
    )
    def test_answers_garbage_with_a_problem_document(self, cast, alder, now, client, body):
        answered = client.post(
            "/api/v1/certificate-alerts",
            body,
            content_type="application/json",
            headers=self.headers(cast.alder, now, "notices"),
        )

        assert answered.status_code in (400, 413)
        assert answered["Content-Type"] == "application/problem+json"

    def test_shows_a_gap_in_the_feed(self, cast, alder, notice, now, client):
        second = alder.send().notice

        feed = client.get("/api/v1/notices?after=1", headers=self.headers(cast.birch, now, "read")).json()

        assert feed["latest_sequence"] == 2
        assert [each["label"] for each in feed["results"]] == [second.label]

    def test_acknowledges(self, cast, notice, now, client):
        path = f"/api/v1/notices/{notice.label}"
        headers = self.headers(cast.birch, now, "acknowledge")

        answered = client.post(
            f"{path}/acknowledgement", {"answer": "acknowledged"}, content_type="application/json", headers=headers
        )

        assert (answered.status_code, answered.json()["first"]) == (200, True)
        assert client.get(path, headers=headers).json()["acknowledgement"]["state"] == "acknowledged"

    def test_gives_the_night_page_as_text(self, cast, notice, now, client):
        headers = self.headers(cast.birch, now, "read") | {"Accept": "text/plain"}

        answered = client.get(f"/api/v1/notices/{notice.label}", headers=headers)

        assert answered["Content-Type"].startswith("text/plain")
        assert b"What to do:" in answered.content

    def test_takes_a_distress_notice_without_a_token(self, cast, alder, now, client):
        members = alder.members(distress=True, valid_until=document.stamp(now + timedelta(days=9)), effective_date=None)
        content, signature = alder.signed(members)

        answered = client.post(
            "/api/v1/distress-notices",
            {"notice": content.decode(), "signature": signature.decode()},
            content_type="application/json",
        )

        from trust.notices.models import Notice

        assert (answered.status_code, answered.json()["takes_effect"]) == (201, "at_once")
        assert Notice.objects.get().state == NoticeState.EXECUTED

    def test_publishes_the_schemas(self, client, db):
        for kind in [*(kind.value for kind in document.Kind), "common"]:
            assert client.get(f"/api/v1/notice-schemas/{kind}").json()["$schema"].endswith("2020-12/schema")

    def test_serves_the_deny_list(self, cast, alder, now, client):
        alder.send(
            kind="certificate_revocation",
            certificate_serial="0a1b2c",
            certificate_issuer_sha256=stores.hierarchy("Alder").issuing.sha256,
            revocation_reason="keyCompromise",
            effective_date=alder.members()["timestamp"],
        )

        listed = client.get(
            "/api/v1/trust-stores/alder-prod/deny-list", headers=self.headers(cast.birch, now, "read")
        ).json()

        assert listed["denied"][0]["serial"] == "a1b2c"


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
