"""Somebody wants to take trust away, or keep it, with a notice that is forged, replayed or held back. No store moves."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.acknowledgements.models import NoticeClock
from notifications.fanout import services as fanout
from notifications.fanout.models import InboxItem
from portal import errors
from portal.audit.models import Event
from portal.partnerships.models import Partnership
from tests.makers import notices, stores
from tests.makers.openpgp import make_holder
from trust.notices import document, life, services
from trust.notices.models import DenyEntry, Notice
from trust.stores.models import TrustStore

ISSUING = stores.hierarchy("Alder").issuing.sha256


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


@pytest.fixture
def nothing_moves(cast, alder, now):
    """Fail the test if any notice was taken, any store changed, or anybody else was told."""
    before = moved()
    yield
    life.sweep(now=now + timedelta(days=2))
    assert not Notice.objects.exists()
    assert moved() == before


def moved() -> tuple:
    """Return everything that a notice can move; of events those that are no trace of a refusal."""
    fanout.sweep(now=timezone.now())
    store = TrustStore.objects.get()
    return (
        store.current_number,
        sorted(store.versions.latest("number").entries.values_list("certificate_id", flat=True)),
        [model.objects.count() for model in (Notice, DenyEntry, NoticeClock)],
        sum(Partnership.objects.values_list("last_notice_number", flat=True)),
        Event.objects.exclude(kind__in=("notice.refused", "notice.message_id_reused", "notice.apply_failed")).count(),
        InboxItem.objects.filter(event__kind="notice.received").count(),
    )


def refused(alder, now, content: bytes, signature: bytes | None, *, actor=None) -> errors.Refusal:
    with pytest.raises(errors.Refusal) as caught:
        services.submit(actor=actor or alder.sender.officer.actor, now=now, content=content, signature=signature)
    return caught.value


@pytest.mark.usefixtures("nothing_moves")
class TestForgery:
    def test_one_byte_changed_after_signing(self, alder, now):
        content, signature = alder.signed(alder.members())

        assert (
            refused(alder, now, content.replace(b"keyCompromise", b"keycompromise"), signature).code == "signature_bad"
        )

    def test_no_signature(self, alder, now):
        content, _ = alder.signed(alder.members())

        assert refused(alder, now, content, None).code == "signature_missing"

    def test_an_unregistered_key_with_the_partners_name(self, alder, now):
        impostor = make_holder("Alder", fresh=True)
        content = document.canonical(alder.members())

        refusal = refused(alder, now, content, impostor.sign_detached(content))

        assert refusal.code == "signature_unknown_key"

    def test_another_organizations_registered_key(self, cast, alder, now):
        birch = notices.make_signer(cast, name="Birch", sender=cast.birch)
        content = document.canonical(alder.members())

        assert refused(alder, now, content, birch.holder.sign_detached(content)).code == "signature_unknown_key"

    def test_case_49_an_issuer_that_is_not_the_signer(self, cast, alder, now):
        """Case 49: Birch signs, and says that Alder speaks."""
        birch = notices.make_signer(cast, name="Birch", sender=cast.birch)
        content, signature = birch.signed(alder.members())

        refusal = refused(alder, now, content, signature, actor=cast.birch.officer.actor)

        assert refusal.code == "issuer_mismatch"

    def test_a_partner_that_is_none(self, cast, alder, now):
        content, signature = alder.signed(alder.members(partner="cedar"))

        assert refused(alder, now, content, signature).code == "partner_unknown"

    def test_a_stranger_who_holds_a_signed_notice(self, cast, alder, now):
        content, signature = alder.signed(alder.members())

        assert refused(alder, now, content, signature, actor=cast.cedar.officer.actor).code == "signature_unknown_key"

    def test_case_49_the_receivers_own_certificate(self, cast, alder, now):
        """Case 49: a CA that another partner of Birch's submitted."""
        from tests.cast import make_partnership
        from trust.submissions.models import Submission

        foreign = stores.submission(cast, *stores.whole("Cedar"), verify=False)
        partnership = make_partnership(cast.cedar, cast.birch)
        Submission.objects.filter(pk=foreign.pk).update(owner=cast.cedar.organization, partnership=partnership)
        content, signature = alder.signed(alder.members(certificate_sha256=stores.hierarchy("Cedar").issuing.sha256))

        assert refused(alder, now, content, signature).code == "not_entitled"


@pytest.mark.usefixtures("nothing_moves")
class TestMoments:
    """Case 48."""

    def test_case_48_ninety_days_old(self, alder, now):
        then = now - timedelta(days=90)
        content, signature = alder.signed(alder.members(now=then), at=now - timedelta(hours=1))

        assert refused(alder, now, content, signature).code == "notice_timestamp_old"

    def test_case_48_one_day_ahead(self, alder, now):
        content, signature = alder.signed(alder.members(now=now + timedelta(days=1)))

        assert refused(alder, now, content, signature).code == "notice_timestamp_ahead"

    def test_case_48_signed_before_it_was_written(self, alder, now):
        content, signature = alder.signed(alder.members(now=now), at=now - timedelta(hours=5))

        assert refused(alder, now, content, signature).code == "notice_dates_disagree"

    def test_kept_back_for_two_days(self, alder, now):
        content, signature = alder.signed(alder.members())

        assert refused(alder, now + timedelta(days=2), content, signature).code == "notice_timestamp_old"


