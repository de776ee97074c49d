"""Each row of Home's list is there for whoever can do it, leads to a page that opens, and leaves when it is done."""

from datetime import timedelta

from notifications.acknowledgements import services as acknowledgements
from notifications.acknowledgements.rules import Answer
from portal.dashboard import desk, duties, needs
from portal.dashboard.desk import Desk
from tests.makers import calls, consumers, notices, stores
from tests.moments import EVERYTHING_VALID as NOW
from trust.consumers.models import ConsumerToken, PullRecord
from trust.keys.models import OpenPgpKey
from trust.notices import document
from trust.stores.services import withdraw_certificates


def titles(actor, now=NOW):
    return [need.title for need in needs.of(actor, now)]


def pulled(consumer, store, number, at):
    PullRecord.objects.create(consumer=consumer, store=store, pulled_at=at, version_number=number)


class TestOrder:
    def test_puts_what_breaks_trust_before_what_waits(self, cast):
        calls.request(cast)
        cast.partnership.refresh_from_db()
        calls.mismatched(cast, calls.request(cast))

        tints = [need.tint for need in needs.of(cast.birch.officer.actor, NOW)]

        assert tints[0] == "bad"
        assert tints == sorted(tints, key=["bad", "warn", "info"].index)


class TestMismatch:
    def test_stays_with_both_sides_until_each_has_written_what_happened(self, cast):
        calls.mismatched(cast, calls.request(cast))

        for side in (cast.alder, cast.birch):
            assert len(list(needs.mismatches_to_write_about(Desk(side.officer.actor, NOW)))) == 1
        assert list(needs.mismatches_to_write_about(Desk(cast.cedar.officer.actor, NOW))) == []


class TestConsumers:
    def test_are_named_when_they_went_silent(self, cast):
        stores.published(cast, *stores.whole())
        consumer, _ = consumers.registered(cast, "recon-batch")
        pulled(consumer, consumers.store_of(cast), 1, NOW - timedelta(hours=19))

        (need,) = duties.consumers_that_are_silent(Desk(cast.birch.admin.actor, NOW))

        assert need.title == "recon-batch is silent"
        assert "19 h ago" in need.sentence
        assert list(duties.consumers_that_are_silent(Desk(cast.birch.viewer.actor, NOW))) == []

    def test_that_keep_a_withdrawn_certificate_come_first(self, cast):
        whole = stores.whole()
        stores.published(cast, *whole)
        consumer, _ = consumers.registered(cast, "recon-batch")
        pulled(consumer, consumers.store_of(cast), 1, NOW)
        withdraw_certificates(
            store=consumers.store_of(cast),
            certificates=[whole[-1].sha256],
            actor=cast.birch.officer.actor,
            now=NOW,
            reason="Revoked by Alder.",
        )

        (need,) = duties.consumers_with_withdrawn_certificates(Desk(cast.birch.admin.actor, NOW))

        assert need.title == "recon-batch still trusts a withdrawn CA"
        assert need.tint == "bad"
        assert "It runs v1 of alder-prod" in need.sentence

    def test_are_few_of_many_and_cost_as_many_queries(self, cast, monkeypatch, django_assert_max_num_queries):
        stores.published(cast, *stores.whole())
        store = consumers.store_of(cast)
        for number in range(12):
            consumer, _ = consumers.registered(cast, f"service-{number}")
            pulled(consumer, store, 1, NOW - timedelta(hours=19))
        monkeypatch.setattr(desk, "MOST_LATE", 3)

        with django_assert_max_num_queries(6):
            found = list(duties.consumers_that_are_silent(Desk(cast.birch.admin.actor, NOW)))

        assert len(found) == 3

    def test_whose_next_token_is_made_already_are_left_alone(self, cast):
        stores.published(cast, *stores.whole())
        consumer, _ = consumers.registered(cast, "recon-batch")
        first = ConsumerToken.objects.get()
        ConsumerToken.objects.update(expires_at=NOW + timedelta(days=3))
        newer = ConsumerToken.objects.create(
            consumer=consumer,
            name="next",
            hint="x",
            digest="ab" * 32,
            created_at=NOW,
            expires_at=NOW + timedelta(days=90),
        )
        actor = cast.birch.admin.actor
        assert list(duties.consumer_tokens_that_run_out(Desk(actor, NOW))) == []

        ConsumerToken.objects.filter(pk=newer.pk).update(revoked_at=NOW)

        (need,) = duties.consumer_tokens_that_run_out(Desk(actor, NOW))
        first.refresh_from_db()
        assert need.due_at == first.expires_at

    def test_have_their_tokens_renewed_in_time(self, cast):
        stores.published(cast, *stores.whole())
        consumer, _ = consumers.registered(cast, "recon-batch")
        ConsumerToken.objects.filter(consumer=consumer).update(expires_at=NOW + timedelta(days=6))

        (need,) = duties.consumer_tokens_that_run_out(Desk(cast.birch.admin.actor, NOW))

        assert need.due_at == NOW + timedelta(days=6)


