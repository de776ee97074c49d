"""/metrics: guarded, right whichever process is asked, bounded, and well-formed by Prometheus' own tool."""

import shutil
import subprocess
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from portal.counting import durations
from portal.counting import services as counting
from portal.operations import jobs, services
from portal.operations.models import Job
from tests.cast import make_company, make_partnership
from tests.makers import consumers, events, notices, stores
from tests.makers.metrics import samples, text, value
from trust.certificates.models import Certificate
from trust.consumers.models import PullRecord
from trust.notices import services as notice_services
from trust.revocations.models import RevocationMention, RevocationSource
from trust.stores.models import StoreEntry, TrustStore

TOKEN = "scraper-secret"


@pytest.fixture
def guarded(settings, db):
    settings.METRICS_TOKEN = TOKEN


def ask(**headers) -> int:
    return Client().get("/metrics", **headers).status_code


class TestGuard:
    def test_lets_in_who_holds_the_token(self, guarded):
        answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain")
        assert b"trust_exchange_events_total" in answer.content

    @pytest.mark.parametrize("sent", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ä"])
    def test_shows_strangers_nothing(self, guarded, sent):
        assert ask(headers={"Authorization": sent} if sent else {}) == 404

    def test_is_closed_when_no_token_is_set(self, db, settings):
        settings.METRICS_TOKEN = ""

        assert ask(headers={"Authorization": "Bearer "}) == 404

    def test_is_not_for_members(self, guarded, cast):
        assert cast.alder.admin.client().get("/metrics").status_code == 404

    def test_lets_in_a_listed_address(self, db, settings):
        settings.METRICS_ALLOWED_ADDRESSES = ["10.1.0.0/16", "fd00::/8"]

        assert ask(REMOTE_ADDR="10.1.2.3") == 200
        assert ask(REMOTE_ADDR="fd00::1") == 200
        assert ask(REMOTE_ADDR="10.2.2.3") == 404

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
    def test_believes_no_address_behind_a_proxy(self, db, settings, header):
        settings.METRICS_ALLOWED_ADDRESSES = ["127.0.0.0/8"]

        assert ask() == 200
        assert ask(headers={header: "10.1.2.3"}) == 404

    def test_answers_only_to_reading(self, guarded):
        assert Client().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405


class TestFormat:
    def test_promtool_finds_nothing_to_improve(self, cast, now):
        promtool = shutil.which("promtool")
        if promtool is None:
            pytest.skip("promtool is not installed (Debian's package prometheus): /metrics was NOT checked by it")
        stores.published(cast)
        consumers.registered(cast)
        services.beat(name=services.WORKER, now=now)
        jobs.succeeded(name="notifications.mail.deliver", milliseconds=5, now=now)

        done = subprocess.run(
            [promtool, "check", "metrics"], input=text(now), capture_output=True, text=True, check=False
        )

        assert (done.returncode, done.stdout + done.stderr) == (0, "")

    def test_every_feature_was_read(self, db, now):
        assert set(samples(now)["trust_exchange_collector_success"].values()) == {1.0}

    def test_a_table_that_does_not_answer_hides_only_its_own_numbers(self, db, now, monkeypatch):
        from django.db import DatabaseError

        from trust.stores import metrics as broken

        def refuse(now):
            raise DatabaseError("no such table")
            yield

        monkeypatch.setattr(broken, "collect", refuse)

        assert value(now, "collector_success", collector="trust.stores") == 0
        assert value(now, "collector_success", collector="portal.audit") == 1


def published_in_a_new_partnership(number: int) -> None:
    first, second = make_company(f"Fir{number}"), make_company(f"Oak{number}")
    partnership = make_partnership(first, second)
    for each, other in ((first, second), (second, first)):
        store = TrustStore.objects.create(
            name=f"{other.organization.slug}-prod",
            relying=each.organization,
            owner=other.organization,
            partnership=partnership,
            created_at=timezone.now(),
        )
        for name in ("one", "two"):
            consumer = each.organization.consumers.create(
                name=name, created_at=timezone.now(), interval_seconds=60 + number
            )
            consumer.stores.add(store)


class TestBounds:
    def test_asks_as_many_queries_for_one_partnership_as_for_many(self, cast, now):
        stores.published(cast)
        text(now)
        cache.clear()
        with CaptureQueriesContext(connection) as few:
            text(now)
        for number in range(6):
            published_in_a_new_partnership(number)
        cache.clear()

        with CaptureQueriesContext(connection) as many:
            text(now)

        assert len(many) == len(few)
        assert len(few) < 50

    def test_lists_no_more_stores_than_the_setting_says_and_counts_all(self, cast, now, settings):
        for number in range(3):
            published_in_a_new_partnership(number)
        settings.METRICS_STORES = 2

        found = samples(now)

        assert len(found["trust_exchange_trust_store_version"]) == 2
        assert len(found["trust_exchange_trust_store_consumers"]) == 2 * 4
        assert found["trust_exchange_trust_stores"][()] == 6
        assert value(now, "consumers", state="never_pulled") == 12


class TestStores:
    def test_say_their_version_and_when_their_contents_end(self, cast, now):
        version = stores.published(cast)
        first_end = min(each.certificate.not_after for each in version.entries.all())

        of_store = {"organization": "birch", "store": "alder-prod"}
        assert value(now, "trust_store_version", **of_store) == version.number
        assert value(now, "trust_store_expiry_timestamp_seconds", **of_store) == first_end.timestamp()
        anchors = [each for each in version.entries.all() if each.role == "anchor"]
        assert value(now, "trusted_certificate_expiry_timestamp_seconds", role="anchor") == min(
            each.certificate.not_after.timestamp() for each in anchors
        )
        assert sum(samples(now)["trust_exchange_trusted_certificates"].values()) == version.entries.count()

    def test_count_what_has_ended_apart(self, cast, now):
        version = stores.published(cast)
        root = max((each.certificate for each in version.entries.all()), key=lambda each: each.not_after)

        later = root.not_after + timedelta(seconds=1)

        assert value(later, "trusted_certificates", role="anchor", ends_within="expired") == 1
        assert value(later, "trusted_certificate_expiry_timestamp_seconds", role="anchor") is None


class TestConsumers:
    @pytest.fixture
    def pulled(self, cast, now):
        version = stores.published(cast)
        consumer, _ = consumers.registered(cast)
        PullRecord.objects.create(
            consumer=consumer, store=version.store, pulled_at=now, version_number=version.number, pull_count=3
        )
        return consumer

    def test_that_run_the_current_version_are_current(self, pulled, now):
        assert value(now, "consumers", state="current") == 1
        assert value(now, "pulls_total") == 3

    def test_that_run_an_older_version_are_behind(self, pulled, now):
        TrustStore.objects.update(current_number=9)

        assert value(now, "consumers", state="behind") == 1
        assert value(now, "trust_store_consumers", organization="birch", store="alder-prod", state="behind") == 1

    @pytest.mark.parametrize(("missed", "state"), [(2, "current"), (2.01, "silent")])
    def test_that_missed_two_pulls_are_silent(self, pulled, now, missed, state):
        later = now + missed * timedelta(seconds=pulled.interval_seconds)

        assert value(later, "consumers", state=state) == 1

    def test_that_were_retired_count_no_more(self, pulled, now):
        pulled.retired_at = now
        pulled.save()

        assert value(now, "consumers", state="current") == 0


class TestNotices:
    def test_count_by_urgency_and_age_until_somebody_acknowledges(self, cast, now):
        stores.published(cast)
        notices.make_signer(cast).send(now=now)

        assert value(now, "notices_unacknowledged", urgency="urgent", age_within="1h") == 1
        later = now + timedelta(hours=30)
        assert value(later, "notices_unacknowledged", urgency="urgent", age_within="7d") == 1
        assert value(later, "notices_unacknowledged_oldest_age_seconds") == 30 * 3600
        assert value(later, "notices_overdue") == 1

    def test_say_how_long_one_is_due_that_has_not_taken_effect(self, cast, now):
        stores.published(cast)
        notices.make_signer(cast).send(now=now)

        assert value(now, "notice_effect_delay_seconds") == 0
        assert value(now + notices.LEAD + timedelta(minutes=5), "notice_effect_delay_seconds") == 300


class TestDeliveries:
    def test_say_how_long_the_oldest_event_and_delivery_wait(self, cast, now):
        events.record(cast.alder.organization, now)
        assert value(now + timedelta(seconds=30), "events_oldest_unread_age_seconds") == 30

        fanout.sweep(now=now)

        assert value(now + timedelta(seconds=30), "events_oldest_unread_age_seconds") == 0
        assert value(now + timedelta(seconds=40), "delivery_oldest_due_age_seconds", channel="mail") == 40
        assert value(now, "deliveries_due", channel="mail") == Delivery.objects.count()
        assert value(now, "dead_letters_total", channel="webhook") == 1

    def test_the_log_and_the_fan_out_count_alike(self, cast, now):
        events.record(cast.alder.organization, now)
        fanout.sweep(now=now)

        assert value(now, "events_total") == value(now, "events_read_total") == 1


class TestCounters:
    def test_a_failed_sign_in_is_counted_by_whichever_process_answered(self, cast, now):
        for _ in range(2):
            Client().post("/account/login/", {"login": "olga@portal.example", "password": "wrong wrong wrong"})

        assert value(now, "sign_in_failures_total", step="password") == 2
        assert value(now, "sign_in_failures_total", step="second_factor") == 0

    def test_a_bad_signature_is_counted_although_the_request_changed_nothing(self, cast, now):
        signer = notices.make_signer(cast)
        content, signature = signer.signed(signer.members())

        with pytest.raises(Exception, match="signature"):
            notice_services.submit(actor=cast.alder.officer.actor, now=now, content=content + b" ", signature=signature)
        counting.write_down()

        assert value(now, "signature_verdicts_total", of="notice", verdict="bad") == 1

    def test_counts_from_two_processes_add_up(self, db, now):
        for _ in range(2):
            counting.add("sign_in_failures", step="password")
            counting.write_down()

        assert value(now, "sign_in_failures_total", step="password") == 2


class TestProcesses:
    def test_a_job_says_when_it_last_ended_well(self, db, now):
        jobs.succeeded(name="trust.notices.sweep", milliseconds=12, now=now)
        jobs.failed(name="trust.notices.sweep", failure="OperationalError", now=now + timedelta(seconds=9))

        assert value(now, "job_last_success_timestamp_seconds", task="trust.notices.sweep") == now.timestamp()
        assert value(now, "job_interval_seconds", task="trust.notices.sweep") == 10
        assert Job.objects.get().failure == "OperationalError"

    def test_the_broker_says_how_many_messages_wait(self, db, now):
        from portal.celery import app

        before = value(now, "broker_messages")

        app.send_task("portal.operations.heartbeat")

        assert value(now, "broker_up") == 1
        assert value(now, "broker_messages") == before + 1

    def test_a_broker_that_is_away_is_said_and_hides_nothing_else(self, db, now, monkeypatch):
        from portal.celery import app

        monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")

        found = samples(now)

        assert found["trust_exchange_broker_up"][()] == 0
        assert "trust_exchange_broker_messages" not in found
        assert "trust_exchange_events_total" in found


class TestRevocation:
    @pytest.fixture
    def watched(self, cast, now):
        """A CRL address of Alder's accepted root, whose list ends in six hours."""
        version = stores.published(cast)
        certificate = version.entries.first().certificate
        made = RevocationSource.objects.create(
            owner=cast.alder.organization,
            kind="crl",
            url="http://crl.alder.example/root.crl",
            issuer=certificate,
            created_at=now,
            state="fresh",
            next_update=now + timedelta(hours=6),
            next_check_at=now + timedelta(hours=1),
        )
        RevocationMention.objects.create(source=made, partnership=cast.partnership, certificate=certificate)
        return made

    def test_says_when_the_first_crl_ends_and_then_that_it_has(self, watched, now):
        assert value(now, "crl_expiry_timestamp_seconds") == watched.next_update.timestamp()
        assert value(now, "revocation_sources", kind="crl", state="fresh") == 1

        later = watched.next_update

        assert value(later, "crls_expired") == 1
        assert value(later, "crl_expiry_timestamp_seconds") is None

    def test_says_how_late_an_address_is_asked(self, watched, now):
        assert value(now, "revocation_check_delay_seconds") == 0
        assert value(now + timedelta(hours=1, minutes=11), "revocation_check_delay_seconds") == 660


class TestHowLongRequestsTake:
    """A histogram by kind of address and class of answer, the same whichever process is asked."""

    BUCKET = "http_request_duration_seconds_bucket"

    @pytest.fixture(autouse=True)
    def forgotten(self):
        durations.forget()
        yield
        durations.forget()

    def counts(self, now, route, status):
        name = "trust_exchange_http_request_duration_seconds_bucket"
        return {
            dict(key)["le"]: value
            for key, value in samples(now).get(name, {}).items()
            if {("route", route), ("status", status)} <= set(key)
        }

    def test_puts_each_into_its_bucket_and_those_above(self, db, now):
        for seconds in (0.005, 0.07, 3.0, 60.0):
            durations.note("page", 200, seconds)
        durations.write_down()

        found = self.counts(now, "page", "2xx")
        assert found["0.005"] == 1
        assert found["0.05"] == 1
        assert found["0.1"] == 2
        assert found["5.0"] == 3
        assert found["10.0"] == 3
        assert found["+Inf"] == 4
        name = "http_request_duration_seconds"
        assert value(now, f"{name}_count", route="page", status="2xx") == 4
        assert value(now, f"{name}_sum", route="page", status="2xx") == pytest.approx(63.075)

    def test_adds_to_what_other_processes_wrote(self, db, now):
        for _ in range(2):
            durations.note("api", 404, 0.2)
            durations.write_down()

        assert self.counts(now, "api", "4xx")["0.25"] == 2

    def test_notes_what_people_and_programs_ask_by_its_kind(self, cast, now):
        client = cast.birch.officer.client()
        for address in ("/inventory/", "/p/nobody-knows-it/", "/api/v1/partnerships", "/healthz", "/readyz"):
            client.get(address)
        durations.write_down()

        found = {
            (labels["route"], labels["status"])
            for labels in (dict(key) for key in samples(now)["trust_exchange_http_request_duration_seconds_count"])
        }
        assert found == {("page", "2xx"), ("page", "4xx"), ("api", "2xx")}

    def test_has_no_label_that_an_asker_can_make(self, cast, now):
        for number in range(20):
            cast.birch.officer.client().get(f"/p/made-up-{number}/?q={number}")
        durations.write_down()

        assert len(samples(now)["trust_exchange_http_request_duration_seconds_count"]) == 1

    def test_writes_nothing_while_a_request_is_answered(self, db, client):
        client.get("/sign-in-nowhere/")
        with CaptureQueriesContext(connection) as asked:
            client.get("/sign-in-nowhere/")

        assert not [each["sql"] for each in asked if "counting_tally" in each["sql"]]

    def test_keeps_what_could_not_be_written_for_the_next_time(self, db, now, monkeypatch):
        durations.note("page", 200, 0.01)
        with monkeypatch.context() as broken:
            broken.setattr(counting, "_add", _no_database)
            durations.write_down()
        durations.write_down()

        assert self.counts(now, "page", "2xx")["0.01"] == 1


def _no_database(*_):
    raise DatabaseError("gone")


class TestStoresThatEnd:
    def test_are_counted_once_however_many_stores_have_a_certificate(self, cast, now):
        stores.published(cast, *stores.whole())
        once = value(now, "trusted_certificates", role="anchor", ends_within="later")
        entry = StoreEntry.objects.get(role="anchor")
        other = TrustStore.objects.create(
            name="second", relying=cast.birch.organization, owner=cast.alder.organization, partnership=cast.partnership,
            created_at=now, current_number=1, purpose=entry.version.store.purpose, environment="second",
        )  # fmt: skip
        entry.version.pk, entry.version.store, entry.version._state.adding = None, other, True
        entry.version.save()
        entry.pk, entry.version, entry._state.adding = None, entry.version, True
        entry.save()

        assert once == 1
        assert value(now, "trusted_certificates", role="anchor", ends_within="later") == 1

    def test_a_new_version_is_seen_although_the_end_of_the_last_is_kept(self, cast, now):
        version = stores.published(cast, *stores.whole())
        labels = {"organization": "birch", "store": version.store.name}
        before = value(now, "trust_store_expiry_timestamp_seconds", **labels)
        soon = Certificate.objects.order_by("not_after").first()
        Certificate.objects.filter(pk=soon.pk).update(not_after=soon.not_after - timedelta(days=1))

        assert value(now, "trust_store_expiry_timestamp_seconds", **labels) == before  # versions never change
        TrustStore.objects.update(current_number=2)
        type(version).objects.update(number=2)
        assert value(now, "trust_store_expiry_timestamp_seconds", **labels) == before - 86400
