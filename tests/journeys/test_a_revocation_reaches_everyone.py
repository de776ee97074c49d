"""Revocation day, both sides, from composing to closed: what docs/how-a-revocation-reaches-everyone.md says, step by step."""

from datetime import timedelta

import pytest
import standardwebhooks
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from notifications.acknowledgements import services as acknowledgements
from notifications.deliveries.models import Delivery
from notifications.fanout import services as fanout
from notifications.fanout import tasks
from notifications.webhooks import delivering
from notifications.webhooks import services as webhooks
from portal.audit import queries as audit
from tests.makers import listener as listeners
from tests.makers import mailbox, notices, stores
from trust.consumers.models import Consumer, PullRecord
from trust.notices import life
from trust.notices.models import Notice
from trust.notices.rules import State
from trust.stores.models import TrustStore

ISSUING = stores.hierarchy("Alder").issuing


@pytest.fixture
def pager(cast, settings):
    """Birch's pager bridge: a real receiver that checks signatures with the standardwebhooks library."""
    settings.WEBHOOK_ALLOWED_ADDRESSES = ["127.0.0.1/32"]
    with listeners.running() as running:
        added = webhooks.add_endpoint(
            actor=cast.birch.admin.actor,
            now=timezone.now(),
            name="pager-bridge",
            url=running.url("/echo"),
            event_types=["notice.*", "acknowledgement.*"],
            scheme="hmac",
        )
        webhooks.send_test(actor=cast.birch.admin.actor, now=timezone.now(), endpoint_id=added.endpoint.pk)
        running.received.clear()
        running.manner = "ok"
        running.secret = added.shown_once
        yield running


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def services_of_birch(cast, now):
    """Eleven quick services and one that pulls once a day."""
    store = TrustStore.objects.get()
    pulls = {}
    for name in ["recon-batch", *(f"service-{n}" for n in range(11))]:
        consumer = Consumer.objects.create(organization=cast.birch.organization, name=name, created_at=now)
        consumer.stores.add(store)
        pulls[name] = PullRecord.objects.create(consumer=consumer, store=store, pulled_at=now, version_number=1)
    return pulls


def everything_goes_out():
    now = timezone.now()
    fanout.sweep(now=now)
    delivering.deliver(now=now)
    tasks.deliver_mail()


def sent_by_browser(cast, alder) -> Notice:
    client = cast.alder.officer.client()
    composed = client.post(
        "/notices/new/alder-birch/ca_revocation/",
        {"certificate": ISSUING.sha256, "revocation_reason": "keyCompromise", "tlp": "TLP:AMBER"},
    )
    content = client.get(f"{composed.url}notice.json").content
    signature = alder.holder.sign_detached(content, at=timezone.now())
    client.post(composed.url, {"signature": SimpleUploadedFile("notice.json.asc", signature)})
    return Notice.objects.get()


def test_a_revocation_reaches_everyone(cast, alder, pager, services_of_birch):
    # Alder composes in the browser, signs offline, and uploads the signature.
    notice = sent_by_browser(cast, alder)
    assert notice.state == State.ANNOUNCED
    everything_goes_out()

    # The pager rings, with a sentence that can be used; its own library believes the signature.
    event = standardwebhooks.Webhook(pager.secret).verify(pager.received[0].body, pager.received[0].headers)
    subject = event["data"]["summary"]
    assert subject.startswith("[Act by ")
    # The mail says the same sentence, carries the signed notice, and has no link that acts.
    [received] = [each for each in mail.outbox if "responder" in each.to[0] and each.subject == subject]
    written = mailbox.read(received.wire)
    assert [part.get_filename() for part in written.iter_attachments()] == [
        f"{notice.label}.json",
        f"{notice.label}.json.asc",
    ]
    assert f"/n/{notice.label}, sign in, press Acknowledge." in mailbox.text_of(written)

    # Nobody moves for half an hour: the next level is told.
    acknowledgements.sweep(now=notice.received_at + timedelta(minutes=31))
    everything_goes_out()
    # Webhooks promise no order.
    assert {each.json()["type"] for each in pager.received[1:]} == {
        "acknowledgement.reminded",
        "acknowledgement.escalated",
    }
    assert len({each.json()["data"]["dedup_key"] for each in pager.received}) == 1

    # The person on call opens the short link, signs in and presses the one button.
    on_call = cast.birch.responder.client()
    page = on_call.get(on_call.get(f"/n/{notice.label}/").url)
    assert b"Nobody has acknowledged this yet" in page.content
    on_call.post(f"/notices/{notice.label}/acknowledge/")
    assert (
        cast.birch.responder.user.name.encode() in cast.alder.officer.client().get(f"/notices/{notice.label}/").content
    )

    # The responder removes it now, alone, since a verified key signed the notice. A second person is asked to review.
    on_call.post(f"/notices/{notice.label}/remove/")
    store = TrustStore.objects.get()
    version = store.versions.get(number=2)
    assert not version.entries.filter(certificate=ISSUING.sha256).exists()
    assert version.review_due_at is not None

    # Services move; the one that sleeps is named, and the notice stays open for it.
    for name, pull in services_of_birch.items():
        if name != "recon-batch":
            PullRecord.objects.filter(pk=pull.pk).update(version_number=2)
    life.sweep(now=timezone.now())
    assert b"recon-batch" in on_call.get(f"/notices/{notice.label}/").content
    on_call.post(f"/notices/{notice.label}/answer/", {"answer": "done", "message": "v2 is out, recon-batch restarts."})
    notice.refresh_from_db()
    assert notice.state == State.EXECUTED

    # It restarts, and only now is the notice closed, on both sides.
    PullRecord.objects.filter(pk=services_of_birch["recon-batch"].pk).update(version_number=2)
    life.sweep(now=timezone.now())
    acknowledgements.sweep(now=timezone.now())
    notice.refresh_from_db()
    assert notice.state == State.CLOSED
    everything_goes_out()
    assert "notice.closed" in {each.json()["type"] for each in pager.received}

    # Nothing is owed any more, and the log holds.
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert audit.verify()[2] is None
