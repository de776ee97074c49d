"""A notice that names what nobody knows (case 50), and the one that a root is stolen (case 52): what moves is exactly what must."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from notifications.acknowledgements import services as acknowledgements
from notifications.acknowledgements.rules import Answer
from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from notifications.webhooks.models import WebhookEndpoint
from portal.audit.models import Event
from tests.makers import api_tokens, notices, stores
from tests.makers import consumers as make_consumers
from trust.notices import document, life, services
from trust.notices.models import DenyEntry, Notice
from trust.stores.models import TrustStore

ROOT = stores.hierarchy("Alder").root


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def contents() -> tuple[int, set[str]]:
    store = TrustStore.objects.get()
    return store.current_number, set(
        store.versions.get(number=store.current_number).entries.values_list("certificate_id", flat=True)
    )


class TestAnUnknownSerial:
    """Case 50: kept and shown as unmatched, passed on, no effect on stores."""

    @pytest.fixture
    def sent(self, cast, alder, now):
        """Alder's program posts a notice of a certificate that nobody ever submitted, under its own issuing CA."""
        members = alder.members(
            kind="ca_revocation",
            certificate_sha256="ab" * 32,
            certificate_serial="0badcafe",
            effective_date=document.stamp(now),
        )
        content, signature = alder.signed(members)
        answer = Client().post(
            "/api/v1/certificate-alerts",
            {"notice": content.decode(), "signature": signature.decode()},
            content_type="application/json",
            headers=api_tokens.headers(cast.alder, "notices"),
        )
        assert answer.status_code in (200, 201, 202), answer.content
        return answer.json()

    def test_case_50_is_kept_byte_for_byte_and_shown_as_unmatched(self, cast, sent):
        notice = Notice.objects.get()

        page = cast.birch.responder.client().get(f"/notices/{notice.label}/").content.decode()
        read = cast.birch.responder.client().get(f"/api/v1/notices/{notice.label}").json()

        assert sent["matched"] is False
        assert read["matched"] is False
        assert json.loads(bytes(notice.content))["certificate_serial"] == "0badcafe"
        assert "No certificate here matches" in page

    def test_case_50_is_passed_on_to_people_like_any_other(self, cast, sent, now):
        fanout.sweep(now=now)

        told = InboxItem.objects.filter(event__kind="notice.received", membership=cast.birch.responder.membership)
        assert told.count() == 1
        owed = Delivery.objects.filter(event__kind="notice.received", channel="mail")
        assert owed.filter(recipient=str(cast.birch.responder.membership.pk)).count() == 1

    def test_case_50_moves_no_store_however_long_one_waits(self, sent, now):
        before = contents()

        for hours in (0, 5, 48):
            life.sweep(now=now + timedelta(hours=hours))

        assert contents() == before
        assert not DenyEntry.objects.exists()
        assert not Event.objects.filter(kind="store.published", data__number__gt=1).exists()


class TestAStolenRoot:
    """Case 52: at once, to everybody, and in an hour somebody answers or everybody above knows."""

    @pytest.fixture
    def pager(self, cast, now):
        return WebhookEndpoint.objects.create(
            organization=cast.birch.organization,
            name="pager",
            url="https://pager.birch.example/",
            event_types=["*"],
            state="active",
            created_at=now,
            proven_at=now,
        )

    @pytest.fixture
    def stolen(self, cast, alder, now, pager):
        consumer, _ = make_consumers.registered(cast)
        content, signature = alder.signed(
            alder.members(certificate_sha256=ROOT.sha256, effective_date=document.stamp(now))
        )
        services.submit(actor=cast.alder.officer.actor, now=now, content=content, signature=signature)
        fanout.sweep(now=now)
        return consumer

    def test_case_52_leaves_the_store_at_once_with_everything_below_it(self, cast, stolen):
        number, left = contents()

        assert number == 2
        assert not left, "the whole hierarchy hung below that root"

    def test_is_told_to_every_person_on_call_and_every_machine_at_once(self, cast, stolen, pager, now):
        owed = Delivery.objects.filter(event__kind="notice.received", organization=cast.birch.organization)

        assert owed.filter(channel="webhook", recipient=str(pager.pk)).count() == 1
        assert owed.filter(channel="mail", recipient=str(cast.birch.responder.membership.pk)).count() == 1
        assert {each.urgent for each in owed} == {True}
        assert {each.next_attempt_at for each in owed} == {now}

    def test_names_the_services_that_still_run_the_old_store(self, cast, stolen):
        notice = Notice.objects.get()

        page = cast.birch.responder.client().get(f"/notices/{notice.label}/").content.decode()

        assert stolen.name in page

    def test_case_52_is_escalated_within_the_hour_when_nobody_answers(self, cast, stolen, now):
        for minutes in range(0, 61, 5):
            acknowledgements.sweep(now=now + timedelta(minutes=minutes))

        levels = [each.data["level"] for each in Event.objects.filter(kind="acknowledgement.escalated")]
        assert levels
        assert min(levels) == 2

    def test_wakes_nobody_further_once_somebody_has_it(self, cast, stolen, now):
        notice = Notice.objects.get()
        acknowledgements.answer(notice=notice, actor=cast.birch.responder.actor, now=now, answer=Answer.ACKNOWLEDGED)

        for minutes in range(0, 61, 5):
            acknowledgements.sweep(now=now + timedelta(minutes=minutes))

        assert not Event.objects.filter(kind="acknowledgement.escalated").exists()