class TestReplay:
    """Case 47."""

    def test_case_47_the_same_bytes_get_the_same_answer_and_do_nothing_twice(self, cast, alder, now):
        content, signature = alder.signed(alder.members())
        send = {"actor": cast.alder.officer.actor, "content": content, "signature": signature}
        first = services.submit(now=now, **send)
        events = Event.objects.count()

        before = moved()
        again = services.submit(now=now + timedelta(days=3), **send)

        assert (again.replayed, again.answer) == (True, first.answer)
        assert (Notice.objects.count(), Event.objects.count()) == (1, events)
        assert moved() == before

    def test_after_it_took_effect_takes_effect_no_second_time(self, cast, alder, now):
        """Case 47, replayed when the CA is gone and was put back by two people: it stays."""
        content, signature = alder.signed(alder.members())
        send = {"actor": cast.alder.officer.actor, "content": content, "signature": signature}
        first = services.submit(now=now, **send)
        life.sweep(now=now + timedelta(hours=5))
        before = moved()

        again = services.submit(now=now + timedelta(hours=6), **send)
        life.sweep(now=now + timedelta(hours=7))

        assert again.answer == first.answer
        assert moved() == before
        assert before[0] == 2

    def test_case_47_the_same_id_with_other_bytes_is_refused_and_told(self, cast, alder, now):
        first = alder.send().notice
        content, signature = alder.signed(alder.members(message_id=first.message_id, summary="Other words"))
        before = moved()

        refusal = refused(alder, now, content, signature)

        assert (refusal.status, refusal.code) == (409, "message_id_reused")
        assert moved() == before
        first.refresh_from_db()
        assert bytes(first.content) != content
        assert Event.objects.get(kind="notice.message_id_reused").partnership_id == cast.partnership.pk

    def test_a_forger_cannot_raise_that_alarm(self, cast, alder, now):
        first = alder.send().notice
        content = document.canonical(alder.members(message_id=first.message_id, summary="Other words"))

        refused(alder, now, content, make_holder("Mallory").sign_detached(content))

        assert not Event.objects.filter(kind="notice.message_id_reused").exists()


def spoiled(alder) -> dict[str, bytes]:
    text = json.dumps(alder.members())
    deep = "[" * 50_000 + "]" * 50_000
    return {
        "a member twice": text.replace('"issuer"', '"issuer": "cedar", "issuer"', 1).encode(),
        "NaN": text.replace("{", '{"details": NaN,', 1).encode(),
        "a lone surrogate": text.replace("{", '{"summary": "\\ud800",', 1).encode(),
        "a NUL": text.replace("{", '{"summary": "\\u0000",', 1).encode(),
        "a raw NUL": text.encode() + b"\x00",
        "50,000 levels": text.replace("{", '{"details": ' + deep + ",", 1).encode(),
        "1.1 MB": text.replace("{", '{"details": "' + "x" * 1_100_000 + '",', 1).encode(),
        "a number beyond 2^53": text.replace("{", '{"details": {"n": 12345678901234567890},', 1).encode(),
        "a fraction": text.replace("{", '{"details": {"n": 1.5},', 1).encode(),
        "no UTF-8": text.encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "a list": b"[" + text.encode() + b"]",
        "not JSON": b"{'issuer': 'alder'}",
        "an unknown member": text.replace("{", '{"surprise": 1,', 1).encode(),
        "another kind": text.replace("ca_revocation", "ca_restoration").encode(),
        "removeFromCRL": text.replace("keyCompromise", "removeFromCRL").encode(),
        "no time zone": text.replace('Z"', '"').encode(),
    }


CASES = [
    "a member twice", "NaN", "a lone surrogate", "a NUL", "a raw NUL", "50,000 levels", "1.1 MB", "a number beyond 2^53",
    "a fraction", "no UTF-8", "a byte order mark", "a list", "not JSON", "an unknown member", "another kind",
    "removeFromCRL", "no time zone",
]  # fmt: skip


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize("case", CASES)
def test_case_51_a_signed_document_that_can_be_read_in_two_ways(alder, now, case):
    """Case 51: refused as a bad request, whatever it holds; never an error of ours."""
    content = spoiled(alder)[case]

    refusal = refused(alder, now, *alder.signed(content))

    assert refusal.status in (400, 413)


def test_a_forged_notice_leaves_a_trace_with_the_one_it_was_forged_for(cast, alder, now):
    content, signature = alder.signed(alder.members())

    refused(alder, now, content + b" ", signature)

    event = Event.objects.get(kind="notice.refused")
    assert event.organization_id == cast.alder.organization.pk
    assert event.data["code"] == "signature_bad"