class TestKeys:
    def test_that_run_out_are_told_a_month_before(self, cast):
        key = OpenPgpKey.objects.create(
            organization=cast.alder.organization,
            fingerprint="ab" * 20,
            version=4,
            algorithm="Ed25519",
            block="",
            state="proven",
            key_created_at=NOW,
            expires_at=NOW + timedelta(days=29),
            created_at=NOW,
        )
        asked = duties.keys_that_run_out

        assert [need.due_at for need in asked(Desk(cast.alder.officer.actor, NOW))] == [key.expires_at]
        assert list(asked(Desk(cast.alder.officer.actor, NOW - timedelta(days=2)))) == []
        assert list(asked(Desk(cast.birch.officer.actor, NOW))) == []


class TestEveryRow:
    def test_leads_to_a_page_that_opens(self, cast):
        stores.published(cast, *stores.whole())
        consumer, _ = consumers.registered(cast, "recon-batch")
        pulled(consumer, consumers.store_of(cast), 1, NOW - timedelta(hours=19))
        cast.partnership.refresh_from_db()
        cast.partnership.last_verification_number = 100
        cast.partnership.save()
        calls.request(cast)
        calls.mismatched(cast, calls.request(cast))
        for person in (cast.alder.officer, cast.birch.officer, cast.birch.admin, cast.birch.verifier):
            client = person.client()
            rows, failed = needs.gather(person.actor, NOW)

            assert failed == []
            for need in rows:
                assert client.get(need.url).status_code == 200, (need.title, need.url)


class TestNotice:
    def test_that_took_effect_asks_for_what_is_left_and_is_late_with_nothing(self, cast):
        stores.published(cast)
        notice = notices.make_signer(cast).send(effective_date=document.stamp(NOW)).notice
        acknowledgements.answer(notice=notice, actor=cast.birch.responder.actor, now=NOW, answer=Answer.ACKNOWLEDGED)
        later = NOW + timedelta(minutes=20)

        [left] = [each for each in needs.of(cast.birch.officer.actor, later) if each.title.startswith("Finish: ")]
        home = cast.birch.officer.client().get("/").content.decode()

        assert left.due_at is None
        assert "It took effect. See which services have moved" in left.sentence
        assert "Publish the trust store without it" not in home

    def test_that_comes_is_to_be_published(self, cast):
        stores.published(cast)
        notice = notices.make_signer(cast).send().notice
        acknowledgements.answer(notice=notice, actor=cast.birch.responder.actor, now=NOW, answer=Answer.ACKNOWLEDGED)

        [left] = [each for each in needs.of(cast.birch.officer.actor, NOW) if each.title.startswith("Finish: ")]

        assert left.due_at == notice.effective_at
        assert "Publish the trust store without it." in left.sentence
